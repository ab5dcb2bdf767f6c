"""What the pump is set up with: the bench and the active program from the store, and the programs staged in memory."""

from app.store import Store, StoreError
from pumpcore import limits, program
from pumpcore.faults import Refusal

_STAGED = 2


class Facts:
    """The attributes of a Bench, without the code that read and checked them: nothing needs that any more."""


class Setup:
    """`bench`, `calibration`, `program`, `ceilings`, `packed`, `digest`: None or "" when there is none.

    `problems` are the names of faults met while loading.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._staged = []
        self.bench = None
        self.calibration = None
        self._forget_program()
        self.problems = []
        self._load_bench()
        if self.bench is not None:
            self._load_program()

    def _forget_program(self) -> None:
        self.program = None
        self.ceilings = None
        self.packed = b""
        self.digest = ""

    def _load_bench(self) -> None:
        try:
            payload = self._store.load("bench")
            if payload is None:
                self.problems.append("not_commissioned")
                return
            self.bench = _facts(payload)
            self.calibration = self.bench.calibration
        except (StoreError, ValueError):
            self.problems.append("store_failed")

    def _load_program(self) -> None:
        try:
            payload = self._store.load("program")
            if payload:
                self._take(payload)
        except StoreError:
            self.problems.append("store_failed")
        except Refusal:
            self._forget_program()
            self.problems.append("program_invalid")

    def _take(self, packed: bytes) -> None:
        candidate = program.unpack(packed)
        self.ceilings = limits.check_program(candidate, self.bench, self.calibration)
        self.program = candidate
        self.packed = packed
        self.digest = program.digest(packed)

    def stage(self, packed: bytes) -> str:
        """Checks a program against this bench and keeps it in memory; returns its digest. Refusals of the 3xx family."""
        if self.bench is None:
            raise Refusal("alarm_active", alarm="not_commissioned")
        limits.check_program(program.unpack(packed), self.bench, self.calibration)
        digest = program.digest(packed)
        self._staged = [row for row in self._staged if row[0] != digest][-(_STAGED - 1) :] + [(digest, packed)]
        return digest

    def staged(self, digest: str) -> bytes | None:
        for name, packed in self._staged:
            if name == digest:
                return packed
        return None

    def activate(self, packed: bytes) -> None:
        """Stores a staged program and takes it over. OSError or StoreError when it can't be kept; then the old one stays."""
        self._store.save("program", packed)
        self._take(packed)


def _facts(payload: bytes) -> Facts:
    """What the bench in its slot says; ValueError when it is not a bench."""
    from pumpcore import bench

    facts = Facts()
    for name, value in bench.parse(payload).__dict__.items():
        setattr(facts, name, value)
    return facts
