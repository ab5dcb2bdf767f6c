"""A board for running the app on CPython: the simulator's plant, a clock that moves when told, littlefs with the board's geometry."""

from collections.abc import Callable
from typing import Any

from hal.absent import BoardState
from support.pump.flash import Chip, Flash
from thecal.sim.world.plant import Plant

MOST_READ_BYTES = 4096  # same in both hals
NS_PER_US = 1000


class Clock:
    def __init__(self, utc_s: int) -> None:
        self.now_us = 0
        self.has_chip = utc_s > 0
        self._utc_s = utc_s
        self._set_at_us = 0

    def uptime_ms(self) -> int:
        return self.now_us // 1000

    def utc_s(self) -> int:
        return self._utc_s + (self.now_us - self._set_at_us) // 1_000_000 if self._utc_s else 0

    def fraction_ms(self) -> int | None:
        return None if self.has_chip else (self.now_us - self._set_at_us) // 1000 % 1000

    def set_utc_s(self, utc_s: int) -> None:
        self._utc_s, self._set_at_us = utc_s, self.now_us


class Stepper:
    """The generator of the simulator's plant. The queue goes to it with `send`, as on the chip."""

    max_rate_hz = 20_000

    def __init__(self, clock: Clock, plant: Plant) -> None:
        self._clock = clock
        self._plant = plant
        self._unsent: list[tuple[int, int]] = []
        self.given_steps = 0  # made, or handed to the generator, which will make them by itself
        self.step_error = 0  # how many steps too many the generator reports
        self.more_underruns = 0

    @property
    def enabled(self) -> bool:
        return self._plant.moving

    @property
    def true_steps(self) -> int:
        """The motor's steps of this boot: pulses that came while it was energised."""
        self._plant.settle(self._clock.now_us * NS_PER_US)
        return self._plant.true_steps

    def queue(self, steps: int, duration_us: int) -> None:
        assert duration_us > 0 or steps == 0, (steps, duration_us)
        self._unsent.append((steps, duration_us))

    def send(self) -> None:
        now_ns = self._clock.now_us * NS_PER_US
        for steps, duration_us in self._unsent:
            self._plant.queue(now_ns, steps, duration_us * NS_PER_US)
            self.given_steps += 0 if self._plant.held else steps
        self._unsent.clear()

    def steps_done(self) -> int:
        self._plant.settle(self._clock.now_us * NS_PER_US)
        return self._plant.generated + self.step_error

    def queued_us(self) -> int:
        return self._plant.queued_ns(self._clock.now_us * NS_PER_US) // NS_PER_US

    def halt(self) -> int:
        self._unsent.clear()
        self.given_steps = self._plant.halt(self._clock.now_us * NS_PER_US)
        return self.given_steps + self.step_error

    def underruns(self) -> int:
        self._plant.settle(self._clock.now_us * NS_PER_US)
        return self._plant.underruns + self.more_underruns

    def enable(self, on: bool) -> None:
        self._plant.enable(self._clock.now_us * NS_PER_US, on)


class Guard:
    """The guard of the simulator's plant."""

    def __init__(self, clock: Clock, plant: Plant) -> None:
        self._clock = clock
        self._plant = plant

    @property
    def allowance_steps(self) -> int:
        return self._plant.guard.allowance

    def count(self) -> int:
        self._plant.settle(self._clock.now_us * NS_PER_US)
        return self._plant.guard.count

    def allow(self, steps: int) -> None:
        """Like a chip's guard, count nothing while the allowance is made smaller."""
        assert steps >= self.allowance_steps or not self._plant.enabled, "the guard looks away while the motor runs"
        self._plant.allow(self._clock.now_us * NS_PER_US, steps)

    def tripped(self) -> bool:
        self._plant.settle(self._clock.now_us * NS_PER_US)
        return self._plant.guard.tripped

    def trip(self) -> None:
        """Trip, as after a pulse too many."""
        self._plant.settle(self._clock.now_us * NS_PER_US)
        self._plant.guard.tripped = True

    def rearm(self) -> None:
        """Like a chip's guard, allow nothing afterwards."""
        self._plant.rearm(self._clock.now_us * NS_PER_US)
        self._plant.allow(self._clock.now_us * NS_PER_US, self._plant.guard.count)


