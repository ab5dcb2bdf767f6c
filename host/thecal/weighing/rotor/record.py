"""The record of a weighed rotor: conditions, every reading, every position of the motor. One text file, each line on disk at once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from thecal.errors import BadInput, Failed
from thecal.weighing.rotor.plan import WeighedRun
from thecal.weighing.rotor.shape import Turn

MAGIC = "# thecal rotor 1"
FILE_MAX_BYTES = 16 << 20
LEARNING, VERIFYING = "learn", "verify"
RUN, MASS, MOTOR, DONE, SETTLED = "run", "mass_ug", "motor_steps", "done", "settled"
_NUMBERS = {RUN: 2, MASS: 2, MOTOR: 3, DONE: 0, SETTLED: 2}
_DO = "name a file that `thecal calibrate --rotor` has recorded"


@dataclass(frozen=True)
class Conditions:
    """What a fit needs to know. The calibration's pair is `volume_nl` in `steps`; the head makes `turns` turns in `turns_steps`."""

    purpose: str
    pump: str
    bench: str
    tube: str
    lot: str
    turns: int
    turns_steps: int
    volume_nl: int
    steps: int
    ug_per_nl: float
    digit_ug: int
    balance: str
    begun_utc_s: int

    @property
    def turn(self) -> Turn:
        """Return the head's geometry with the pair's volume."""
        return Turn(self.turns, self.turns_steps, self.turns_steps * self.volume_nl / self.steps)

    @property
    def mg_per_nl(self) -> float:
        """Return what the balance shows of a nanolitre."""
        return self.ug_per_nl / 1000


class Mass(NamedTuple):
    """A reading of the balance at a time of the bench's clock."""

    at_ms: int
    mass_ug: int


class Position(NamedTuple):
    """The motor's position at the pump's uptime, and the time of the bench's clock then."""

    at_ms: int
    uptime_ms: int
    motor_steps: int


class Settled(NamedTuple):
    """While a pump still has these numbers, the motor's positions belong to the same angles of the rotor."""

    boot: int
    uncertain_steps: int


@dataclass
class WeighedTurns:
    """One run: its order, the readings, and the positions of the motor."""

    nl_per_h: int
    steps: int
    readings: list[Mass] = field(default_factory=list)
    positions: list[Position] = field(default_factory=list)
    done: bool = False


@dataclass
class Record:
    """All runs of a learning or a verification. `settled`: the pump's numbers at the end, None if it was cut short."""

    conditions: Conditions
    runs: list[WeighedTurns] = field(default_factory=list)
    settled: Settled | None = None

    @property
    def whole(self) -> bool:
        """Return True if every run was made to its end."""
        return self.settled is not None and bool(self.runs) and all(run.done for run in self.runs)


class Recorder:
    """Keep a record in memory and in a file, which must be new. Without any reading the file is removed."""

    def __init__(self, path: Path, conditions: Conditions) -> None:
        self.record = Record(conditions)
        self.path = path
        try:
            self._file = path.open("x", encoding="utf-8")
        except FileExistsError as error:
            raise BadInput(f"{path} exists already", "name another file with --record: a record is never overwritten") from error
        except OSError as error:
            raise Failed(f"{path} can't be written: {error.strerror}", "name another file with --record") from error
        self._file.write(f"{MAGIC}\n# {json.dumps(asdict(conditions))}\n")

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._file.close()
        if not any(run.readings for run in self.record.runs):
            self.path.unlink(missing_ok=True)

    def begin(self, run: WeighedRun) -> WeighedTurns:
        """A run begins; return where its readings go."""
        self._write(RUN, run.rate.rate_nl, run.steps)
        self.record.runs.append(WeighedTurns(run.rate.rate_nl, run.steps))
        return self.record.runs[-1]

    def mass(self, at_ms: int, mass_ug: int) -> None:
        """Keep a reading."""
        self._write(MASS, at_ms, mass_ug)
        self.record.runs[-1].readings.append(Mass(at_ms, mass_ug))

    def motor(self, at_ms: int, uptime_ms: int, motor_steps: int) -> None:
        """Keep a position of the motor."""
        self._write(MOTOR, at_ms, uptime_ms, motor_steps)
        self.record.runs[-1].positions.append(Position(at_ms, uptime_ms, motor_steps))

    def end(self) -> None:
        """The present run was made to its end."""
        self._write(DONE)
        self.record.runs[-1].done = True

    def settle(self, boot: int, uncertain_steps: int) -> None:
        """All runs were made."""
        self._write(SETTLED, boot, uncertain_steps)
        self.record.settled = Settled(boot, uncertain_steps)

    def _write(self, *words: str | int) -> None:
        self._file.write(",".join(map(str, words)) + "\n")
        self._file.flush()


def read_record(path: Path) -> Record:
    """Read a record. Raises BadInput with file and line, also if a run is missing its end."""
    try:
        if path.stat().st_size > FILE_MAX_BYTES:
            raise BadInput(f"{path}: has more than {FILE_MAX_BYTES >> 20} MiB", _DO)
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise BadInput(f"{path}: can't be read: {error.strerror}", _DO) from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: is not a record: {error}", _DO) from error
    if not lines or lines[0] != MAGIC:
        raise BadInput(f"{path}: does not begin with {MAGIC!r}", _DO)
    record = Record(_conditions(path, lines[1] if len(lines) > 1 else ""))
    for number, (word, values) in _words(path, lines[2:]):
        try:
            _add(record, word, values)
        except IndexError:
            raise BadInput(f"{path}: line {number}: belongs to no run", _DO) from None
    if not record.whole:
        raise BadInput(f"{path}: its runs were cut short", "weigh again: thecal calibrate --rotor --balance PORT")
    return record


def _conditions(path: Path, head: str) -> Conditions:
    try:
        found = Conditions(**json.loads(head.removeprefix("# ")))
        sizes = (found.turns, found.turns_steps, found.volume_nl, found.steps, found.ug_per_nl, found.digit_ug, found.begun_utc_s)
        if not all(size > 0 for size in sizes):
            raise ValueError("a number is not above zero")
    except (ValueError, TypeError, RecursionError) as error:
        raise BadInput(f"{path}: line 2: {error}", _DO) from error
    return found


def _words(path: Path, lines: list[str]) -> Iterator[tuple[int, tuple[str, list[int]]]]:
    for number, line in enumerate(lines, 3):
        word, *numbers = line.split(",")
        if word not in _NUMBERS or len(numbers) != _NUMBERS[word]:
            raise BadInput(f"{path}: line {number}: is not a line of a record", "remove an incomplete last line")
        try:
            yield number, (word, [int(text) for text in numbers])
        except ValueError:
            raise BadInput(f"{path}: line {number}: is not a line of a record", "remove an incomplete last line") from None


def _add(record: Record, word: str, values: list[int]) -> None:
    if word == RUN:
        record.runs.append(WeighedTurns(values[0], values[1]))
    elif word == SETTLED:
        record.settled = Settled(*values)
    elif word == DONE:
        record.runs[-1].done = True
    elif word == MASS:
        record.runs[-1].readings.append(Mass(*values))
    else:
        record.runs[-1].positions.append(Position(*values))
