"""The device files below `/dev`: how the firmware's `hal/sim` reaches the hardware around it.

A write is one order, a read one answer; integers are little-endian. The other side is firmware/hal/sim/panel.py.

    /dev/stepper  order  u8 (0 queue, 1 halt, 2 enable), u64 steps or level, u64 duration_us; a queue also as u32 steps,
                         u32 duration_us
                  answer u64 generated, u64 guard count, u64 queued_us, u32 underruns, u8 flags
    /dev/guard    order  u8 (0 allow, 1 rearm), u64 steps
    /dev/rtc      order  u64 utc_s            answer u64 utc_s (0 unknown)
    /dev/wait     order  u64 duration_us: sleeps until input is there, at most so long; bit 63 feeds the watchdog first
                  answer of 32 bytes to an order in the buffer that is read into: u32 duration_ms, u32 what (1 feeds the watchdog,
                         2 does not sleep): u64 uptime_ms, u64 generated, u64 guard count, u32 underruns, u32 flags
    /dev/rotor    order  u8 0, u8 register, bytes: writes registers of the AS5600; u8 1: nine clocks and a stop, by hand
                  answer so many bytes as the buffer has, from the register on that its first byte names; only where the bench has a
                         rotor sensor. EIO: no answer; ETIMEDOUT: the bus is held, after 50 ms
    /dev/supply                               answer u64 mV of the motor's supply; only where the bench measures it
    /dev/flash                                answer u64 free bytes; only the firmware of older images opens it
    /dev/board    order  u8 letter, rest per letter (see `_board_order`)    answer 512 bytes: JSON, spaces
"""

import json
import struct
from collections.abc import Callable
from typing import Any

from thecal.sim.errors import BoardReset, SimulatorError, WasiError
from thecal.sim.guest.descriptors import INVALID, Device, Exchange
from thecal.sim.guest.filesystem import FileSystem
from thecal.sim.timeline import NEVER_NS, Timeline
from thecal.sim.world.individual import Crystal
from thecal.sim.world.plant import Plant
from thecal.sim.world.rotor_sensor import BUS_TIMEOUT_NS, RotorSensor

_BUSY, _TRIPPED, _STOP, _ENABLED, _INPUT, _BOLUS, _SUPPLY_LOW, _HELD, _SUPPLY_HIGH = 1, 2, 4, 8, 16, 32, 64, 128, 256
_OLD_FLAGS = 0xFF  # the answer that has one byte for them
_FEED = 1 << 63
_STEPPER_ORDER = struct.Struct("<BQQ")
_SLICE, _SLICE_BYTES = struct.Struct("<II"), 8
_STEPPER_ANSWER = struct.Struct("<QQQIB")
_GUARD_ORDER = struct.Struct("<BQ")
_take_turn_order = struct.Struct("<II").unpack_from
_TURN_ANSWER = struct.Struct("<QQQII")
_FEEDS, _LOOKS = 1, 2
_U64 = struct.Struct("<Q")
_NS_PER_US = 1000
_NS_PER_MS = 1_000_000
_NS_PER_S = 1_000_000_000
WATCHDOG_LIMIT_MS = 8388
SUPPLY_MV = 12_000
BOOT_ANSWER_BYTES = 512
PATTERNS = ("off", "low", "high")


class ClockChip:
    """A battery-backed clock on the bench: true time, survives cuts, unknown until it is set."""

    def __init__(self) -> None:
        self._set_to_s: int | None = None
        self._set_at_ns = 0

    def set(self, utc_s: int, now_ns: int) -> None:
        self._set_to_s, self._set_at_ns = utc_s, now_ns

    def utc_s(self, now_ns: int) -> int:
        if self._set_to_s is None:
            return 0
        return self._set_to_s + (now_ns - self._set_at_ns) // _NS_PER_S


