"""What the pump reports: alarms, refused presses of the bolus button, and the one way by which behaviour reports."""

from app.records.journal import Journal, JournalError
from pumpcore.faults import faults
from pumpcore.wire.records import ALARM_CHANGES

if 0:  # for the type checker alone
    from app.types import Buzzer, Clock, Payload

# --- alarms ------------------------------------------------------------------------------------------------------------------
# The conditions that are active, each journaled in the faults ring when raised, repeated and acknowledged.

REPEAT_MS = 60_000
# The cause can't go away while this firmware runs: acknowledging would hide it.
_PERSISTENT = (
    "not_commissioned", "firmware_incomplete", "self_test", "store_failed", "calibration_expired", "program_damaged", "bench_damaged",
    "calibration_damaged", "line_damaged", "offset_damaged", "journal_numbers",
)
# Stays for weeks: a pump that beeps all that time is switched off.
_SILENT = ("calibration_expired",)


class Alarms:
    """Active faults by number. `order` is how they were raised; a fault that comes again within 60 s is only counted."""

    def __init__(self, journal: "Journal", clock: "Clock", buzzer: "Buzzer") -> None:
        self._journal = journal
        self._clock = clock
        self._buzzer = buzzer
        self._active: dict[int, int] = {}
        self._journaled_ms: dict[int, int] = {}
        self.suppressed = 0
        self.last_error = ""

    def active(self) -> "list[int]":
        """Numbers of the active faults, ascending."""
        return sorted(self._active)

    def stopping(self, besides: "tuple[str, ...]" = ()) -> "list[int]":
        """Numbers of the active ones that keep the pump from running, without those named in `besides`."""
        active = [faults.by_number(number) for number in self.active()]
        return [fault.number for fault in active if fault.severity == faults.ALARM and fault.name not in besides]

    def counts(self) -> "dict[int, int]":
        return self._active

    def raise_fault(self, name: str) -> bool:
        """Makes a fault active; True when it was not active before. A broken journal does not keep an alarm from sounding."""
        fault = faults.by_name(name)
        fresh = fault.number not in self._active
        self._active[fault.number] = self._active.get(fault.number, 0) + 1
        self.sound()
        self._record(fault.number, "raised" if fresh else "repeated")
        return fresh

    def restore(self, number: int, count: int) -> None:
        """Makes an alarm active again that was not acknowledged before the last reset; it is in the journal already."""
        self._active[number] = count
        self._buzzer.sound("high")

    def _record(self, number: int, change: str) -> None:
        now_ms = self._clock.uptime_ms()
        last_ms = self._journaled_ms.get(number)
        if change == "repeated" and last_ms is not None and now_ms - last_ms < REPEAT_MS:
            self.suppressed += 1
            return
        self._journaled_ms[number] = now_ms
        self._journal.post("alarm", (number, ALARM_CHANGES.index(change), self._active[number]), "faults")

    def acknowledge(self, number: int) -> None:
        """Ends a fault. Refusals `not_active_alarm`, `alarm_stays`; journaled before it ends (JournalError)."""
        if number not in self._active:
            raise faults.Refusal("not_active_alarm", asked=number)
        if faults.by_number(number).name in _PERSISTENT:
            raise faults.Refusal("alarm_stays", asked=number)
        values = (number, ALARM_CHANGES.index("acknowledged"), self._active[number])
        try:
            self._journal.append("alarm", values, "faults")
        except JournalError:
            raise faults.Refusal("alarm_stays", asked=number)
        self.clear(number)

    def note_error(self, error: BaseException) -> None:
        """Keeps the text of a bug for `status`."""
        self.last_error = repr(error)[:120]

    def clear(self, number: int) -> None:
        """Ends a fault whose cause is gone by itself."""
        self._active.pop(number, None)
        self.sound()

    def beep(self) -> None:
        """A sound for a moment, until `sound`; an alarm drowns it."""
        self._buzzer.sound("high" if self.stopping() else "low")

    def sound(self) -> None:
        """What the active faults sound like."""
        heard = [number for number in self._active if faults.by_number(number).name not in _SILENT]
        self._buzzer.sound("high" if self.stopping() else "low" if heard else "off")

    def clear_name(self, name: str) -> None:
        self.clear(faults.by_name(name).number)


# --- presses -----------------------------------------------------------------------------------------------------------------
# Presses of the bolus button: a short sound for a dose, a long one for a refusal, which is counted and journaled without filling it.

RECORD_MS = 900_000
SOUND_MS, SHORT_SOUND_MS = 1_000, 200
NEVER_MS = 1 << 62


class Presses:
    """`refused` is their number since power-up. The first is journaled, then one record in 15 minutes at most, with their count."""

    def __init__(self, journal: "Journal", alarms: "Alarms") -> None:
        self._journal = journal
        self._alarms = alarms
        self.refused = 0
        self._waiting = 0
        self._last = (0, 0)
        self._next_ms = 0
        self.quiet_ms = NEVER_MS  # when the sound ends

    def accept(self, now_ms: int) -> None:
        """Tells that a press has ordered a dose."""
        self._sound(now_ms + SHORT_SOUND_MS)

    def refuse(self, name: str, wait_s: int, now_ms: int) -> None:
        """Counts a press that `name` forbids for `wait_s` more seconds."""
        self.refused += 1
        self._waiting = min(self._waiting + 1, 0xFFFF)
        self._last = (faults.by_name(name).number, wait_s)
        self._sound(now_ms + SOUND_MS)

    def _sound(self, until_ms: int) -> None:
        self._alarms.beep()
        self.quiet_ms = until_ms

    def tick(self, now_ms: int) -> None:
        """Ends the sound, and reports when it is time."""
        if now_ms >= self.quiet_ms:
            self.quiet_ms = NEVER_MS
            self._alarms.sound()
        if self._waiting and now_ms >= self._next_ms:
            number, wait_s = self._last
            self._journal.post("demand_refused", (number, self._waiting, wait_s))
            self._waiting = 0
            self._next_ms = now_ms + RECORD_MS


# --- reporter ----------------------------------------------------------------------------------------------------------------
# The one way by which behaviour reports: records into the journal, conditions to the alarms.


class Reporter:
    """`append` is durable before it returns and may raise JournalError; `settle`, `post` and `fault` never fail."""

    def __init__(self, journal: Journal, alarms: Alarms) -> None:
        self._journal = journal
        self._alarms = alarms

    def append(self, name: str, values: "Payload") -> None:
        self._journal.append(name, values)

    def settle(self, name: str, values: "Payload") -> None:
        """Durable at once if the flash lets it, else kept for when it does, with an alarm."""
        try:
            self._journal.append(name, values)
        except JournalError:
            self._journal.post(name, values)
            self._alarms.raise_fault("journal_failed")

    def post(self, name: str, values: "Payload") -> None:
        self._journal.post(name, values)

    def fault(self, name: str) -> None:
        self._alarms.raise_fault(name)

    def clear(self, name: str) -> None:
        self._alarms.clear_name(name)
