"""The text of each fault and what to do about it. A pump does not keep it in memory (app/wire/session.py)."""

if 0:  # for the type checker alone
    from pumpcore.shapes import Json, Refusal

# name | text | what to do
_TABLE = """
bad_frame | the line is not a frame: object, *, eight hex digits of CRC-32 | send it again
bad_json | the object is not a JSON-RPC 2.0 request | see PROTOCOL.md
unknown_method | the pump does not know this command | compare the versions that hello reports
bad_params | a parameter is missing, unknown, or of the wrong type or range | see PROTOCOL.md
id_reused | this id was used with another body | use a new random id
too_long | the line is longer than 8192 bytes | send less
not_stopped | the pump is not stopped | stop it first: thecal stop
not_running | the pump is not running | start it first: thecal start
no_program | no program is active | upload a prescription
not_staged | no program with this digest is staged | stage it again
alarm_active | an alarm is active | look at the alarms, correct the cause, acknowledge
clock_unknown | the schedule needs the time of day and the clock is not set | set the clock
clock_step | the clock can't be moved by more than 2 s while running | stop the pump first
not_active_alarm | this alarm is not active | look at the alarms
alarm_stays | the cause of this alarm is still there | correct the cause first
in_maintenance | the pump is in maintenance | reset it
overtaken | a stop arrived after this command, before it was done | order it again if it is still wanted
not_loaded | the pump can't read the part of its firmware that does this | order it again; if it stays, flash the firmware again
no_memory | the pump has no free memory to answer this | ask again; if it stays, stop the pump and restart it
clock_transition | the next change of the offset is past, or too near to be moved while running | name the nearest, or stop the pump first
dose_rounded | whole steps would deliver more than 1 % less than ordered | order one of the nearest volumes
supply_off | the motor's supply is too low to start | switch it on, look at its fuse
supply_high | the motor's supply is too high to start, or its divider is open | measure it, then look at its divider
busy | the pump checks a program, or itself after power-up | wait until that is done; thecal stop ends the check of a program
not_checked | this program was not checked to its end | upload it again: thecal program
unsigned | keys are set in this pump, and the command has no signature | take the pump's key to this computer: thecal key
signature | the signature is wrong or has expired, or the pump's keys are lost or gone | compare the pump's state of keys: thecal status
role | this key may not give this command | use the key of the role that is needed
program_format | the program is not in the format of this firmware | compile it again with the same version
program_size | the program is larger than 4096 bytes or has more than 336 entries | use fewer entries
program_schedule | the schedule's entries are not sorted, not unique or not in a week | compile it again
program_protocol | the stages or loops of the protocol are out of range or contradict each other | correct this stage in the prescription
rate_above_ceiling | a rate is above the highest that is allowed | lower the rate
hour_above_ceiling | an hour would hold more than is allowed | lower the rates or the bolus
day_above_ceiling | 24 hours would hold more than is allowed | lower the rates or the bolus
limit_wider | a limit of the program is wider than the bench's ceiling | lower the limit or leave it out
rate_above_motor | a rate needs more steps per second than the motor can make in each second with its ramps | lower the rate
calibration_format | the calibration is not in this firmware's format, or out of range | calibrate again with the same version
calibration_far | the pair is more than 50 % away from the bench's nominal one | look at the weights, the density and the turns
calibration_unfit | the active program does not fit the ceilings with this calibration | upload a program that does, then set it again
rotor_format | the table of the rotor is not in this firmware's format, or a turn does not cost the calibration | learn it again
rotor_other | the table of the rotor is of another bench, tube or lot, or no calibration counts | calibrate, then learn it
no_rotor | the pump has no table of its rotor | learn it: thecal calibrate --rotor
bench_unfit | the active program does not fit these ceilings | upload a program that does, then set them again
button_not_held | nobody held and released the stop button in time: nothing was changed | ask again, then hold it and release it when told
calibration_date | the calibration's date is in the future | set the clocks of pump and computer
token_unknown | the pump did not issue this token, or it is void | ask for a new token
token_expired | the token is older than 60 s | ask for a new token
bolus_active | a bolus is being delivered | wait for its end, or cancel it: thecal bolus --cancel
bolus_too_short | a bolus takes at least 20 s | lower its rate
bolus_too_long | it takes longer than a bolus (24 h) or a run (30 days) may | raise its rate or order less
bolus_too_small | the bolus is less than one step | order more
no_bolus | no bolus with this token is waiting or being delivered | ask for its status
token_used | another bolus was ordered with this token | ask for a new token
tokens_spent | no token is left since power-up: 1,048,575 were issued | stop the pump and switch it off and on
sequence_ahead | no record has this sequence number yet | read from a lower one
guard_mismatch | the guard counted other steps than the generator reports | check the wiring, then acknowledge
guard_tripped | the guard cut the motor at the end of the lease | read the journal, then acknowledge
journal_failed | the journal can't be written | check the flash, then acknowledge
store_failed | an image can't be stored | make room on the flash, then switch the pump off and on
ledger_failed | the ledger can't be written or read | check the flash, then acknowledge
program_invalid | the stored program is not valid on this bench | upload a prescription
not_commissioned | this pump has no bench file of its kind | deploy the firmware with its bench
firmware_incomplete | the firmware is not the one of its manifest | flash it again: thecal flash
stop_button | the stop button was pressed | acknowledge
hour_limit | the hour's ceiling is reached: basal pauses | wait, or check the program
day_limit | the ceiling of 24 hours is reached: basal pauses | wait, or check the program
power_lost | the power failed while running | read what is uncertain, then acknowledge
not_resumed | the pump did not resume after the power failed | start it again
clock_lost | the clock is not set and the schedule needs it | set the clock
underrun | the step generator ran dry | report this with the journal
journal_damaged | records of the journal are damaged or missing | save the others: thecal journal --raw FILE, then: thecal ack 670
journal_numbers | the journal's numbers come to their end | save it: thecal journal --raw FILE, then erase the board and flash it again
journal_identity | the journal's identity is damaged or gone | thecal ack 672 stores what its newest boot record says
self_test | the power-on self test failed | read the journal
internal | the firmware met an error of its own | report this with the journal
motor_supply | the motor's supply was too low: the last steps are uncertain | look at the supply and its fuse, then acknowledge
motor_supply_high | the motor's supply was too high: the last steps are uncertain | measure it, look at its divider, then acknowledge
memory_low | the pump's memory is nearly used up: it has stopped | switch it off and on again, then acknowledge
faults_suppressed | the same fault came again within a minute and was only counted | read the journal
watchdog | the last reset was the watchdog's | report this with the journal
calibration_expired | the calibration has expired: volumes may be off | calibrate again
calibration_other_bench | the stored calibration is of another bench: the nominal pair counts | calibrate this pump head
minimum_rate | the rate of a minimum program is neither 0 nor from one step an hour to one step a minute | write the nearest rate
demand_rate | the highest basal and a demand bolus together are above the highest rate | make the demand bolus smaller or longer
demand_volume | basal and all allowed demand boluses are above the ceiling of an hour or of 24 hours | allow fewer or smaller demand boluses
program_settings | a setting of the program is out of range or contradicts another | correct this setting in the prescription
library_hard | a value is beyond a hard limit of the drug library | stay inside the limit
library_soft | a value is beyond a soft limit of the drug library and it was not confirmed | confirm the override in the prescription
drug_running | a running pump does not change its drug or its concentration | stop it first: thecal stop
program_waits | another program takes over within a minute | wait
refill_blocks | the residual at the refill was out of tolerance and no reason was given | acknowledge the refill with a reason
refill_unknown | the program has a reservoir and the pump does not know its content | report the refill
reservoir_is_low | the reservoir is low: no bolus | refill it
reservoir_holds_less | the reservoir holds less than that above its empty mark | order less, or refill it
refill_volume | the residual and what was filled are more than the reservoir's capacity | measure again
no_reservoir | the active program has no reservoir | add [reservoir] to the prescription
no_refill_blocks | no refill waits to be acknowledged | look at the status
primed_already | the line was primed since the last refill or change of program | order it with again if you mean it
no_line | the active program has no volumes of tubing and catheter | add [line] to the prescription
temporary_active | a temporary rate is running | wait for its end, or cancel it: thecal temporary --cancel
no_temporary | no temporary rate is running | look at the status
temporary_time | a temporary rate lasts from 60 s to 24 h | ask for the nearest time
temporary_pair | a temporary rate is a rate, or 0 to 10,000 in 1 to 10,000 | write one of the two
demand_off | the active program allows no demand bolus | add [demand] to the prescription
demand_locked | the lockout since the start of the last demand bolus is not over | wait
demand_count | the program allows no more demand boluses in 24 powered-on hours | wait
bolus_above_max | the dose is above the largest that the program allows | order less
bolus_day | the boluses of 24 powered-on hours would hold more than the program allows | order less, or wait
extended_active | an extended bolus is being delivered or waits | wait for its end, or cancel it: thecal bolus --cancel
extended_time | an extended bolus lasts from 10 min to 24 h | order it with the nearest time
bridge_needed | the line still holds another concentration | start with a bridge, or prime the line
bridge_impossible | the line holds another fluid, or more than one change: no bridge can deliver it | prime the line
bridge_running | a bridge is running: it allows no other order | wait until the front has passed, or stop
no_bridge | the line holds what the active program delivers | start without a bridge
bridge_ratio | the ratio of the two concentrations is too fine for the pump | prime the line, or write a rounder concentration
reservoir_low | the reservoir is low: boluses are refused, the basal goes on | refill it
refill_tolerance | at the refill the residual was not what the pump expected | weigh again, then acknowledge the refill with a reason
temporary_cut | the power failed during a temporary rate, which has ended | order it again if it is still wanted
by_angle | the pump doses by angle: thecal status gives the cause | find the angle again: thecal calibrate --rotor --verify
extended_cut | the power failed during an extended bolus, which has ended | order the rest if it is still wanted
restarted | the firmware failed and the pump started again | read the journal: thecal journal, then thecal ack 690
program_damaged | the stored program is damaged, or is not the last one | upload the prescription again: thecal program FILE
bench_damaged | the stored bench is damaged, or is not the last one | write it again: thecal flash --bench FILE
calibration_damaged | the stored calibration is damaged, or is not the last one | calibrate again: thecal calibrate (--forget)
reservoir_damaged | what was stored of the refill is damaged, or is not the last one | report a refill: thecal refill, or thecal ack 633
line_damaged | what was stored of the line is damaged, or is not the last one | prime the line: thecal prime; without one: thecal program
keys_damaged | the stored keys are damaged, or are not the last ones | set new ones: thecal key new, or thecal flash --forget-key
rotor_damaged | the stored table of the rotor is damaged, or is not the last one | learn it again, or forget it: thecal calibrate --rotor
rotor_sensor | the sensor at the rotor does not answer, or shows no magnet | look at its cable and its magnet
rotor_shifted | the rotor stands 2 to 5 degrees off the motor's position | look at its coupling; the pump finds the angle again by itself
rotor_slipped | the rotor slipped by more than 5 degrees: what it did not bring is not made up | look at coupling, head and line
rotor_stalled | the rotor stood still while the motor was driven | look at head, line and motor current, then thecal ack 646
rotor_reversed | the rotor turned backwards while the motor was driven | look at the motor's wires and sensor, then thecal ack 647
rotor_turned | the rotor turned by itself, or somebody turned it | look at head and coupling, then thecal ack 648
sensor_unsupported | the bench names sensors that this firmware does not read | write one without them: thecal flash --bench FILE
offset_damaged | the stored offset to local time is damaged, or is not the last one | set the clock: thecal clock --set
ledger_damaged | the ledger is damaged: steps of the last lease may be missing from the position | look at the journal, then thecal ack 636
ledger_behind | the ledger is older than the journal: the journal's position counts | look at the journal, then thecal ack 637
reservoir_empty | the reservoir is empty | refill it, report the refill, then acknowledge
"""


def told(name: str) -> tuple[str, str]:
    """Return (text, what to do) of the fault called `name`. Raises ValueError if there is none."""
    start = _TABLE.index("\n" + name + " | ") + len(name) + 4
    text, remedy = _TABLE[start : _TABLE.index("\n", start)].split(" | ")
    return text, remedy


def sentence(refused: "Refusal") -> str:
    """Return the message of a Refusal: its text with its details, the same on pump and host."""
    return worded(told(refused.fault.name)[0], refused.detail)


def worded(text: str, detail: "dict[str, Json]") -> str:
    """Return `text` with the details in brackets, sorted, each with its unit: "a rate is ... (asked 12 nl, limit 10 nl)"."""
    parts = []
    for name, value in sorted(detail.items()):
        unit = name.split("_")[-1]
        known = unit in ("nl", "ms", "s")
        words = (name[: -len(unit) - 1] if known else name).replace("_", " ")
        parts.append("%s %s %s" % (words, value, unit) if known else "%s %s" % (words, value))
    return text + " (" + ", ".join(parts) + ")" if parts else text
