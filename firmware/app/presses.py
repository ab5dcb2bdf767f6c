"""Presses of the bolus button: a short sound for a dose, a long one for a refusal, which is counted and journaled without filling it."""

from pumpcore import faults

if 0:  # for the type checker alone
    from app.types import Alarms, Journal

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
