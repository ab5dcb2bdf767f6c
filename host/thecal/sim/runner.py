"""The whole simulated pump in this process: every action on it from outside, passed to the part that performs it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from thecal.files.bench import Bench, read_bench
from thecal.files.resources import firmware_folder
from thecal.sim.errors import SimulatorError
from thecal.sim.guest.flash import FlashChip, Moment
from thecal.sim.guest.image import build
from thecal.sim.hardware import Hardware
from thecal.sim.options import Options
from thecal.sim.ports import Ports
from thecal.sim.supply import Supply
from thecal.sim.timeline import Timeline
from thecal.sim.world.balance_line import BalanceLine
from thecal.sim.world.head import HeadSpec
from thecal.sim.world.head_text import head_of
from thecal.sim.world.individual import Individual
from thecal.sim.world.rotor import Rotor
from thecal.sim.world.rotor_sensor import RotorSensor

_NS_PER_MS = 1_000_000
_NS_PER_S = 1_000_000_000
REST_TIMEOUT_S = 600.0


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
            raise SimulatorError("virtual time has no speed", "give one of them")
        table = bench if isinstance(bench, dict) else read_bench(Path(bench))
        chip = FlashChip(image if image is not None else _new_image(table, chosen.firmware, seed), chosen.record_flash)
        timeline = Timeline(None if chosen.virtual else speed or 1.0)
        self.individual = Individual(seed)
        self._hardware = Hardware(table, self.individual, timeline, chip)
        self._hardware.set_flash_time(chosen.flash_time)
        self._hardware.loud = chosen.loud
        self._hardware.heap_bytes, self._hardware.collector = chosen.heap_bytes, chosen.collector
        if self._hardware.clock_chip is not None and chosen.clock_utc_s is not None:
            self._hardware.clock_chip.set(chosen.clock_utc_s, 0)
        self._timeline, self._chip, self._line = timeline, chip, self._hardware.line
        self._put_head(chosen)
        self._balance = self._hardware.put_balance(chosen.balance) if chosen.balance else None
        self._ports: Ports | None = None
        self._host = chosen.host
        self.supply = Supply(self._hardware)
        self.supply.restore()

    # -- the cable

    @property
    def port_url(self) -> str | None:
        """Return the path of the pseudo-terminal; None where there are none (Windows)."""
        return self._open_ports().path

    @property
    def socket_url(self) -> str:
        """Return `socket://ADDRESS:PORT`, for pyserial on this computer."""
        return self._open_ports().url

    def write(self, data: bytes) -> None:
        """Send bytes to the pump without a port; its answers go to `read` from now on."""
        self._line.receive(data, self._line.local)

    def read(self, timeout_s: float = 0.0) -> bytes:
        """Return the pump's output to this process; wait at most `timeout_s` of wall time for the first byte."""
        with self._timeline.condition:
            self._timeline.condition.wait_for(self._line.local.holds_data, timeout_s)
            return self._line.local.take()

    def pull_cable(self, after_received: int | None = None, after_sent: int | None = None) -> None:
        """Unplug: bytes are lost from now on, or after so many more bytes to the pump or from it."""
        self._line.pull(after_received, after_sent)

    def plug_cable(self) -> None:
        self._line.plug()

    def lost_bytes(self) -> int:
        """Return the number of lost bytes: cable out, power off, or a reader that did not read for 500 ms."""
        return self._line.lost_bytes

    # -- time

    def now_ms(self) -> int:
        return self._timeline.settle() // _NS_PER_MS

    def advance(self, to_ms: int) -> None:
        """Advance virtual time to `to_ms`. Raises SimulatorError if the firmware has ended by itself."""
        self._timeline.advance_to(to_ms * _NS_PER_MS, REST_TIMEOUT_S)
        self.supply.check()

    def advance_by(self, duration_ms: int) -> None:
        self.advance(self.now_ms() + duration_ms)

    def wait_until_idle(self) -> None:
        """Wait until the firmware has answered all input; time does not advance."""
        self._timeline.wait_until_idle(REST_TIMEOUT_S)
        self.supply.check()

    def set_speed(self, speed: float | None) -> None:
        """Run at wall clock times `speed` from now on; None stops time until `advance`."""
        self._timeline.set_speed(speed)

    def guest_time_s(self) -> float:
        """Return the computing time of the guest's thread over all power-ups, host side of its calls included."""
        return self._timeline.guest_time_ns / _NS_PER_S

    # -- power

    def power_is_on(self) -> bool:
        return self.supply.is_on

    def cut_power(self, at_ms: int | None = None, at_flash_op: int | None = None, torn: bool = False) -> None:
        """Cut power at once, or at true time `at_ms`, or at this flash operation (counted like `flash_ops`): it is the last one to
        happen, `torn` only half of it."""
        if at_flash_op is not None:
            self.supply.cut_at_flash_operation(at_flash_op, torn)
        elif at_ms is not None:
            self.supply.cut_at(at_ms * _NS_PER_MS)
        else:
            self.supply.cut()

    def restore_power(self) -> None:
        """Boot from the flash, at the current true time."""
        self.supply.restore()

    def reset(self) -> None:
        """Press the reset button: the chip boots again as after power-up, the supply stays."""
        self.supply.reset()

    def hang_up(self) -> None:
        """Ask the firmware to end by itself (end of input on its line)."""
        self._line.hang_up()

    def guest_error(self) -> str | None:
        """Return why the firmware does not run although power is on; None while it runs, or if it was asked to end."""
        return self.supply.error

    def death(self) -> str | None:
        """Return why nothing runs although power is on, in one line; None while the firmware runs, and without power."""
        return self.supply.death()

    def close(self) -> None:
        """Switch power off and close the ports. May be called twice."""
        if self.supply.is_on:
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
        """Return the steps that really happened, over all power-ups."""
        self._hardware.settle()
        return self._hardware.plant.true_steps

    def plant_last_step_ms(self) -> int | None:
        """Return the true time of the last step, rounded down; None before the first."""
        self._hardware.settle()
        last_ns = self._hardware.plant.last_step_ns
        return None if last_ns is None else last_ns // _NS_PER_MS

    def enable_level(self) -> bool:
        """Return True if the driver is enabled by its line: firmware, guard and stop button together."""
        self._hardware.settle()
        return self._hardware.plant.moving

    def guard_miscount(self, steps: int) -> None:
        """Make the guard count so many pulses too many (negative: too few)."""
        with self._timeline.condition:
            self._hardware.settle()
            guard = self._hardware.plant.guard
            guard.count = max(0, guard.count + steps)

    def press_stop(self, hold_s: float = 0) -> None:
        """Press the stop button, and hold it for `hold_s`: the enable line drops in hardware, latched until the firmware clears it."""
        with self._timeline.condition:
            now_ns = self._hardware.settle()
            if self.supply.is_on:
                self._hardware.plant.hold_stop(self._hardware.crystal.guest_ns(now_ns), int(hold_s * _NS_PER_S))

    def press_bolus(self) -> None:
        """Press and release the bolus button; the firmware wakes once to see it."""
        with self._timeline.condition:
            self._hardware.settle()
            self._hardware.panel.press_bolus(self.supply.is_on)
            self._timeline.condition.notify_all()

    def set_motor_supply(self, supply_mv: int) -> None:
        """Set the motor's own supply; below the bench's `supply_low_mv` the motor does not turn."""
        self._hardware.set_motor_supply(supply_mv)

    def buzzer(self) -> str:
        """Return `off`, `low` or `high`."""
        return self._hardware.panel.buzzer

    def led(self) -> bool:
        return self._hardware.panel.led

    def clock_utc_s(self) -> int | None:
        """Return the time of the bench's clock chip; None without a chip, and before it was set."""
        chip = self._hardware.clock_chip
        return (chip.utc_s(self._timeline.settle()) or None) if chip is not None else None

    def flash_ops(self) -> int:
        """Return the number of erases and programs since this object was made."""
        return self._chip.operations

    def flash_wear(self) -> dict[str, object]:
        """Return `erases` per block, `erases_total`, `pages_total`."""
        return self._chip.wear()

    def flash_image(self) -> bytes:
        """Return the present content of the flash."""
        return bytes(self._chip.buffer)

    def replace_flash(self, image: bytes) -> None:
        """Replace the flash image; only without power."""
        if self.supply.is_on:
            raise SimulatorError("power is on", "cut it before the flash is replaced")
        if len(image) != len(self._chip.buffer):
            raise SimulatorError(f"a flash image of this pump has {len(self._chip.buffer)} bytes, not {len(image)}")
        self._chip.buffer[:] = image

    def images_after_each_operation(self) -> Iterator[Moment]:
        """Return, with `record_flash`, the images that a cut at each flash operation so far, whole and torn, would have left."""
        return self._chip.moments()

    # -- the balance

    @property
    def balance(self) -> BalanceLine:
        """Return the balance under the outlet. Raises SimulatorError if there is none."""
        if self._balance is None:
            raise SimulatorError("this pump has no simulated balance", "start the simulator with one: thecal sim --balance")
        return self._balance

    def balance_fault(self, kind: str) -> None:
        """Set a fault: none, unstable, unit, overload, underload, frozen or silent; or once: tare, half_line."""
        with self._timeline.condition:
            self.balance.pan.set_fault(kind)

    def balance_delivered_ug(self) -> float:
        """Return the true delivered mass since the pump was made."""
        with self._timeline.condition:
            return self.balance.pan.delivered_ug()

    # -- the head

    @property
    def rotor(self) -> Rotor:
        """Return the rotor of the simulated head. Raises SimulatorError if there is none."""
        if self._hardware.rotor is None:
            raise SimulatorError("this pump has no simulated head", "start the simulator with one: thecal sim --head dip20")
        return self._hardware.rotor

    def rotor_degrees(self) -> float:
        """Return the true angle of the rotor, from 0 to 360 (excluded)."""
        with self._timeline.condition:
            self._hardware.settle()
            return self.rotor.degrees

    def rotor_steps(self) -> float:
        """Return the true angle in motor steps over all turns: that of the first power-up, the motor's steps, jumps and slips."""
        with self._timeline.condition:
            self._hardware.settle()
            return self.rotor.angle_steps

    def delivered_nl(self, at_ms: float | None = None) -> float:
        """Return the true volume that left the line since the pump was made, now or at a recent time."""
        with self._timeline.condition:
            now_ns = self._hardware.settle()
            return self.rotor.outlet.delivered_nl(now_ns if at_ms is None else round(at_ms * _NS_PER_MS))

    def delivered_series_nl(self, from_ms: int, to_ms: int, every_ms: int, as_weighed: bool = False) -> list[float]:
        """Return `delivered_nl` at even times, `to_ms` included; needs `record_volume` for times that are not recent. `as_weighed`:
        behind the balance's lag, without its other errors."""
        with self._timeline.condition:
            self._hardware.settle()
            look = self.rotor.outlet.weighed_nl if as_weighed else self.rotor.outlet.delivered_nl
            return [look(at_ms * _NS_PER_MS) for at_ms in range(from_ms, to_ms + 1, every_ms)]

    def slip(self, degrees: float) -> None:
        """Let the rotor stay for the next so many degrees of the motor."""
        with self._timeline.condition:
            self._hardware.settle()
            self.rotor.slip(degrees)

    def turn_rotor(self, degrees: float) -> None:
        """Turn the rotor by hand, at once; negative backwards."""
        with self._timeline.condition:
            self.rotor.turn(self._hardware.settle(), degrees)

    def drive_rotor(self, how: str) -> None:
        """Set how the rotor follows the motor: `follows`, `stalled` or `reverse`."""
        with self._timeline.condition:
            self._hardware.settle()
            self.rotor.set_drive(how)

    def alter_head(self, changes: str) -> None:
        """Change the head while it runs, like `ripple=105%` or `line=0s,jumps=on`."""
        with self._timeline.condition:
            self.rotor.alter(self._hardware.settle(), changes)

    @property
    def rotor_sensor(self) -> RotorSensor:
        """Return the sensor at the rotor. Raises SimulatorError if there is none."""
        if self._hardware.sensor is None:
            raise SimulatorError("this pump has no rotor sensor", "name one in its bench file: [sensors.rotor]")
        return self._hardware.sensor

    def sensor_fault(self, kind: str) -> None:
        """Set a fault of the rotor sensor: none, magnet_lost, magnet_weak, magnet_strong, frozen, bus_held, bus_stuck or absent."""
        with self._timeline.condition:
            self.rotor_sensor.set_fault(kind, self._hardware.settle())

    def _put_head(self, options: Options) -> None:
        balance, table = options.balance, self._hardware.bench
        has_sensor = options.rotor_sensor or "rotor" in table.get("sensors", {})
        if options.head is None and not has_sensor and not options.record_volume and (balance is None or not balance.lag_s):
            return
        swing = balance.pulsation_percent / 100 if balance is not None else 0.0
        spec = HeadSpec(swing=swing, start_deg=0.0) if options.head is None else head_of(options.head)
        rotor = self._hardware.put_head(spec, balance)
        rotor.outlet.keeps_all = options.record_volume
        if has_sensor:
            self._hardware.put_sensor(rotor)

    def _open_ports(self) -> Ports:
        if self._ports is None:
            self._ports = Ports(self._line, self._host)
        return self._ports


def _new_image(bench: Bench, firmware: Path | None, seed: int) -> bytes:
    return build(firmware or firmware_folder(), bench, seed=seed)
