"""A recorded run: the balance's lines with the pump's reports. One CSV file, with the conditions in its head."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from types import TracebackType

from thecal.errors import BadInput, Failed
from thecal.quantities.amounts import Rate
from thecal.terminal.sheets import cell, text_of
from thecal.weighing.balance import BalanceError
from thecal.weighing.balance.detect import DIALECTS
from thecal.weighing.balance.guard import Guard

MAGIC = "# thecal gravimetry 1"
FILE_MAX_BYTES = 512 << 20  # 30 days of ten lines a second fit
EXPONENT = re.compile(r"[eE]")  # Fraction("1e999999999") would work out all its digits
COLUMNS = ("time_ms", "phase", "mass_ug", "stable", "pump_steps", "steps_at_ms", "pump_uptime_ms", "raw")
STILL, RUN, END = "still", "run", "end"
PHASES = (STILL, RUN, END)


@dataclass(frozen=True)
class Facts:
    """The conditions of a run. The rate is `rate_nl` per `rate_seconds_s`; fractions are text like "4991/5"."""

    rate_nl: int
    rate_seconds_s: int
    calibration_volume_nl: int
    calibration_steps: int
    calibration_state: str
    density_mg_per_ml: str = "4991/5"
    evaporation_ug_per_h: str = ""
    rollers: int = 3
    steps_per_turn: int = 3200
    balance: str = ""
    protocol: str = "plain"
    pump: str = ""
    law: str = "angle"  # by which the pump dosed when it began; a record of an older thecal was by angle
    begun_utc: str = ""

    @property
    def rate(self) -> Rate:
        return Rate(self.rate_nl, self.rate_seconds_s)

    @property
    def rate_nl_per_ms(self) -> Fraction:
        return Fraction(self.rate_nl, self.rate_seconds_s * 1000)

    @property
    def step_nl(self) -> Fraction:
        return Fraction(self.calibration_volume_nl, self.calibration_steps)

    @property
    def density(self) -> Fraction:
        """Return the density in mg per mL."""
        return Fraction(self.density_mg_per_ml)


@dataclass(frozen=True, slots=True)
class Sample:
    """One line of the balance; with a report of the pump also `pump_steps`, its time `steps_at_ms`, and its own uptime then."""

    time_ms: int
    phase: str
    mass_ug: int
    stable: bool
    raw: str
    pump_steps: int | None = None
    steps_at_ms: int | None = None
    pump_uptime_ms: int | None = None


class Run:
    """Conditions and samples, in order of time; time zero is the start of the pump (or of the recording, if it ran already)."""

    def __init__(self, facts: Facts, samples: list[Sample]) -> None:
        self.facts = facts
        self.samples = samples

    def phase(self, name: str) -> list[Sample]:
        return [sample for sample in self.samples if sample.phase == name]


class RunWriter:
    """Write a run during the recording: every line is in the file before the next one is read. If the pump never ran, the file is
    removed."""

    def __init__(self, path: Path, facts: Facts) -> None:
        try:
            self._file = path.open("x", newline="", encoding="utf-8")
        except FileExistsError as error:
            raise BadInput(f"{path} exists already", "name another file with --record: a record is never overwritten") from error
        except OSError as error:
            raise Failed(f"{path} can't be written: {error.strerror}", "name another file with --record") from error
        self._path, self._ran = path, False
        self._file.write(f"{MAGIC}\n# {json.dumps(asdict(facts))}\n")
        self._rows = csv.writer(self._file, lineterminator="\n")
        self._rows.writerow(COLUMNS)

    def __enter__(self) -> RunWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._file.close()
        if error is not None and not self._ran:
            self._path.unlink(missing_ok=True)

    def add(self, sample: Sample) -> None:
        self._ran = self._ran or sample.phase == RUN
        values = asdict(sample)
        self._rows.writerow([int(value) if isinstance(value, bool) else cell(value) for value in (values[name] for name in COLUMNS)])
        self._file.flush()


def utc_now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_run(path: Path) -> Run:
    """Read a recorded run. Raises BadInput with file and line; BalanceError if the balance changed during the run."""
    try:
        if path.exists() and (not path.is_file() or path.stat().st_size > FILE_MAX_BYTES):
            raise BadInput(f"{path}: is not a plain file of at most {FILE_MAX_BYTES >> 20} MiB", "name a file that --record wrote")
        with path.open(newline="", encoding="utf-8") as file:
            facts = _facts(path, file.readline(), file.readline())
            return Run(facts, list(_samples(path, facts, csv.reader(file))))
    except OSError as error:
        raise BadInput(f"{path}: can't be read: {error.strerror}", "name a file that --record wrote") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"{path}: is not a record: {error}", "name a file that --record wrote") from error


def _facts(path: Path, magic: str, head: str) -> Facts:
    if magic.strip() != MAGIC:
        journal = magic.lstrip().startswith(("{", "ring,sequence"))
        do = "for a journal: thecal report --from-journal FILE" if journal else "name a file that --record wrote"
        raise BadInput(f"{path}: does not begin with {MAGIC!r}", do)
    try:
        facts = Facts(**json.loads(head.removeprefix("# ")))
        if EXPONENT.search(facts.density_mg_per_ml + facts.evaporation_ug_per_h):
            raise ValueError("density and evaporation are written without an exponent")
        sizes = (facts.rate_nl, facts.rate_seconds_s, facts.calibration_volume_nl, facts.calibration_steps, facts.density)
        fractions = [Fraction(facts.evaporation_ug_per_h or 0), facts.density]
        if not all(isinstance(size, int | Fraction) and size > 0 for size in sizes) or facts.protocol not in DIALECTS or not fractions:
            raise ValueError("a rate, a calibration, a density and a protocol are needed")
    except (ValueError, TypeError, ZeroDivisionError, RecursionError) as error:
        raise BadInput(f"{path}: line 2: {error}", "name a file that --record wrote") from error
    return facts


def _samples(path: Path, facts: Facts, rows: Iterator[list[str]]) -> Iterable[Sample]:
    """Read every mass again from its raw line: the raw lines are the record, the numbers only help the reader."""
    if tuple(next(rows, [])) != COLUMNS:
        raise BadInput(f"{path}: line 3: the columns are not {','.join(COLUMNS)}", "name a file that --record wrote")
    module = DIALECTS[facts.protocol]
    guard = Guard(bare_grams=True, hides_unit=facts.protocol == "sbi")
    before_ms = -(1 << 62)
    for number, row in enumerate(rows, 4):
        try:
            sample = _sample(row)
            reading = guard.reading(module.read(sample.raw), sample.raw, sample.time_ms / 1000)
        except BalanceError as error:
            raise BalanceError(error.kind, f"{path}: line {number}: {error.cause}", error.do, error.raw) from error
        except (ValueError, TypeError) as error:
            raise BadInput(f"{path}: line {number}: is not a sample ({error})", "remove an incomplete last line") from error
        if reading.mass_ug != sample.mass_ug or sample.time_ms <= before_ms:
            what = f"has {sample.mass_ug} ug, but {sample.raw!r}" if sample.time_ms > before_ms else "goes back in time"
            raise BadInput(f"{path}: line {number}: {what}", "use the file as it was recorded")
        before_ms = sample.time_ms
        yield sample


def _sample(row: list[str]) -> Sample:
    if len(row) != len(COLUMNS):
        raise ValueError(f"{len(row)} columns, {len(COLUMNS)} are needed")
    time_ms, phase, mass_ug, stable, *asked, raw = row
    if phase not in PHASES or stable not in ("0", "1"):
        raise ValueError("unknown value of phase or stable")
    if not any(asked):  # empty in most lines: the pump is asked seldom
        return Sample(int(time_ms), phase, int(mass_ug), stable == "1", text_of(raw))
    return Sample(int(time_ms), phase, int(mass_ug), stable == "1", text_of(raw), *(int(cell) if cell else None for cell in asked))
