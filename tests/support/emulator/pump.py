"""A pump on the emulated board, with the controls of the simulated one: the scenarios of tests/device run on either.

The differences: a command costs emulated time (computing, flash), and a virtual second with the motor running costs a good part of a real
one. The motor's true steps are the edges on its pins while the driver was enabled.
"""

from __future__ import annotations

from typing import Any

from support.emulator import snapshot
from support.emulator.board import EmulatedBoard
from support.emulator.ds3231 import ClockChip
from support.emulator.image import commissioned
from support.emulator.live import LivePorts
from support.emulator.pins import Motor
from support.rig.benches import for_the_chip
from thecal.sim.errors import SimulatorError

_NS_PER_MS = 1_000_000
_PRESS_NS = 5_000_000
_FIRST_ANALOGUE, _SUPPLY_MV = 26, 12_000
_HELD_NS = 100_000_000
_QUIET_DUTY = 0.25
Bench = dict[str, Any]


class Powered:
    """Board, motor and clock chip of one bench, with power on; nobody is at its port yet."""

    def __init__(self, bench: Bench, image: bytes | None = None) -> None:
        self.bench = for_the_chip(bench)
        self.board = EmulatedBoard(files=image if image is not None else commissioned(self.bench), power=False)
        self.motor = Motor(self.board.pins, self.bench)
        self.clock_chip = ClockChip(self.board.now_ns) if self.bench["clock_chip"] else None
        self.supply_mv = _SUPPLY_MV
        self.board.on_power_up = self._powered_up
        self.board.restore_power()

    def _powered_up(self, chip: Any) -> None:
        if self.clock_chip is not None:
            block = self.bench["pins"]["clock_sda"] // 2 % 2
            self.clock_chip.connect(chip.mcu.i2c[block])
        self.set_motor_supply(self.supply_mv)

    def set_motor_supply(self, supply_mv: int) -> None:
        """Set the voltage after the divider, as the chip's 12-bit converter reads it. The motor needs it to turn."""
        self.supply_mv = supply_mv
        motor = self.bench["motor"]
        self.motor.powered = supply_mv >= motor.get("supply_low_mv", 1)
        if self.board.has_power() and "motor_supply" in self.bench["pins"]:
            channel = self.bench["pins"]["motor_supply"] - _FIRST_ANALOGUE
            self.board.chip.mcu.adc.channel_values[channel] = min(4095, supply_mv * 4096 // motor["supply_full_scale_mv"])


class EmulatedPump:
    """Power is on. `virtual`: time moves by `advance` and for the answers; else by `speed`.

    `booted`: it was forked from a booted pump, and waits for its first command.
    """

    def __init__(self, bench: Bench, seed: int = 1, image: bytes | None = None, speed: float | None = None, **options: Any) -> None:
        taken = snapshot.take(bench) if image is None else None
        self.booted = taken is not None
        powered = taken or Powered(bench, image)
        self.bench, self.board, self.clock_chip = powered.bench, powered.board, powered.clock_chip
        self.motor, self._powered = powered.motor, powered
        self._pins: dict[str, int] = self.bench["pins"]
        self._ports = LivePorts(self.board, None if options.get("virtual") else speed or 1.0)
        self.port_url, self.socket_url = self._ports.path, self._ports.url

    @property
    def _line(self) -> Any:
        return self._ports.line

    # -- the cable

    def write(self, data: bytes) -> None:
        self._ports.line.receive(data, self._ports.line.local)

    def read(self, timeout_s: float = 0.0) -> bytes:
        return self._ports.line.local.take()

    def pull_cable(self, after_received: int | None = None, after_sent: int | None = None) -> None:
        self._ports.line.pull(after_received, after_sent)

    def plug_cable(self) -> None:
        self._ports.line.plug()

    def lost_bytes(self) -> int:
        return self._ports.line.lost_bytes

    # -- time

    def now_ms(self) -> int:
        return self.board.now_ns() // _NS_PER_MS

    def advance(self, to_ms: int) -> None:
        self._ports.settle()
        self.board.run_until_ns(to_ms * _NS_PER_MS)

    def advance_by(self, duration_ms: int) -> None:
        self.advance(self.now_ms() + duration_ms)

    def wait_until_idle(self) -> None:
        self._ports.settle()
        self.board.run_until_quiet()

    def set_speed(self, speed: float | None) -> None:
        self._ports.speed = speed

    # -- power

    def power_is_on(self) -> bool:
        return self.board.has_power()

    def cut_power(self, at_ms: int | None = None, at_flash_op: int | None = None, torn: bool = False) -> None:
        if at_flash_op is not None:
            raise SimulatorError("the emulated board counts erases and pages, not operations: cut it at a time")
        after_ns = 0 if at_ms is None else at_ms * _NS_PER_MS - self.board.now_ns()
        with self.board.lock:
            self.board.cut_power(max(0, after_ns))
        if not after_ns:
            self._ports.line.power(False)

    def restore_power(self) -> None:
        with self.board.lock:
            self.board.restore_power()
            self._ports.line.power(True)

    def reset(self) -> None:
        with self.board.lock:
            self.board.hard_reset()

    def guest_error(self) -> str | None:
        return repr(self._ports.error) if self._ports.error else None

    def close(self) -> None:
        self._ports.close()
        self.board.close()

    # -- motor, flash, panel

    def plant_steps(self) -> int:
        return self.motor.true_steps

    def plant_last_step_ms(self) -> int | None:
        return None if self.motor.last_step_ns is None else self.motor.last_step_ns // _NS_PER_MS

    def enable_level(self) -> bool:
        """Whether the driver is enabled, as it sees the line."""
        return self.motor.enabled()

    def guard_miscount(self, steps: int) -> None:
        """Make the guard's input see pulses that are not on the line, or miss some."""
        with self.board.lock:
            self.board.pins.disturb(self.motor.counted_gpio, steps)

    def press_stop(self) -> None:
        """Press briefly: the contact, normally closed to ground, opens for a few milliseconds."""
        with self.board.lock:
            self.board.set_pin(self._pins["stop_button"], 1)
            self.board.at(_PRESS_NS, lambda: self.board.set_pin(self._pins["stop_button"], 0))
            self.board.run_for(2 * _PRESS_NS / 1e9)

    def buzzer(self) -> str:
        """The audible sound, by the duty of the buzzer's PWM: "off", "low" or "high"."""
        slices = self.board.chip.mcu.pwm.channels
        channel, shift = slices[self._pins["buzzer"] // 2 % len(slices)], self._pins["buzzer"] % 2 * 16
        with self.board.lock:
            duty = (channel.cc >> shift & 0xFFFF) / (channel.top + 1) if self.board.has_power() and channel.csr & 1 else 0
        return "high" if duty > _QUIET_DUTY else "low" if duty else "off"

    def set_motor_supply(self, supply_mv: int) -> None:
        with self.board.lock:
            self._powered.set_motor_supply(supply_mv)

    def press_bolus(self, held_ns: int = _HELD_NS) -> None:
        """Press briefly: the contact, normally open, closes to ground."""
        gpio = self._pins["bolus_button"]
        with self.board.lock:
            self.board.set_pin(gpio, 0)
            self.board.at(held_ns, lambda: self.board.set_pin(gpio, 1))
            self.board.run_for(2 * held_ns / 1e9)

    def flash_ops(self) -> int:
        return self.board.flash.operations()

    def flash_image(self) -> bytes:
        with self.board.lock:
            if self.board.has_power():
                self.board.flash.save(self.board.chip.mcu)
            return self.board.flash.files()

    def replace_flash(self, image: bytes) -> None:
        self.board.flash.put_files(image)
