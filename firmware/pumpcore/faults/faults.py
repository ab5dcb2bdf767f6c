"""Every condition that the pump can report: number, name, severity. Append only; a number is never used again.

A refusal answers a command and changes nothing. A warning is journaled and stays active until acknowledged. An alarm also puts the pump in
its safe state (motor disabled) or pauses it. The texts for people are in fault_texts.py.
"""

from pumpcore.rows import Rows
from pumpcore.units import const

if 0:  # for the type checker alone
    from pumpcore.shapes import Json

REFUSAL = const("refusal")
WARNING = const("warning")
ALARM = const("alarm")

# a row is "name number"
NUMBERS: "dict[str, Rows[str, int]]" = {
    REFUSAL: Rows("""
bad_frame 101
bad_json 102
unknown_method 103
bad_params 104
id_reused 105
too_long 106
not_stopped 201
not_running 202
no_program 203
not_staged 204
alarm_active 205
clock_unknown 206
clock_step 207
not_active_alarm 208
alarm_stays 209
in_maintenance 210
overtaken 211
supply_off 225
supply_high 226
not_loaded 212
clock_transition 213
busy 214
no_memory 215
dose_rounded 218
not_checked 219
unsigned 221
signature 222
role 223
refill_blocks 360
refill_unknown 361
reservoir_is_low 362
reservoir_holds_less 363
refill_volume 364
no_reservoir 365
no_refill_blocks 366
primed_already 367
no_line 368
temporary_active 369
no_temporary 370
temporary_time 371
temporary_pair 372
program_format 301
program_size 302
program_schedule 303
rate_above_ceiling 304
hour_above_ceiling 305
day_above_ceiling 306
limit_wider 307
rate_above_motor 308
calibration_format 351
calibration_far 352
calibration_unfit 353
calibration_date 354
bench_unfit 355
rotor_format 357
rotor_other 358
no_rotor 359
button_not_held 356
minimum_rate 310
demand_rate 311
demand_volume 312
program_settings 313
library_hard 314
library_soft 315
drug_running 316
program_waits 317
program_protocol 320
token_unknown 401
token_expired 402
bolus_active 403
bolus_too_short 404
bolus_too_small 405
no_bolus 406
token_used 407
demand_off 408
demand_locked 409
demand_count 410
bolus_above_max 411
bolus_day 412
extended_active 413
extended_time 414
bolus_too_long 415
bridge_needed 450
bridge_impossible 451
bridge_running 452
no_bridge 453
bridge_ratio 454
sequence_ahead 501
tokens_spent 502
"""),
    WARNING: Rows("""
stop_button 609
hour_limit 610
day_limit 611
power_lost 612
not_resumed 613
clock_lost 614
faults_suppressed 618
watchdog 619
calibration_expired 620
calibration_other_bench 621
reservoir_low 625
refill_tolerance 626
temporary_cut 627
extended_cut 628
by_angle 641
rotor_sensor 643
rotor_shifted 644
rotor_slipped 645
"""),
    ALARM: Rows("""
guard_mismatch 601
guard_tripped 602
journal_failed 603
store_failed 604
ledger_failed 605
program_invalid 606
not_commissioned 607
firmware_incomplete 608
underrun 615
self_test 616
internal 617
program_damaged 630
bench_damaged 631
calibration_damaged 632
reservoir_damaged 633
line_damaged 634
offset_damaged 635
keys_damaged 638
rotor_damaged 642
rotor_stalled 646
rotor_reversed 647
rotor_turned 648
sensor_unsupported 639
ledger_damaged 636
ledger_behind 637
reservoir_empty 660
journal_damaged 670
journal_numbers 671
journal_identity 672
motor_supply 685
motor_supply_high 686
restarted 690
memory_low 695
"""),
}

# Every power-up looks for these conditions again, so they are active exactly while they last.
FOUND_AT_POWER_UP = const((
    "store_failed", "program_invalid", "not_commissioned", "firmware_incomplete", "self_test", "program_damaged", "bench_damaged",
    "calibration_damaged", "reservoir_damaged", "line_damaged", "offset_damaged", "keys_damaged", "rotor_damaged", "ledger_damaged",
    "ledger_behind", "journal_numbers", "sensor_unsupported",
))

# A run without a program (calibration, priming) repairs these, so it is allowed in spite of them.
RUNS_MEND = const(("calibration_damaged", "line_damaged", "rotor_damaged"))


class Fault:
    """Number, name and severity of one condition."""

    def __init__(self, number: int, name: str, severity: str) -> None:
        self.number = number
        self.name = name
        self.severity = severity


def by_name(name: str) -> Fault:
    """Return the fault called `name`. Raises KeyError if there is none (a bug of the firmware)."""
    for severity in NUMBERS:
        if name in NUMBERS[severity]:
            return Fault(NUMBERS[severity][name], name, severity)
    raise KeyError(name)


def by_number(number: int) -> Fault:
    """Return the fault numbered `number`. Raises KeyError if there is none (a newer pump)."""
    for severity in (WARNING, ALARM, REFUSAL):  # the active ones are looked up most
        for name, its_number in NUMBERS[severity].items():
            if its_number == number:
                return Fault(number, name, severity)
    raise KeyError(number)


class Refusal(Exception):
    """A refused command. `fault` and the details for the reply (asked, limit, nearest ...); nothing has changed."""

    def __init__(self, name: str, **detail: "Json") -> None:
        super().__init__(name)
        self.fault = by_name(name)
        self.detail: dict = detail
