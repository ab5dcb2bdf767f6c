"""Reports: alarms, refused presses of the bolus button, and the Reporter through which all behaviour reports."""

from app.records.journal import Journal, JournalError
from pumpcore.faults import faults
from pumpcore.units import NEVER_MS, const
from pumpcore.wire.records import ALARM_CHANGES

if 0:  # for the type checker alone
    from app.types import Buzzer, Clock, Payload

# --- alarms ------------------------------------------------------------------------------------------------------------------
# The active conditions. Each is journaled in the ring of faults when raised, repeated and acknowledged.

REPEAT_MS = const(60_000)
# The cause cannot go away while this firmware runs: acknowledging would hide it.
_PERSISTENT = const((
    "not_commissioned", "firmware_incomplete", "self_test", "store_failed", "calibration_expired", "program_damaged", "bench_damaged",
    "calibration_damaged", "line_damaged", "offset_damaged", "keys_damaged", "rotor_damaged", "journal_numbers", "sensor_unsupported",
))
# Lasts for weeks: somebody would switch off a pump that beeps all that time.
_SILENT = const(("calibration_expired", "by_angle"))
_LOUD = const("rotor_slipped")  # delivery goes on, but what slipped is missing


class Alarms:
    """Active faults by number, in the order in which they were raised. A fault repeated within 60 s is only counted."""

    def __init__(self, journal: "Journal", clock: "Clock", buzzer: "Buzzer") -> None:
        self.journal = journal
        self.clock = clock
        self.buzzer = buzzer
        self._active: dict[int, int] = {}
        self.at_ms: dict[int, int] = {}
        self.suppressed = 0
        self.last_error = ""

    def active(self) -> "list[int]":
        """Return the numbers of the active faults, ascending."""
        return sorted(self._active)

    def stopping(self, other: "tuple[str, ...]" = ()) -> "list[int]":
        """Return the numbers of the active alarms that keep the pump from running, without those named in `other`."""
        active = [faults.by_number(number) for number in self.active()]
        return [fault.number for fault in active if fault.severity == faults.ALARM and fault.name not in other]

    def counts(self) -> "dict[int, int]":
        """Return {number: how often it came} of the active faults."""
        return self._active

    def raise_fault(self, name: str) -> bool:
        """Make a fault active; return True if it was not. The alarm sounds even if the journal is broken."""
        fault = faults.by_name(name)
        fresh = fault.number not in self._active
        self._active[fault.number] = self._active.get(fault.number, 0) + 1
        self.sound()
        self.record(fault.number, "raised" if fresh else "repeated")
        return fresh

    def restore(self, number: int, count: int) -> None:
        """Make an alarm active again that was not acknowledged before the last reset; it is in the journal already."""
        self._active[number] = max(self._active.get(number, 0), count)
        self.buzzer.sound("high")

    def record(self, number: int, change: str) -> None:
        now_ms = self.clock.uptime_ms()
        last_ms = self.at_ms.get(number)
        if change == "repeated" and last_ms is not None and now_ms - last_ms < REPEAT_MS:
            self.suppressed += 1
            return
        self.at_ms[number] = now_ms
        self.journal.post("alarm", (number, ALARM_CHANGES.index(change), self._active[number]), "faults")

    def acknowledge(self, number: int) -> None:
        """End a fault, journaled first. Refusals `not_active_alarm`, `alarm_stays` (also if the journal is broken)."""
        if number not in self._active:
            raise faults.Refusal("not_active_alarm", asked=number)
        if faults.by_number(number).name in _PERSISTENT:
            raise faults.Refusal("alarm_stays", asked=number)
        values = (number, ALARM_CHANGES.index("acknowledged"), self._active[number])
        try:
            self.journal.append("alarm", values, "faults")
        except JournalError:
            raise faults.Refusal("alarm_stays", asked=number)
        self.clear(number)

    def note_error(self, error: BaseException) -> None:
        """Keep the text of a bug for `status`."""
        self.last_error = repr(error)[:120]

    def clear(self, number: int) -> None:
        """End a fault whose cause is gone."""
        self._active.pop(number, None)
        self.sound()

    def beep(self) -> None:
        """Sound a beep until the next `sound`: low, or high while an alarm is active."""
        self.buzzer.sound("high" if self.stopping() else "low")

    def sound(self) -> None:
        """Sound the active faults: high for alarms, low for warnings, else off."""
        heard = [name for name in [faults.by_number(number).name for number in self._active] if name not in _SILENT]
        self.buzzer.sound("high" if _LOUD in heard or self.stopping() else "low" if heard else "off")

    def clear_name(self, name: str) -> None:
        """End the fault called `name`, whose cause is gone."""
        self.clear(faults.by_name(name).number)


# --- presses -----------------------------------------------------------------------------------------------------------------
# A press sounds short for a dose and long for a refusal. Refusals are counted and journaled so that they cannot fill the journal.

RECORD_MS = const(900_000)
SOUND_MS = const(1_000)
SHORT_SOUND_MS = const(200)


class Presses:
    """Presses of the bolus button. `refused`: refusals since power-up.

    The first refusal is journaled, then at most one record in 15 minutes with their count.
    """

    def __init__(self, journal: "Journal", alarms: "Alarms") -> None:
        self.journal = journal
        self.alarms = alarms
        self.refused = 0
        self.pending = 0
        self._last = (0, 0)
        self.next_ms = 0
        self.quiet_ms = NEVER_MS  # when the sound ends

    def accept(self, uptime_ms: int) -> None:
        """Sound that a press has ordered a dose."""
        self.sound(uptime_ms + SHORT_SOUND_MS)

    def refuse(self, name: str, wait_s: int, uptime_ms: int) -> None:
        """Count a press that the fault `name` forbids for `wait_s` more seconds."""
        self.refused += 1
        self.pending = min(self.pending + 1, 0xFFFF)
        self._last = (faults.by_name(name).number, wait_s)
        self.sound(uptime_ms + SOUND_MS)

    def sound(self, end_ms: int) -> None:
        self.alarms.beep()
        self.quiet_ms = end_ms

    def tick(self, uptime_ms: int) -> None:
        """End the sound, and journal the count if it is time."""
        if uptime_ms >= self.quiet_ms:
            self.quiet_ms = NEVER_MS
            self.alarms.sound()
        if self.pending and uptime_ms >= self.next_ms:
            number, wait_s = self._last
            self.journal.post("demand_refused", (number, self.pending, wait_s))
            self.pending = 0
            self.next_ms = uptime_ms + RECORD_MS


# --- reporter ----------------------------------------------------------------------------------------------------------------


class Reporter:
    """Records go to the journal, conditions to the alarms. `append` may raise JournalError; the others never fail."""

    def __init__(self, journal: Journal, alarms: Alarms) -> None:
        self.journal = journal
        self.alarms = alarms

    def append(self, name: str, values: "Payload") -> None:
        """Write a record: durable when this returns. Raises JournalError."""
        self.journal.append(name, values)

    def settle(self, name: str, values: "Payload") -> None:
        """Write a record at once; if the flash fails, raise an alarm and keep the record for later."""
        try:
            self.journal.append(name, values)
        except JournalError:
            self.journal.post(name, values)
            self.alarms.raise_fault("journal_failed")

    def post(self, name: str, values: "Payload") -> None:
        """Keep a record for the next free turn of the loop."""
        self.journal.post(name, values)

    def fault(self, name: str) -> None:
        """Raise a fault."""
        self.alarms.raise_fault(name)

    def clear(self, name: str) -> None:
        """End a fault."""
        self.alarms.clear_name(name)
