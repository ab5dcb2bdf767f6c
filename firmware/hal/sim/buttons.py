"""Stop button, bolus button, buzzer and LED."""

from hal.sim import panel

_PATTERNS = ("off", "low", "high")


class Buttons:
    """The stop button drops the enable line in hardware, latched until `clear_stop`."""

    def __init__(self, pulses: panel.Pulses, board: panel.Device) -> None:
        self._pulses = pulses
        self._board = board

    def stop_pressed(self) -> bool:
        return self._pulses.flag(panel.STOP)

    def clear_stop(self) -> None:
        """Releases the latch; what was queued when it fell is never stepped."""
        self._pulses.up_to_date = False
        self._board.order(b"S")

    def bolus_pressed(self) -> bool:
        """True once for each press, as of the last look at the board."""
        pulses = self._pulses
        if not pulses.flags & panel.BOLUS:
            return False
        pulses.flags &= ~panel.BOLUS
        self._board.order(b"D")
        return True


class Buzzer:
    def __init__(self, board: panel.Device) -> None:
        self._board = board

    def sound(self, pattern: str) -> None:
        """`off`, `low` or `high`; ValueError for anything else."""
        self._board.order(b"B" + bytes([_PATTERNS.index(pattern)]))


class Led:
    def __init__(self, board: panel.Device) -> None:
        self._board = board

    def set(self, on: bool) -> None:
        self._board.order(b"L\x01" if on else b"L\x00")
