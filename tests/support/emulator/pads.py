"""The lines outside the chip: their drivers, their resistors, and a time-stamped log of their edges.

The emulator does not lead an output back to the input side of its pad. Here every line does, so PIO programs and `Pin.value()` read what
the outside world sees. A line that nobody drives follows its resistor.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rp2040py.gpio_pin import GPIOPinState

from support.emulator.pio import Pace

LINES = 29
_GLITCH_NS = 400
_DRIVEN = (GPIOPinState.LOW, GPIOPinState.HIGH)


class Lines:
    """All lines of one board, over all power-ups. `resistors`: {GPIO: level it is pulled to}."""

    def __init__(self) -> None:
        self.resistors: dict[int, int] = {}
        self.levels: dict[int, int] = {}
        self._held: dict[int, int] = {}
        self._edges: dict[int, list[tuple[int, int]]] = {}
        self._watchers: dict[int, list[Callable[[int, int], None]]] = {}
        self._mcu: Any = None
        self._pace: Pace | None = None
        self._epoch_ns = 0
        self._deaf: dict[int, int] = {}

    # -- the chip's side

    def connect(self, mcu: Any, pace: Pace, epoch_ns: int) -> None:
        """A chip has power. `epoch_ns` is the true time at its clock's zero."""
        self._mcu, self._pace, self._epoch_ns = mcu, pace, epoch_ns
        for gpio in range(LINES):
            mcu.gpio[gpio].add_listener(self._listener(gpio))
        self.refresh()

    def disconnect(self, at_ns: int) -> None:
        """The chip has lost power: only resistors and hands move the lines now."""
        self._mcu = None
        for gpio in range(LINES):
            self._set(gpio, self._idle_level(gpio), at_ns)

    def refresh(self) -> None:
        """After a reset the pads are released without an edge of their own."""
        for gpio in range(LINES):
            self._update(gpio, self._mcu.gpio[gpio].value)

    def _listener(self, gpio: int) -> Callable[[GPIOPinState, GPIOPinState], None]:
        def changed(state: GPIOPinState, before: GPIOPinState) -> None:
            self._update(gpio, state)

        return changed

    def _update(self, gpio: int, state: GPIOPinState) -> None:
        pin = self._mcu.gpio[gpio]
        pace = self._pace
        assert pace is not None
        driven = state in _DRIVEN
        level = int(state == GPIOPinState.HIGH) if driven else self._idle_level(gpio)
        pace.catch_up()
        if level and self._deaf.get(gpio, 0):
            self._deaf[gpio] -= 1
        elif driven or level is not None:
            pin.set_input_value(bool(level))
        else:
            pin.release_input()
        pace.arm()
        self._set(gpio, level, self._epoch_ns + pace.now_ns())

    def _idle_level(self, gpio: int) -> int | None:
        return self._held.get(gpio, self.resistors.get(gpio))

    def _set(self, gpio: int, level: int | None, at_ns: int) -> None:
        seen = level if level is not None else 0
        if self.levels.get(gpio, 0) == seen:
            self.levels[gpio] = seen
            return
        self.levels[gpio] = seen
        self._edges.setdefault(gpio, []).append((at_ns, seen))
        for watcher in self._watchers.get(gpio, ()):
            watcher(at_ns, seen)

    # -- the outside

    def hold(self, gpio: int, level: int | None, at_ns: int) -> None:
        """Drive the line from outside; None releases it."""
        if level is None:
            self._held.pop(gpio, None)
        else:
            self._held[gpio] = level
        if self._mcu is not None:
            self._update(gpio, self._mcu.gpio[gpio].value)
        else:
            self._set(gpio, self._idle_level(gpio), at_ns)

    def pull(self, gpio: int, level: int) -> None:
        """Solder a resistor onto the line."""
        self.resistors[gpio] = level
        if self._mcu is not None:
            self._update(gpio, self._mcu.gpio[gpio].value)
        else:
            self._set(gpio, self._idle_level(gpio), 0)

    def disturb(self, gpio: int, edges: int) -> None:
        """Make the chip's input see so many rising edges that are not on the line, or miss so many (negative)."""
        if edges < 0:
            self._deaf[gpio] = self._deaf.get(gpio, 0) - edges
            return
        pin, pace = self._mcu.gpio[gpio], self._pace
        assert pace is not None
        for _ in range(edges):
            for level in (True, False):
                pace.catch_up()
                pin.set_input_value(level)
                pace.arm()
                self._mcu.clock.tick(_GLITCH_NS)

    def watch(self, gpio: int, watcher: Callable[[int, int], None]) -> None:
        """Call `watcher(at_ns, level)` at every edge."""
        self._watchers.setdefault(gpio, []).append(watcher)

    def edges(self, gpio: int) -> list[tuple[int, int]]:
        """Return (true time in ns, level) of every edge since the last `clear`."""
        return list(self._edges.get(gpio, ()))

    def rises(self, gpio: int) -> list[int]:
        return [at_ns for at_ns, level in self._edges.get(gpio, ()) if level]

    def falls(self, gpio: int) -> list[int]:
        return [at_ns for at_ns, level in self._edges.get(gpio, ()) if not level]

    def level(self, gpio: int) -> int:
        return self.levels.get(gpio, 0)

    def clear(self) -> None:
        self._edges.clear()
