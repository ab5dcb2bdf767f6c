"""The whole simulated pump in this process: the guest in its own thread, and everything one can do to it from outside."""

import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import wasmtime

from thecal.files.bench import Bench, read_bench
from thecal.files.resources import firmware_folder
from thecal.sim.errors import BoardReset, GuestExit, PowerCut, SimulatorError
from thecal.sim.guest.flash import FlashChip, Moment
from thecal.sim.guest.image import build
from thecal.sim.hardware import Hardware, PowerUp
from thecal.sim.options import Options
from thecal.sim.ports import Ports
from thecal.sim.timeline import Timeline
from thecal.sim.world.balance_line import BalanceLine
from thecal.sim.world.individual import Individual

_NS_PER_MS = 1_000_000
_NS_PER_S = 1_000_000_000
REST_TIMEOUT_S = 600.0
END_TIMEOUT_S = 5.0


class SimulatedPump:
    """A pump with power on, from the first moment. `image` None builds a commissioned one from the firmware's sources.

    Time in `*_ms` is true time since this object was made; it survives cuts. `speed` (default 1, at most 100) drives it
    by the wall clock, `virtual=True` by `advance`. SimulatorError when something can't be done or the firmware has ended.
    """

    def __init__(
        self,
        bench: Bench | Path | str,
        seed: int = 1,
        image: bytes | None = None,
        speed: float | None = None,
        **options: Any,
    ) -> None:
        chosen = Options(**options)
        if chosen.virtual and speed is not None:
            raise SimulatorError("virtual time has no speed", "give one of the two")
        table = bench if isinstance(bench, dict) else read_bench(Path(bench))
        chip = FlashChip(image if image is not None else _new_image(table, chosen.firmware, seed), chosen.record_flash)
        timeline = Timeline(None if chosen.virtual else speed or 1.0)
        self.on_power_loss: Callable[[], None] = lambda: None
        self.individual = Individual(seed)
        self._hardware = Hardware(table, self.individual, timeline, chip)
        self._hardware.set_flash_time(chosen.flash_time)
        self._hardware.loud = chosen.loud
        self._hardware.heap_bytes, self._hardware.collector = chosen.heap_bytes, chosen.collector
        if self._hardware.clock_chip is not None and chosen.clock_utc_s is not None:
            self._hardware.clock_chip.set(chosen.clock_utc_s, 0)
        self._timeline, self._chip, self._line = timeline, chip, self._hardware.line
        self._balance = self._hardware.put_balance(chosen.balance) if chosen.balance else None
        self._ports: Ports | None = None
        self._power_ups = 0
        self._error: str | None = None
        self._is_on = False
        self._thread: threading.Thread | None = None
        self.restore_power()

    # -- the cable

    @property
    def port_url(self) -> str | None:
        """Path of the pseudo-terminal; None where there are none (Windows)."""
        return self._open_ports().path

    @property
    def socket_url(self) -> str:
        """`socket://127.0.0.1:N`, for pyserial."""
        return self._open_ports().url

    def write(self, data: bytes) -> None:
        """Sends bytes to the pump without a port; its answers go to `read` from now on."""
        self._line.receive(data, self._line.local)

    def read(self, timeout_s: float = 0.0) -> bytes:
        """What the pump has sent to this process; waits for the first byte at most `timeout_s` of wall time."""
        with self._timeline.condition:
            self._timeline.condition.wait_for(self._line.local.holds_data, timeout_s)
            return self._line.local.take()

    def pull_cable(self, after_received: int | None = None, after_sent: int | None = None) -> None:
        """Unplugs: bytes are lost from now on, or after so many more bytes to the pump or from it."""
        self._line.pull(after_received, after_sent)

    def plug_cable(self) -> None:
        self._line.plug()

    def lost_bytes(self) -> int:
        """Bytes that went nowhere: cable out, power off, or a reader that did not read for 500 ms."""
        return self._line.lost_bytes

    # -- time

    def now_ms(self) -> int:
        return self._timeline.settle() // _NS_PER_MS

    def advance(self, to_ms: int) -> None:
        """Lets virtual time reach `to_ms`. SimulatorError when the firmware has ended by itself."""
        self._timeline.advance_to(to_ms * _NS_PER_MS, REST_TIMEOUT_S)
        self._check_guest()

    def advance_by(self, duration_ms: int) -> None:
        self.advance(self.now_ms() + duration_ms)

    def wait_until_idle(self) -> None:
        """Returns when the firmware has answered everything it was sent and waits; time does not move for it."""
        self._timeline.wait_until_idle(REST_TIMEOUT_S)
        self._check_guest()

    def set_speed(self, speed: float | None) -> None:
        """Wall clock times `speed` from now on; None stops time until `advance`."""
        self._timeline.set_speed(speed)

    def guest_time_s(self) -> float:
        """Computing time of the guest's thread over all power-ups, host side of its calls included."""
        return self._timeline.guest_time_ns / _NS_PER_S

    # -- power

    def power_is_on(self) -> bool:
        return self._is_on

    def cut_power(self, at_ms: int | None = None, at_flash_op: int | None = None, torn: bool = False) -> None:
        """Cuts at once, or when true time reaches `at_ms`, or at this flash operation (counted like `flash_ops`):
        that operation is the last one to happen, `torn` only half of it.
        """
        if not self._is_on:
            raise SimulatorError("power is off already")
        if at_flash_op is not None:
            self._arm_flash_cut(at_flash_op, torn)
        elif at_ms is None or at_ms <= self.now_ms() or not self._timeline.guest_alive:
            self._end_power_up(PowerCut())
        else:
            with self._timeline.condition:
                self._timeline.cut_at_ns = at_ms * _NS_PER_MS
                self._timeline.condition.notify_all()

    def restore_power(self) -> None:
        """Boots from what the flash holds, at the current true time."""
        if self._is_on:
            raise SimulatorError("power is on already")
        self._join()
        self._chip.restore()
        self._line.power(True)
        self._is_on = True
        self._start(self._boot("power"))

    def reset(self) -> None:
        """The reset button: the chip boots again as after power-up, the supply stays."""
        if not self._is_on:
            raise SimulatorError("power is off")
        if self._timeline.guest_alive:
            self._timeline.interrupt(BoardReset("power"), END_TIMEOUT_S)
        else:
            self._join()
            self._line.power(True)
            self._start(self._boot("power"))

    def hang_up(self) -> None:
        """Asks the firmware to end by itself (end of input on its line)."""
        self._line.hang_up()

    def guest_error(self) -> str | None:
        """Why the firmware is not running although power is on; None while it runs, and when it was asked to end."""
        return self._error

    def death(self) -> str | None:
        """Why nothing runs in this pump although power is on, in one line; None while the firmware runs, and without power."""
        if self._error is not None:
            return " ".join(self._error.split())
        hung_up = self._line.hung_up and self._is_on and not self._timeline.guest_alive
        return "the firmware has ended, as the control port asked it to" if hung_up else None

    def close(self) -> None:
        """Power off, ports closed. May be called twice."""
        if self._is_on:
            self.cut_power()
        if self._ports is not None:
            self._ports.close()
            self._ports = None
        if self._balance is not None:
            self._balance.close()
            self._balance = None

    def __enter__(self) -> "SimulatedPump":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    # -- motor, flash, panel

    def plant_steps(self) -> int:
        """Steps that really happened, over all power-ups."""
        self._hardware.settle()
        return self._hardware.plant.true_steps

    def plant_last_step_ms(self) -> int | None:
        """True time of the last of them, rounded down; None before the first."""
        self._hardware.settle()
        last_ns = self._hardware.plant.last_step_ns
        return None if last_ns is None else last_ns // _NS_PER_MS

    def enable_level(self) -> bool:
        """Whether the driver is enabled, as it sees the line: firmware, guard and stop button together."""
        self._hardware.settle()
        return self._hardware.plant.moving

    def guard_miscount(self, steps: int) -> None:
        """Makes the guard count so many pulses that were not (negative: misses so many)."""
        with self._timeline.condition:
            self._hardware.settle()
            guard = self._hardware.plant.guard
            guard.count = max(0, guard.count + steps)

    def press_stop(self) -> None:
        """Presses the stop button: the enable line drops in hardware, latched until the firmware clears it."""
        with self._timeline.condition:
            now_ns = self._hardware.settle()
            if self._is_on:
                self._hardware.plant.latch_stop(self._hardware.crystal.guest_ns(now_ns))

    def press_bolus(self) -> None:
        """Presses the bolus button and lets go; the firmware is woken to see it once."""
        with self._timeline.condition:
            self._hardware.settle()
            self._hardware.panel.press_bolus(self._is_on)
            self._timeline.condition.notify_all()

    def set_motor_supply(self, supply_mv: int) -> None:
        """The motor's own supply from now on; below the bench's `supply_low_mv` the motor does not turn."""
        self._hardware.set_motor_supply(supply_mv)

    def buzzer(self) -> str:
        """`off`, `low` or `high`."""
        return self._hardware.panel.buzzer

    def led(self) -> bool:
        return self._hardware.panel.led

    def clock_utc_s(self) -> int | None:
        """What the bench's clock chip shows; None without a chip, and before it was set."""
        chip = self._hardware.clock_chip
        return (chip.utc_s(self._timeline.settle()) or None) if chip is not None else None

    def flash_ops(self) -> int:
        """Erases and programs since this object was made."""
        return self._chip.operations

    def flash_wear(self) -> dict[str, object]:
        """`erases` per block, `erases_total`, `pages_total`."""
        return self._chip.wear()

    def flash_image(self) -> bytes:
        """What the flash holds now."""
        return bytes(self._chip.buffer)

    def replace_flash(self, image: bytes) -> None:
        """Puts another image into the flash; only without power."""
        if self._is_on:
            raise SimulatorError("power is on", "cut it before the flash is replaced")
        if len(image) != len(self._chip.buffer):
            raise SimulatorError(f"a flash image of this pump has {len(self._chip.buffer)} bytes, not {len(image)}")
        self._chip.buffer[:] = image

    def images_after_each_operation(self) -> Iterator[Moment]:
        """With `record_flash`: what a cut at each flash operation so far, whole and torn, would have left."""
        return self._chip.moments()

    # -- the balance

    @property
    def balance(self) -> BalanceLine:
        """The balance under the outlet. SimulatorError when there is none."""
        if self._balance is None:
            raise SimulatorError("no balance stands under this pump", "start the simulator with one: thecal sim --balance")
        return self._balance

    def balance_fault(self, kind: str) -> None:
        """From now on: none, unstable, unit, overload, underload, frozen or silent; once: tare, half_line."""
        with self._timeline.condition:
            self.balance.pan.set_fault(kind)

    def balance_delivered_ug(self) -> float:
        """What the pump has truly brought out since it was made."""
        with self._timeline.condition:
            return self.balance.pan.delivered_ug()

    # -- the guest's thread

    def _open_ports(self) -> Ports:
        if self._ports is None:
            self._ports = Ports(self._line)
        return self._ports

    def _boot(self, cause: str) -> PowerUp:
        self._power_ups += 1
        self._error = None
        return self._hardware.boot(self._power_ups, cause)

    def _start(self, power_up: PowerUp) -> None:
        self._timeline.guest_alive = True
        self._thread = threading.Thread(target=self._live, args=(power_up,), name="pump", daemon=True)
        self._thread.start()

    def _join(self) -> None:
        """Power is seen to be off a moment before the thread of the last power-up has gone."""
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
            self._error = f"the simulator failed: {error!r}"
        finally:
            self._timeline.ended()

    def _life(self, power_up: PowerUp) -> PowerUp | None:
        """Runs one power-up to its end; returns the next one when that was a reset."""
        try:
            power_up.run()
        except BoardReset as reset:
            following = self._boot(reset.cause)
            self._timeline.reset_done()
            return following
        except PowerCut:
            self._lose_power()
        except GuestExit as end:
            if end.code or not self._line.hung_up:
                said = power_up.standard_error.decode(errors="replace").strip()
                self._error = f"the firmware ended with exit code {end.code}: {said.splitlines()[-1] if said else '-'}"
        except (SimulatorError, wasmtime.WasmtimeError, wasmtime.Trap) as error:
            self._end(f"the firmware was ended: {_cause(error)}")
        return None

    def _end(self, error: str) -> None:
        self._error = error
        if self._hardware.loud:
            print(error, file=sys.stderr)

    def _lose_power(self) -> None:
        self._hardware.lose_power()
        self._is_on = False
        self.on_power_loss()

    def _end_power_up(self, ending: PowerCut) -> None:
        if self._timeline.guest_alive:
            self._timeline.interrupt(ending, END_TIMEOUT_S)
        else:
            self._lose_power()

    def _arm_flash_cut(self, operation: int, torn: bool) -> None:
        if operation <= self._chip.operations:
            raise SimulatorError(f"{self._chip.operations} flash operations are done; the cut must lie behind them")
        self._chip.cut_at(operation, torn)

    def _check_guest(self) -> None:
        if self._error is not None:
            raise SimulatorError(self._error)


def _cause(error: Exception) -> str:
    """Return the last line of a trap's text: before it stands a backtrace of addresses."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else repr(error)


def _new_image(bench: Bench, firmware: Path | None, seed: int) -> bytes:
    return build(firmware or firmware_folder(), bench, seed=seed)
