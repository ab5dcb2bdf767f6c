"""Every condition that the pump can report: number, name, severity, text and what to do. Append only; numbers are never reused.

A refusal answers a command and changes nothing. A warning is journaled and stays active until acknowledged. An alarm
also brings the pump into its safe state (motor disabled) or pauses it, as its text says.
"""

REFUSAL = "refusal"
WARNING = "warning"
ALARM = "alarm"

_TABLE = (
    # wire: the request itself
    (101, "bad_frame", REFUSAL, "the line is not a frame: object, *, eight hex digits of CRC-32", "send it again"),
    (102, "bad_json", REFUSAL, "the object is not a JSON-RPC 2.0 request", "see PROTOCOL.md"),
    (103, "unknown_method", REFUSAL, "the pump does not know this command", "compare the versions that hello tells"),
    (104, "bad_params", REFUSAL, "a parameter is missing, unknown, or of the wrong type or range", "see PROTOCOL.md"),
    (105, "id_reused", REFUSAL, "this id was used with another body", "use a new random id"),
    (106, "too_long", REFUSAL, "the line is longer than 8192 bytes", "send less"),
    # state
    (201, "not_stopped", REFUSAL, "the pump is running", "stop it first"),
    (202, "not_running", REFUSAL, "the pump is not running", "start it first"),
    (203, "no_program", REFUSAL, "no program is active", "upload a prescription"),
    (204, "not_staged", REFUSAL, "no program with this digest is staged", "stage it again"),
    (205, "alarm_active", REFUSAL, "an alarm is active", "look at the alarms, mend the cause, acknowledge"),
    (206, "clock_unknown", REFUSAL, "the schedule needs the time of day and the clock is not set", "set the clock"),
    (207, "clock_step", REFUSAL, "the clock can't be moved by more than 2 s while running", "stop the pump first"),
    (208, "not_active_alarm", REFUSAL, "this alarm is not active", "look at the alarms"),
    (209, "alarm_stays", REFUSAL, "the cause of this alarm is still there", "mend the cause first"),
    (210, "in_maintenance", REFUSAL, "the pump is in maintenance", "reset it"),
    (211, "overtaken", REFUSAL, "a stop arrived behind this command, before it was done", "order it again if it is still wanted"),
    # program
    (301, "program_format", REFUSAL, "the program is not in the format of this firmware", "compile it again with the same version"),
    (302, "program_size", REFUSAL, "the program is larger than 4096 bytes or has more than 336 entries", "use fewer entries"),
    (303, "program_schedule", REFUSAL, "the schedule's entries are not sorted, not unique or not in a week", "compile it again"),
    (304, "rate_above_ceiling", REFUSAL, "a rate is above the highest that is allowed", "lower the rate"),
    (305, "hour_above_ceiling", REFUSAL, "an hour would hold more than is allowed", "lower the rates or the bolus"),
    (306, "day_above_ceiling", REFUSAL, "24 hours would hold more than is allowed", "lower the rates or the bolus"),
    (307, "limit_wider", REFUSAL, "a limit of the program is wider than the bench's ceiling", "lower the limit or leave it out"),
    (308, "rate_above_motor", REFUSAL, "a rate needs more steps per second than the motor can make", "lower the rate"),
    # bolus
    (401, "token_unknown", REFUSAL, "the pump did not issue this token, or it is void", "ask for a new token"),
    (402, "token_expired", REFUSAL, "the token is older than 60 s", "ask for a new token"),
    (403, "bolus_active", REFUSAL, "a bolus is being delivered", "wait for its end or cancel it"),
    (404, "bolus_too_short", REFUSAL, "a bolus takes at least 20 s", "lower its rate"),
    (405, "bolus_too_small", REFUSAL, "the bolus is less than one step", "order more"),
    (406, "no_bolus", REFUSAL, "no bolus with this token is waiting or being delivered", "ask for its status"),
    (407, "token_used", REFUSAL, "another bolus was ordered with this token", "ask for a new token"),
    # journal
    (501, "sequence_ahead", REFUSAL, "no record has this sequence number yet", "read from a lower one"),
    # conditions of the pump
    (601, "guard_mismatch", ALARM, "the guard counted other steps than the generator reports", "check the wiring, then acknowledge"),
    (602, "guard_tripped", ALARM, "the guard cut the motor at the end of the lease", "read the journal, then acknowledge"),
    (603, "journal_failed", ALARM, "the journal can't be written", "check the flash, then acknowledge"),
    (604, "store_failed", ALARM, "a stored image is damaged", "upload it again or deploy again"),
    (605, "ledger_failed", ALARM, "the ledger can't be written or read", "check the flash, then acknowledge"),
    (606, "program_invalid", ALARM, "the stored program is not valid on this bench", "upload a prescription"),
    (607, "not_commissioned", ALARM, "this pump has no bench file", "deploy the firmware with its bench"),
    (608, "firmware_incomplete", ALARM, "the firmware is not the one of its manifest", "flash it again"),
    (609, "stop_button", WARNING, "the stop button was pressed", "acknowledge"),
    (610, "hour_limit", WARNING, "the hour's ceiling is reached: basal pauses", "wait, or check the program"),
    (611, "day_limit", WARNING, "the ceiling of 24 hours is reached: basal pauses", "wait, or check the program"),
    (612, "power_lost", WARNING, "the power failed while running", "read what is uncertain, then acknowledge"),
    (613, "not_resumed", WARNING, "the pump did not resume after the power failed", "start it again"),
    (614, "clock_lost", WARNING, "the clock is not set and the schedule needs it", "set the clock"),
    (615, "underrun", ALARM, "the step generator ran dry", "report this with the journal"),
    (616, "self_test", ALARM, "the power-on self test failed", "read the journal"),
    (617, "internal", ALARM, "the firmware met an error of its own", "report this with the journal"),
    (618, "faults_suppressed", WARNING, "the same fault came again within a minute and was only counted", "read the journal"),
    (619, "watchdog", WARNING, "the last reset was the watchdog's", "report this with the journal"),
)

# Conditions that every power-up looks for anew: they are active again exactly when they are still there.
FOUND_AT_POWER_UP = ("store_failed", "program_invalid", "not_commissioned", "firmware_incomplete", "self_test")

BY_NUMBER = {row[0]: row for row in _TABLE}
BY_NAME = {row[1]: row for row in _TABLE}


class Fault:
    """One row of the table: number, name, severity, text, and what to do about it."""

    def __init__(self, row: tuple) -> None:
        self.number, self.name, self.severity, self.text, self.remedy = row


def by_name(name: str) -> Fault:
    """The fault called `name`; KeyError when there is none (a bug of ours)."""
    return Fault(BY_NAME[name])


def by_number(number: int) -> Fault:
    """The fault numbered `number`; KeyError when there is none (a newer pump)."""
    return Fault(BY_NUMBER[number])


class Refusal(Exception):
    """A command that is refused: the fault's name and details for the reply (asked, limit, nearest ...); nothing has changed."""

    def __init__(self, name: str, **detail: object) -> None:
        super().__init__(name)
        self.fault = by_name(name)
        self.detail = detail

    def sentence(self) -> str:
        """The fault's text with the details, for people."""
        if not self.detail:
            return self.fault.text
        return self.fault.text + " (" + ", ".join("%s: %s" % item for item in sorted(self.detail.items())) + ")"