class Link:
    """What the test sends and the pump answers. Waiting moves the clock, up to the test's horizon."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.incoming = b""
        self.outgoing = b""
        self.horizon_us = 0
        self.closed = False
        self.idle = False  # the loop has waited for time: it had nothing to read and nothing that was due

    def wait(self, timeout_ms: int) -> bool:
        if not self.incoming:
            self.idle = timeout_ms > 0
            self._clock.now_us = min(self.horizon_us, self._clock.now_us + timeout_ms * 1000)
        return bool(self.incoming and timeout_ms)

    def alert(self) -> bool:
        return False

    def read(self) -> bytes:
        data, self.incoming = self.incoming[:MOST_READ_BYTES], self.incoming[MOST_READ_BYTES:]
        return data

    def write(self, data: bytes | memoryview) -> None:
        self.outgoing += data


class Watchdog:
    def start(self, timeout_ms: int) -> None:
        self.timeout_ms = timeout_ms

    def feed(self) -> None:
        pass


class Buttons:
    def __init__(self) -> None:
        self.stop = self.held_down = False
        self.bolus = False

    def held(self) -> bool:
        return self.held_down

    def bolus_pressed(self) -> bool:
        pressed, self.bolus = self.bolus, False
        return pressed

    def stop_pressed(self) -> bool:
        return self.stop

    def clear_stop(self) -> None:
        self.stop = False


class Supply:
    """The motor's supply: 12 V until a test changes it; None if it is not measured."""

    low_mv, high_mv = 10_000, 14_000

    def __init__(self) -> None:
        self.now_mv = 12_000

    def mv(self) -> int | None:
        return self.now_mv

    def amiss(self) -> str:
        if self.now_mv is None or self.low_mv <= self.now_mv < self.high_mv:
            return ""
        return "motor_supply" if self.now_mv < self.low_mv else "motor_supply_high"


class Buzzer:
    pattern = "off"

    def sound(self, pattern: str) -> None:
        self.pattern = pattern


class System:
    unique_id = "0123456789abcdef"
    reset_cause = "power"
    failures = 0
    maintenance_requested = False
    reset_asked = False
    implementation: dict[str, str | int | list[int]] = {"name": "cpython"}

    def seed(self) -> int:
        return 7

    def collect(self) -> None:
        pass

    def built(self) -> None:
        pass

    loop_begins = built

    def make_room(self, loaded: bool = False) -> None:
        pass

    def between_turns(self) -> bool:
        return False

    def forget(self, *modules: str) -> None:
        pass

    def free_memory_bytes(self) -> int:
        return 0

    def request_maintenance(self) -> None:
        self.maintenance_requested = True

    def reset(self) -> None:
        self.reset_asked = True


class Board:
    """Everything that app needs, on CPython. It accepts benches with one of these `targets`."""

    targets = ("sim", "rp2")

    def __init__(self, chip: Chip, utc_s: int = 0) -> None:
        self.chip = chip
        self.clock = Clock(utc_s)
        self.link = Link(self.clock)
        self.flash = Flash(chip)
        self.plant = Plant()
        self.stepper = Stepper(self.clock, self.plant)
        self.guard = Guard(self.clock, self.plant)
        self.watchdog = Watchdog()
        self.buttons = Buttons()
        self.supply = Supply()
        self.sensor: RotorSensor | None = None
        self.buzzer = Buzzer()
        self.system = System()
        self.state = BoardState()

    def attach(self, bench: object) -> bool:
        self.bench: Any = bench
        if bench is not None and self.bench.sensor_hz:
            self.sensor = RotorSensor(self.stepper)
        return bench is not None and self.bench.target in self.targets

    def cut(self) -> None:
        """Hold the enable line off, like the chip's guard."""
        self.make_safe()
        self.plant.latch_stop(self.clock.now_us * NS_PER_US)

    def restore(self) -> None:
        self.plant.stop_latched = False

    def make_safe(self) -> None:
        self.stepper.halt()
        self.stepper.enable(False)

    def look(self) -> BoardState:
        state, stepper, plant = self.state, self.stepper, self.plant
        state.steps_done, state.guard_count = stepper.steps_done(), plant.guard.count
        state.underruns, state.tripped = plant.underruns + stepper.more_underruns, plant.guard.tripped
        state.stop_pressed = self.buttons.stop
        return state


class RotorSensor:
    """An AS5600 on a rotor that stands at the motor's steps of this boot, `more_steps` away; the magnet adds `bent` counts at an angle."""

    MAGNET = 0x20

    def __init__(self, stepper: Stepper, turn_steps: int = 3_200) -> None:
        self._stepper, self._turn_steps = stepper, turn_steps
        self.status = self.MAGNET
        self.more_steps = 0.0
        self.stands_at: float | None = None
        self.bent: Callable[[float], float] = lambda angle: 0.0
        self.shown: list[int] = []  # what it shows instead, next first
        self.fails = False
        self.reads = self.freed = 0

    def angle(self) -> float:
        """Return where the rotor stands, in counts over all turns."""
        steps = self._stepper.true_steps if self.stands_at is None else self.stands_at
        return (steps + self.more_steps) * 4096 / self._turn_steps

    def counts(self) -> int:
        self.reads += 1
        if self.fails:
            raise OSError(110)
        if self.shown:
            return self.shown.pop(0)
        return int(self.angle() + self.bent(self.angle()) + 1_234.5) % 4096

    def free(self) -> None:
        self.freed += 1
