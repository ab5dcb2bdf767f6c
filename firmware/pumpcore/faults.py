"""Every condition that the pump can report: number, name, severity. Append only; numbers are never reused.

A refusal answers a command and changes nothing. A warning is journaled and stays active until acknowledged. An alarm
also brings the pump into its safe state (motor disabled) or pauses it. What people read about a fault is in fault_texts.py.
"""

REFUSAL = "refusal"
WARNING = "warning"
ALARM = "alarm"

NUMBERS = {
    REFUSAL: {
        # wire: the request itself
        "bad_frame": 101,
        "bad_json": 102,
        "unknown_method": 103,
        "bad_params": 104,
        "id_reused": 105,
        "too_long": 106,
        # state
        "not_stopped": 201,
        "not_running": 202,
        "no_program": 203,
        "not_staged": 204,
        "alarm_active": 205,
        "clock_unknown": 206,
        "clock_step": 207,
        "not_active_alarm": 208,
        "alarm_stays": 209,
        "in_maintenance": 210,
        "overtaken": 211,
        "supply_off": 225,
        "not_loaded": 212,
        # program
        "program_format": 301,
        "program_size": 302,
        "program_schedule": 303,
        "rate_above_ceiling": 304,
        "hour_above_ceiling": 305,
        "day_above_ceiling": 306,
        "limit_wider": 307,
        "rate_above_motor": 308,
        # calibration
        "calibration_format": 351,
        "calibration_far": 352,
        "calibration_unfit": 353,
        "calibration_date": 354,
        # bolus
        "token_unknown": 401,
        "token_expired": 402,
        "bolus_active": 403,
        "bolus_too_short": 404,
        "bolus_too_small": 405,
        "no_bolus": 406,
        "token_used": 407,
        # journal
        "sequence_ahead": 501,
    },
    WARNING: {
        "stop_button": 609,
        "hour_limit": 610,
        "day_limit": 611,
        "power_lost": 612,
        "not_resumed": 613,
        "clock_lost": 614,
        "faults_suppressed": 618,
        "watchdog": 619,
        "calibration_expired": 620,
        "calibration_other_bench": 621,
    },
    ALARM: {
        "guard_mismatch": 601,
        "guard_tripped": 602,
        "journal_failed": 603,
        "store_failed": 604,
        "ledger_failed": 605,
        "program_invalid": 606,
        "not_commissioned": 607,
        "firmware_incomplete": 608,
        "underrun": 615,
        "self_test": 616,
        "internal": 617,
        "motor_supply": 685,
    },
}

# Conditions that every power-up looks for anew: they are active again exactly when they are still there.
FOUND_AT_POWER_UP = ("store_failed", "program_invalid", "not_commissioned", "firmware_incomplete", "self_test")


class Fault:
    """Number, name and severity of one condition."""

    def __init__(self, number: int, name: str, severity: str) -> None:
        self.number = number
        self.name = name
        self.severity = severity


def by_name(name: str) -> Fault:
    """The fault called `name`; KeyError when there is none (a bug of ours)."""
    for severity in NUMBERS:
        if name in NUMBERS[severity]:
            return Fault(NUMBERS[severity][name], name, severity)
    raise KeyError(name)


def by_number(number: int) -> Fault:
    """The fault numbered `number`; KeyError when there is none (a newer pump)."""
    for severity in NUMBERS:
        for name, its_number in NUMBERS[severity].items():
            if its_number == number:
                return Fault(number, name, severity)
    raise KeyError(number)


class Refusal(Exception):
    """A command that is refused: the fault's name and details for the reply (asked, limit, nearest ...); nothing has changed."""

    def __init__(self, name: str, **detail: object) -> None:
        super().__init__(name)
        self.fault = by_name(name)
        self.detail = detail