class Panel:
    """Sound, light, the bolus button and the maintenance request of the board."""

    def __init__(self) -> None:
        self.buzzer = "off"
        self.led = False
        self.maintenance = False
        self.bolus_pressed = False
        self.supply_low_mv: int = 0  # 0: the bench does not measure it
        self.supply_high_mv: int = 0  # 0: nobody watches for too much
        self.full_scale_mv: int = 0
        self.supply_mv = SUPPLY_MV
        self.supply_flags = 0
        self.calls = False  # a button was pressed, or the supply left its limits: the firmware's wait ends

    def power_up(self) -> None:
        self.buzzer, self.led = "off", False
        self.press_bolus(False)

    def measure_by(self, motor: dict[str, int]) -> None:
        """Measure the supply by the [motor] table of the bench."""
        self.supply_low_mv, self.supply_high_mv = motor.get("supply_low_mv", 0), motor.get("supply_high_mv", 0)
        self.full_scale_mv = motor.get("supply_full_scale_mv", 0)
        self.set_supply(self.supply_mv)

    def set_supply(self, supply_mv: int) -> None:
        self.supply_mv = supply_mv
        low, high = supply_mv < self.supply_low_mv, 0 < self.supply_high_mv <= self.measured_mv()
        self.supply_flags = (_SUPPLY_LOW if low else 0) | (_SUPPLY_HIGH if high else 0)
        self.calls = bool(self.supply_flags)

    def measured_mv(self) -> int:
        """Return the supply as its divider shows it: at most the full scale."""
        return min(self.supply_mv, self.full_scale_mv)

    def press_bolus(self, pressed: bool) -> None:
        self.bolus_pressed = self.calls = pressed


class RotorBus(Device):
    """The bus of the rotor sensor. A read names its register in the buffer that is read into."""

    def __init__(self, timeline: Timeline, settled_ns: Callable[[], int], sensor: RotorSensor) -> None:
        super().__init__(lambda: b"", self._write)
        self._timeline, self._settled_ns, self._sensor = timeline, settled_ns, sensor

    def read_into(self, view: memoryview, address: int, size_bytes: int) -> int:
        with self._timeline.lock:
            self._wait_for_bus()
            view[address : address + size_bytes] = self._sensor.read(view[address], size_bytes, self._settled_ns())
        return size_bytes

    def _write(self, data: bytes) -> None:
        with self._timeline.lock:
            if data[:1] == b"\x01":
                self._sensor.clock_out()
            elif data[:1] == b"\x00" and len(data) > 1:
                self._wait_for_bus()
                self._sensor.write(data[1], data[2:])
            else:
                raise WasiError(INVALID)

    def _wait_for_bus(self) -> None:
        if self._sensor.holds_bus:
            self._timeline.spend(BUS_TIMEOUT_NS)


