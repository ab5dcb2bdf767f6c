"""The clock of a recording: this computer's, or that of a simulated bench, which may run faster or stand still."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from thecal.pump.transport import registry
from thecal.sim.control import Control

PAUSE_MS = 2_000  # of virtual time; a balance reports a weight as stable after a second


MOVE_EVERY_S = 0.1


class Clock(Protocol):
    """Return milliseconds since some moment."""

    def now_ms(self) -> int: ...

    def stamp_ms(self, at_s: float) -> int:
        """Return the time of an event at `at_s` of time.monotonic."""

    def wait_until_ms(self, moment_ms: int) -> None: ...

    def pause(self, wall_s: float) -> None:
        """Wait until the next look at a pump."""

    def move(self, duration_s: float) -> None:
        """Let so much time pass at once if the clock stands still by itself (`stands_still`)."""

    def close(self) -> None: ...

    @property
    def stands_still(self) -> bool: ...


class WallClock:
    """This computer's monotonic clock."""

    stands_still = False

    def now_ms(self) -> int:
        return self.stamp_ms(time.monotonic())

    def stamp_ms(self, at_s: float) -> int:
        return int(at_s * 1000)

    def wait_until_ms(self, moment_ms: int) -> None:
        time.sleep(max(0.0, moment_ms / 1000 - time.monotonic()))

    def pause(self, wall_s: float) -> None:
        time.sleep(wall_s)

    def move(self, duration_s: float) -> None:
        """Do nothing: the clock runs by itself."""

    def close(self) -> None:
        """Do nothing: no time is held."""


class SimulatorClock:
    """The true time of a simulated bench, by its control port. `speed` None: virtual, so waiting advances it."""

    def __init__(self, control: Control, speed: float | None) -> None:
        self._control = control
        self._speed = speed

    def now_ms(self) -> int:
        return self._control.now_ms()

    def stamp_ms(self, at_s: float) -> int:
        age_ms = (time.monotonic() - at_s) * 1000 * (self._speed or 0.0)
        return self._control.now_ms() - round(age_ms)

    def wait_until_ms(self, moment_ms: int) -> None:
        if self._speed is None:
            if moment_ms > self._control.now_ms():
                self._control.advance(moment_ms)
            return
        time.sleep(max(0.0, (moment_ms - self._control.now_ms()) / self._speed / 1000))

    def pause(self, wall_s: float) -> None:
        """Advance virtual time by PAUSE_MS, whatever the wall's pause would be."""
        if self._speed is None:
            self._control.advance_by(PAUSE_MS)
        else:
            time.sleep(wall_s)

    @property
    def stands_still(self) -> bool:
        return self._speed is None

    def move(self, duration_s: float) -> None:
        self._control.advance_by(round(duration_s * 1000))

    def close(self) -> None:
        self._control.close()


@contextmanager
def passing(port_url: str) -> Iterator[None]:
    """Advance the virtual time of a simulated bench at the wall's pace meanwhile: a balance settles and prints in bench time, and its
    reader uses the wall clock."""
    clock, ended, failed = clock_for(port_url), threading.Event(), list[Exception]()

    def move() -> None:
        try:
            while not ended.wait(MOVE_EVERY_S):
                clock.move(MOVE_EVERY_S)
        except Exception as error:  # noqa: BLE001  raised again in the thread that waits
            failed.append(error)

    mover = threading.Thread(target=move, name="virtual time", daemon=True)
    if clock.stands_still:
        mover.start()
    try:
        yield
    finally:
        ended.set()
        if mover.ident is not None:
            mover.join()
        clock.close()
    if failed:
        raise failed[0]


def clock_for(port_url: str) -> Clock:
    """Return the bench's clock for a simulated pump of this computer that does not run at the wall's pace; otherwise the wall clock."""
    for entry in registry.entries():
        if port_url not in [entry.get(name) for name in ("port", "socket", "balance", "balance_socket")]:
            continue
        speed = None if entry.get("virtual") else float(str(entry.get("speed") or 1.0))
        if speed != 1.0:
            host, _, port = str(entry["control"]).rpartition(":")
            return SimulatorClock(Control(host, int(port), str(entry.get("control_secret"))), speed)
    return WallClock()
