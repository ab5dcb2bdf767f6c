"""A board for running the app on CPython: exact stepper and guard, a clock that moves when told, littlefs with the board's geometry."""

import io
from collections import deque

from littlefs import LittleFS, UserContext
from littlefs.errors import LittleFSError

from hal.absent import BoardState
from support.pump.board_parts import Buttons, Buzzer, Supply, System, Watchdog
from support.pump.flash_files import Handle, os_errors

MOST_READ_BYTES = 4096  # as both hals have it
BLOCKS, BLOCK_BYTES, PROG_BYTES = 352, 4096, 256


class PowerCut(BaseException):
    """The power failed in the middle of a flash operation."""


class Chip(UserContext):
    """Flash that counts its operations and dies at `cut_at`; a torn operation is done by half."""

    def __init__(self, image: bytes | None = None, cut_at: int | None = None, torn: bool = False) -> None:
        super().__init__(BLOCKS * BLOCK_BYTES)
        if image is not None:
            self.buffer[:] = image
        self.operations = 0
        self.cut_at = cut_at
        self.torn = torn
        self.dead = False
        self.after_erase = None
        self.log = None
        self.witness = None

    def record(self, witness: object) -> None:
        """From now on every operation is kept as (block, offset, data, witness()): the life can be cut at any of them."""
        self.log, self.witness = [], witness

    def _begin(self, block: int, offset: int, data: bytes) -> bool:
        self.operations += 1
        if self.log is not None:
            self.log.append((block, offset, data, self.witness()))
        if self.dead or self.operations == self.cut_at:
            if not self.dead and self.torn:
                half = len(data) // 2
                start = block * BLOCK_BYTES + offset
                self.buffer[start : start + half] = data[:half]
            self.dead = True
        return not self.dead

    def prog(self, config: object, block: int, offset: int, data: bytes) -> int:
        return super().prog(config, block, offset, data) if self._begin(block, offset, bytes(data)) else 0

    def erase(self, config: object, block: int) -> int:
        done = super().erase(config, block) if self._begin(block, 0, b"\xff" * BLOCK_BYTES) else 0
        if self.after_erase is not None and not self.dead:
            self.after_erase()
        return done