class Devices:
    """The device files of one power-up. `boot`: the answer of `/dev/board`."""

    def __init__(self, timeline: Timeline, plant: Plant, panel: Panel, crystal: Crystal, boot: dict[str, Any]) -> None:
        self._timeline = timeline
        self._plant = plant
        self._panel = panel
        self._crystal = crystal
        self._boot = boot
        self._max_rate_hz = boot["max_rate_hz"]
        self._watchdog_ns = 0
        self._input_waits = True  # unknown before the first wait

    def files(self, chip: ClockChip | None, flash: FileSystem, sensor: RotorSensor | None = None) -> dict[str, Device]:
        found = {
            "/dev/stepper": Device(self._stepper_answer, self._checked(self._stepper_order)),
            "/dev/guard": Device(self._stepper_answer, self._checked(self._guard_order)),
            "/dev/flash": Device(lambda: _U64.pack(flash.free_bytes()), self._refuse),
            "/dev/board": Device(self._boot_answer, self._checked(self._board_order)),
        }
        if self._panel.supply_low_mv:
            found["/dev/supply"] = Device(lambda: _U64.pack(self._panel.measured_mv()), self._refuse)
        if chip is not None:
            found["/dev/rtc"] = self._clock_chip(chip)
        if sensor is not None:
            found["/dev/rotor"] = RotorBus(self._timeline, self._settled_ns, sensor)
        return found

    def waiting(self, wait: Callable[[int | None, bool], bool]) -> Device:
        """MicroPython's own poll wakes every 500 us on this system; one call of this sleeps through. A read of it answers, with the
        wait, what a turn of the firmware's loop needs to know: one call out of the machine instead of four. A write is for the
        firmware of older images, which asks for the rest by itself."""
        timeline, plant = self._timeline, self._plant
        lock, guest_ns, settle = timeline.lock, self._crystal.guest_ns, plant.settle

        def order(data: bytes) -> None:
            duration_us = _U64.unpack(data)[0]
            if duration_us & _FEED:
                with self._timeline.lock:
                    self._feed()
            self._input_waits = wait((duration_us & ~_FEED) * _NS_PER_US, True)

        def exchange(view: memoryview, address: int) -> int:
            duration_ms, what = _take_turn_order(view, address)
            with lock:
                if what & _FEEDS:
                    self._feed()
                if not what & _LOOKS:
                    self._input_waits = wait(duration_ms * _NS_PER_MS, True)
                now_ns = guest_ns(timeline.now_ns)
                settle(now_ns)
                answer = now_ns // _NS_PER_MS, plant.generated, plant.guard.count, plant.underruns, self._flags()
            _TURN_ANSWER.pack_into(view, address, *answer)
            return _TURN_ANSWER.size

        return Exchange(order, exchange, _TURN_ANSWER.size)

    def _now_ns(self) -> int:
        return self._crystal.guest_ns(self._timeline.now_ns)

    def _settled_ns(self) -> int:
        """Bring the plant up to now; return the true time."""
        self._plant.settle(self._now_ns())
        return self._timeline.now_ns

    def _checked(self, order: Callable[[bytes], None]) -> Callable[[bytes], None]:
        """Carry out an order under the lock; a malformed one fails with EINVAL."""

        lock = self._timeline.lock

        def guarded(data: bytes) -> None:
            try:
                with lock:
                    order(data)
            except (ValueError, struct.error, IndexError):
                raise WasiError(INVALID) from None

        return guarded

    def _refuse(self, data: bytes) -> None:
        raise WasiError(INVALID)

    def _boot_answer(self) -> bytes:
        return json.dumps(self._boot).encode().ljust(BOOT_ANSWER_BYTES)

    def _stepper_answer(self) -> bytes:
        plant, now_ns = self._plant, self._now_ns()
        with self._timeline.lock:
            queued_us = plant.queued_ns(now_ns) // _NS_PER_US
            return _STEPPER_ANSWER.pack(plant.generated, plant.guard.count, queued_us, plant.underruns, self._flags() & _OLD_FLAGS)

    def _flags(self) -> int:
        """Return the state of the plant after its last `settle`, with panel and input."""
        plant, panel, tripped = self._plant, self._panel, self._plant.guard.tripped
        flags = (_BUSY if plant.busy else 0) | (_INPUT if self._input_waits else 0) | panel.supply_flags
        if panel.bolus_pressed:
            flags |= _BOLUS
        if plant.stop_held:
            flags |= _HELD
        if tripped:
            flags |= _TRIPPED
        if plant.stop_latched:
            return flags | _STOP
        return flags | _ENABLED if plant.moving else flags

    def _stepper_order(self, data: bytes) -> None:
        if len(data) == _SLICE_BYTES:
            order, (steps, duration_us) = 0, _SLICE.unpack(data)
        else:
            order, steps, duration_us = _STEPPER_ORDER.unpack(data)
        now_ns = self._crystal.guest_ns(self._timeline.now_ns)
        if order == 0:
            if steps * 1_000_000 > duration_us * self._max_rate_hz:
                raise ValueError("faster than the driver allows")
            self._plant.queue(now_ns, steps, duration_us * _NS_PER_US)
        elif order == 1:
            self._plant.halt(now_ns)
        else:
            self._plant.enable(now_ns, bool(steps))

    def _guard_order(self, data: bytes) -> None:
        order, steps = _GUARD_ORDER.unpack(data)
        if order == 0:
            self._plant.allow(self._now_ns(), steps)
        else:
            self._plant.rearm(self._now_ns())

    def _clock_chip(self, chip: ClockChip) -> Device:
        def answer() -> bytes:
            return _U64.pack(chip.utc_s(self._timeline.now_ns))

        def order(data: bytes) -> None:
            chip.set(_U64.unpack(data)[0], self._timeline.now_ns)

        return Device(answer, self._checked(order))

    def _board_order(self, data: bytes) -> None:
        letter, rest = data[:1], data[1:]
        if letter == b"F":
            self._feed()
        elif letter == b"W":
            self._start_watchdog(struct.unpack("<I", rest)[0])
        elif letter == b"R":
            raise BoardReset("soft")
        elif letter == b"E":
            raise SimulatorError("its memory is used up; it has stopped with the alarm memory_low")
        elif letter == b"M":
            self._panel.maintenance = True
        elif letter == b"S":
            self._plant.settle(self._now_ns())
            self._plant.stop_latched = False
        elif letter == b"D":
            self._panel.press_bolus(False)
        elif letter == b"B":
            self._panel.buzzer = PATTERNS[rest[0]]
        elif letter == b"L":
            self._panel.led = bool(rest[0])
        else:
            raise ValueError("no such order")

    def _start_watchdog(self, timeout_ms: int) -> None:
        if not 0 < timeout_ms <= WATCHDOG_LIMIT_MS:
            raise ValueError("the chip's watchdog can't wait that long")
        self._watchdog_ns = timeout_ms * _NS_PER_MS
        self._feed()

    def _feed(self) -> None:
        if self._watchdog_ns:
            timeline = self._timeline
            timeline.watchdog_at_ns = min(self._crystal.true_after_ns(timeline.now_ns, self._watchdog_ns), NEVER_NS)
