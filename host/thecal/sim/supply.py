"""Power, and the firmware: one power-up after another, in its own thread."""

import sys
import threading
import traceback
from collections.abc import Callable

import wasmtime

from thecal.sim.errors import BoardReset, GuestExit, PowerCut, SimulatorError
from thecal.sim.hardware import Hardware, PowerUp

END_TIMEOUT_S = 5.0


class Supply:
    """The chip's supply. `is_on`: power is there; `error`: why the firmware does not run although power is on. `on_loss` is called after
    each cut, in the thread that made it."""

    def __init__(self, hardware: Hardware) -> None:
        self.on_loss: Callable[[], None] = lambda: None
        self.is_on = False
        self.error: str | None = None
        self._hardware, self._timeline, self._chip = hardware, hardware.timeline, hardware.chip
        self._power_ups = 0
        self._thread: threading.Thread | None = None

    def restore(self) -> None:
        """Boot from the flash, at the current true time."""
        if self.is_on:
            raise SimulatorError("power is on already")
        self._join()
        self._chip.restore()
        self._hardware.line.power(True)
        self.is_on = True
        self._start(self._boot("power"))

    def cut(self) -> None:
        """Cut power now."""
        self._require_power()
        if self._timeline.guest_alive:
            self._timeline.interrupt(PowerCut(), END_TIMEOUT_S)
        else:
            self._lose()

    def cut_at(self, at_ns: int) -> None:
        """Cut power at true time `at_ns`; now if that has passed, or if nothing runs that could reach it."""
        self._require_power()
        if at_ns <= self._timeline.settle() or not self._timeline.guest_alive:
            self.cut()
            return
        with self._timeline.condition:
            self._timeline.cut_at_ns = at_ns
            self._timeline.condition.notify_all()

    def cut_at_flash_operation(self, operation: int, torn: bool) -> None:
        """Cut power at this flash operation: it is the last one to happen, `torn` only half of it."""
        self._require_power()
        if operation <= self._chip.operations:
            raise SimulatorError(f"{self._chip.operations} flash operations are done; the cut must be later")
        self._chip.cut_at(operation, torn)

    def reset(self) -> None:
        """Boot again as after power-up; the supply stays."""
        if not self.is_on:
            raise SimulatorError("power is off")
        if self._timeline.guest_alive:
            self._timeline.interrupt(BoardReset("power"), END_TIMEOUT_S)
        else:
            self._join()
            self._hardware.line.power(True)
            self._start(self._boot("power"))

    def death(self) -> str | None:
        """Return why nothing runs although power is on, in one line; None while the firmware runs, and without power."""
        if self.error is not None:
            return " ".join(self.error.split())
        hung_up = self._hardware.line.hung_up and self.is_on and not self._timeline.guest_alive
        return "the firmware has ended, as the control port asked it to" if hung_up else None

    def check(self) -> None:
        """Raise SimulatorError if the firmware has ended by itself."""
        if self.error is not None:
            raise SimulatorError(self.error)

    def _require_power(self) -> None:
        if not self.is_on:
            raise SimulatorError("power is off already")

    def _boot(self, cause: str) -> PowerUp:
        self._power_ups += 1
        self.error = None
        return self._hardware.boot(self._power_ups, cause)

    def _start(self, power_up: PowerUp) -> None:
        self._timeline.guest_alive = True
        self._thread = threading.Thread(target=self._live, args=(power_up,), name="pump", daemon=True)
        self._thread.start()

    def _join(self) -> None:
        """Wait: power is off a moment before the thread of the last power-up has ended."""
        if self._thread is not None:
            self._thread.join(END_TIMEOUT_S)

    def _live(self, power_up: PowerUp | None) -> None:
        self._timeline.born()
        try:
            while power_up is not None:
                power_up = self._life(power_up)
        except Exception as error:  # noqa: BLE001  a fault of the simulator itself ends the guest, and is reported
            if self._hardware.loud:
                traceback.print_exc()
            self.error = f"the simulator failed: {error!r}"
        finally:
            self._timeline.ended()

    def _life(self, power_up: PowerUp) -> PowerUp | None:
        """Run one power-up to its end; return the next one when that was a reset."""
        try:
            power_up.run()
        except BoardReset as reset:
            following = self._boot(reset.cause)
            self._timeline.reset_done()
            return following
        except PowerCut:
            self._lose()
        except GuestExit as end:
            if end.code or not self._hardware.line.hung_up:
                said = power_up.standard_error.decode(errors="replace").strip()
                self.error = f"the firmware ended with exit code {end.code}: {said.splitlines()[-1] if said else '-'}"
        except (SimulatorError, wasmtime.WasmtimeError, wasmtime.Trap) as error:
            self._end(f"the firmware was ended: {_cause(error)}")
        return None

    def _end(self, error: str) -> None:
        self.error = error
        if self._hardware.loud:
            print(error, file=sys.stderr)

    def _lose(self) -> None:
        self._hardware.lose_power()
        self.is_on = False
        self.on_loss()


def _cause(error: Exception) -> str:
    """Return the last line of a trap's text: before it stands a backtrace of addresses."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else repr(error)