def images_at_each_operation(image: bytes, log: list) -> object:
    """Yields (number, torn, flash image, witness) for a cut at every operation of `log`: not begun, and done by half."""
    flash = bytearray(image)
    for number, (block, offset, data, seen) in enumerate(log, 1):
        start = block * BLOCK_BYTES + offset
        yield number, False, bytes(flash), seen
        torn = bytearray(flash)
        torn[start : start + len(data) // 2] = data[: len(data) // 2]
        yield number, True, bytes(torn), seen
        flash[start : start + len(data)] = data


def mount(chip: Chip) -> LittleFS:
    """littlefs on `chip`; formatted when it is new."""
    fs = LittleFS(
        context=chip, block_size=BLOCK_BYTES, block_count=BLOCKS, read_size=32, prog_size=PROG_BYTES,
        cache_size=PROG_BYTES, lookahead_size=32, mount=False,
    )
    try:
        fs.mount()
    except LittleFSError:
        fs.format()
        fs.mount()
    return fs


class Flash:
    """The hal's flash port on littlefs; raises PowerCut as soon as the chip is dead."""

    def __init__(self, chip: Chip) -> None:
        self.chip = chip
        self.fs = mount(chip)
        self.fail = False

    def listen(self, look: object) -> None:
        """Looks after each erase, as on the board."""
        self.chip.after_erase = look

    def alive(self) -> None:
        if self.chip.dead:
            raise PowerCut
        if self.fail:
            raise OSError(5, "flash")

    def exists(self, path: str) -> bool:
        try:
            self.fs.stat(path)
        except LittleFSError:
            return False
        return True

    def read(self, path: str) -> bytes:
        if not self.exists(path):
            raise OSError(2, path)
        with os_errors(), self.fs.open(path, "rb") as file:
            return file.read()

    def open(self, path: str) -> io.BytesIO:
        return io.BytesIO(self.read(path))

    def write(self, path: str, data: bytes) -> None:
        self.alive()
        with os_errors(), self.fs.open(path, "wb") as file:
            file.write(data)
        self.alive()

    def append(self, path: str) -> Handle:
        self.alive()
        return Handle(self, path)

    def remove(self, path: str) -> None:
        self.alive()
        with os_errors():
            self.fs.remove(path)
        self.alive()

    def names(self, folder: str) -> list[str]:
        with os_errors():
            return sorted(self.fs.listdir(folder)) if self.exists(folder) else []

    def make_folder(self, path: str) -> None:
        self.alive()
        if not self.exists(path):
            with os_errors():
                self.fs.mkdir(path)
        self.alive()


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
    """Keeps what is queued as (start, end, steps) and counts by arithmetic."""

    max_rate_hz = 20_000

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._items = deque()
        self._unsent = []
        self._base = 0
        self._end_us = 0
        self._dry = 0
        self._must_go_on = False
        self.enabled = False
        self.held_off = False  # as a generator that has met an enable line that is off: it makes no step until `halt`
        self.step_error = 0

    def queue(self, steps: int, duration_us: int) -> None:
        assert duration_us > 0 or steps == 0, (steps, duration_us)
        self._unsent.append((steps, duration_us))

    def send(self) -> None:
        for steps, duration_us in self._unsent:
            self._append(steps, duration_us)
        self._unsent.clear()

    def _append(self, steps: int, duration_us: int) -> None:
        if self.held_off:
            return
        now = self._clock.now_us
        if self._end_us < now:
            self._dry += self._must_go_on
            self._end_us = now
        self._items.append((self._end_us, duration_us, steps))
        self._end_us += duration_us
        self._must_go_on = steps > 0

    def _made(self) -> int:
        now, total = self._clock.now_us, self._base
        while self._items and self._items[0][0] + self._items[0][1] <= now:
            total += self._items.popleft()[2]
        self._base = total
        if self._items:
            start, duration, steps = self._items[0]
            if now > start:
                total += steps * (now - start) // duration
        return total

    def steps_done(self) -> int:
        return self._made() + self.step_error

    def guard_count(self) -> int:
        return self._made()

    def queued_us(self) -> int:
        return max(0, self._end_us - self._clock.now_us)

    def busy(self) -> bool:
        return self.queued_us() > 0

    def halt(self) -> int:
        self._base = self._made()
        self._items.clear()
        self._unsent.clear()
        self._end_us = 0
        self._must_go_on = False
        return self.steps_done()

    def underruns(self) -> int:
        return self._dry

    def enable(self, on: bool) -> None:
        self.enabled = on and not self.held_off


class Guard:
    def __init__(self, stepper: Stepper) -> None:
        self._stepper = stepper
        self._allowed = 0
        self.latched = False

    def count(self) -> int:
        return self._stepper.guard_count()

    def allow(self, steps: int) -> None:
        """A chip's guard counts nothing while its allowance is made smaller."""
        assert steps >= self._allowed or not self._stepper.enabled, "the guard looks away while the motor runs"
        self._allowed = steps

    def tripped(self) -> bool:
        self.latched = self.latched or self.count() > self._allowed
        return self.latched

    def rearm(self) -> None:
        self.latched, self._allowed = False, self.count()


class Link:
    """What the test sends and what the pump answered; waiting moves the clock, up to the test's horizon."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.incoming = b""
        self.outgoing = b""
        self.horizon_us = 0
        self.closed = False

    def wait(self, timeout_ms: int) -> bool:
        if not self.incoming:
            self._clock.now_us = min(self.horizon_us, self._clock.now_us + timeout_ms * 1000)
        return bool(self.incoming and timeout_ms)

    def alert(self) -> bool:
        return False

    def read(self) -> bytes:
        data, self.incoming = self.incoming[:MOST_READ_BYTES], self.incoming[MOST_READ_BYTES:]
        return data

    def write(self, data: bytes | memoryview) -> None:
        self.outgoing += data


class Board:
    """Everything that app needs, on CPython. `targets` are those of the benches that it takes for its own."""

    targets = ("sim", "rp2")

    def __init__(self, chip: Chip, utc_s: int = 0) -> None:
        self.chip = chip
        self.clock = Clock(utc_s)
        self.link = Link(self.clock)
        self.flash = Flash(chip)
        self.stepper = Stepper(self.clock)
        self.guard = Guard(self.stepper)
        self.watchdog = Watchdog()
        self.buttons = Buttons()
        self.supply = Supply()
        self.buzzer = Buzzer()
        self.system = System()
        self.state = BoardState()

    def attach(self, bench: object) -> bool:
        self.bench = bench
        return bench is not None and bench.target in self.targets

    def cut(self) -> None:
        self.make_safe()
        self.stepper.held_off = True

    def restore(self) -> None:
        self.stepper.held_off = False

    def make_safe(self) -> None:
        self.stepper.halt()
        self.stepper.enable(False)

    def look(self) -> BoardState:
        state, stepper = self.state, self.stepper
        state.steps_done, state.guard_count, state.underruns = stepper.steps_done(), self.guard.count(), stepper.underruns()
        state.tripped, state.stop_pressed = self.guard.tripped(), self.buttons.stop
        return state
