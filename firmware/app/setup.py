"""What the pump is set up with: the bench and the active program from the store, and the programs staged in memory."""

from app.store import Store, StoreError
from pumpcore.bolus import DONE, PRIMING
from pumpcore.calibration import EXPIRED
from pumpcore.faults import Refusal
from pumpcore.hashes import sha256_hex
from pumpcore.wire.records import FRONT_WAYS

_STAGED = 2


class Facts:
    """The attributes of a Bench, without the code that read and checked them: nothing needs that any more."""


class Setup:
    """`bench`, `calibration`, `program`, `ceilings`, `packed`, `digest`: None or "" when there is none.

    `calibration` is the pair that counts: the bench's nominal one, or what was weighed on it; then `validity` says until when.
    `problems` are the names of faults met while loading, `damaged` the images that could not be read. `tank` is the
    Reservoir as the last refill left it, None before the first. `line` is None while the line holds one content.
    """

    def __init__(self, store: Store, attach: object) -> None:
        """`attach(bench)` builds what a bench describes, None for no bench, and says whether there is a motor."""
        self.store = store
        self.damaged = []
        self.validity = None
        self.tank = None
        self.line = None
        self._staged = []
        self.bench = None
        self.calibration = None
        self._forget_program()
        self.problems = []
        self._load_bench()
        if not attach(self.bench) and self.bench is not None:
            self.bench = self.calibration = None
            self.problems.append("not_commissioned")
        if self.bench is not None:
            self._load_calibration()
            self._load_tank()
            self._load_program()

    def _forget_program(self) -> None:
        self.program = None
        self.ceilings = None
        self.packed = b""
        self.digest = ""

    def _load_bench(self) -> None:
        try:
            payload = self.store.load("bench")
            if payload is None:
                self.problems.append("not_commissioned")
                return
            self.bench = _facts(payload)
            self.calibration = self.bench.calibration
        except (StoreError, ValueError):
            self._lost("bench")

    def _lost(self, name: str) -> None:
        self.damaged.append(name)
        self.problems.append("store_failed")

    def _load_calibration(self) -> None:
        try:
            image = self.store.load("calibration")
            if image:
                from app import calibrating

                calibrating.load(self, image)
        except (StoreError, ValueError):
            self._lost("calibration")

    def _load_tank(self) -> None:
        try:
            image = self.store.load("reservoir")
            if image:
                from pumpcore import reservoir

                self.tank = reservoir.unpack(image)
        except (StoreError, ValueError):
            self._lost("reservoir")

    def keep_tank(self, tank: object) -> None:
        """Stores what is in the reservoir and takes it over; OSError or StoreError when it can't be kept, then the old one stays."""
        self.store.save("reservoir", tank.pack())
        self.tank = tank

    def reservoir_settings(self) -> object:
        """The settings of a program that watches its reservoir, None without."""
        settings = self.program.settings if self.program is not None else None
        return settings if settings is not None and settings.capacity_nl else None

    def _load_program(self) -> None:
        try:
            payload = self.store.load("program")
            if payload:
                from app import programs

                programs.take(self, payload)
        except StoreError:
            self._lost("program")
        except Refusal:
            self._forget_program()
            self.problems.append("program_invalid")

    def load_line(self, position_steps: int, uncertain_steps: int) -> None:
        """What the line holds, by where the ledger stands at power-up."""
        try:
            if self.bench is not None and self.store.load("line"):
                from app import lines

                self.line = lines.load(self, position_steps, uncertain_steps)
        except (StoreError, ValueError):
            self._lost("line")

    def keep_line(self, line: object) -> None:
        """Stores what the line holds and takes it over. OSError or StoreError when it can't be kept, then the old one stays."""
        self.store.save("line", line.pack())
        self.line = line if line.state else None

    def fill_line(self, bolus: object, report: object, position_steps: int) -> None:
        """A run without a program has come to its end: a priming of all that the line holds leaves nothing old in it."""
        line_nl = self.program.line_nl() if self.line is not None and self.program is not None else 0
        if bolus.purpose != PRIMING or bolus.state != DONE or not 0 < line_nl <= bolus.volume_nl:
            return
        try:
            self.keep_line(self.line.filled(self.program.content()))
            report.post("front_passed", (FRONT_WAYS.index("primed"), position_steps))
        except (OSError, StoreError):
            report.fault("store_failed")

    def load_lines(self) -> None:
        """To be called before app.lines is imported by a command: what fails is a refusal. Refusal `not_loaded`."""
        try:
            __import__("app.lines")
        except (ImportError, MemoryError) as error:
            raise Refusal("not_loaded", cause=repr(error)[:80])

    def keep_staged(self, digest: str, packed: bytes) -> None:
        """Keeps a program that was checked, until another pair counts."""
        self._staged = [row for row in self._staged if row[0] != digest][-(_STAGED - 1) :] + [(digest, packed)]

    def forget_staged(self) -> None:
        self._staged = []

    def staged(self, digest: str) -> bytes | None:
        for name, packed in self._staged:
            if name == digest:
                return packed
        return None

    def plan_key(self) -> bytes:
        """Eight bytes that differ when program or calibration do: a remainder belongs to both."""
        pair = self.calibration
        text = "%s %d %d" % (self.digest, pair.volume_nl, pair.steps)
        return bytes.fromhex(sha256_hex(text.encode())[:16])

    def describe_calibration(self, position_steps: int, wall: object) -> dict | None:
        """The pair, its state, and until when it holds: `expires_utc_s` and `expires_nl`, 0 = for ever, of which `delivered_nl` are
        gone; None without a bench."""
        if self.calibration is None:
            return None
        said = self.calibration.describe()
        validity = self.validity
        delivered_nl = self._since_weighed_nl(position_steps)
        expired = validity.expired(delivered_nl, _known_utc_s(wall)) if validity else ""
        if expired:
            said["state"] = EXPIRED
        said["id"] = validity.id if validity else ""
        said["expired"] = expired
        said["weighed_utc_s"] = validity.utc_s if validity else 0
        said["expires_utc_s"] = validity.expires_utc_s if validity else 0
        said["expires_nl"] = validity.expires_nl if validity else 0
        said["delivered_nl"] = delivered_nl
        return said

    def _since_weighed_nl(self, position_steps: int) -> int:
        if self.validity is None:
            return 0
        return self.calibration.nl_for_steps(max(0, position_steps - self.validity.position_steps))

    def expired_now(self, position_steps: int, wall: object) -> bool:
        """True once, when the calibration has expired."""
        validity = self.validity
        if validity is None or validity.told:
            return False
        validity.told = bool(validity.expired(self._since_weighed_nl(position_steps), _known_utc_s(wall)))
        return validity.told


def _known_utc_s(wall: object) -> int:
    return wall.utc_s() if wall.known() else 0


def _facts(payload: bytes) -> Facts:
    """What the bench in its slot says; ValueError when it is not a bench."""
    from pumpcore import bench

    facts = Facts()
    for name, value in bench.parse(payload).__dict__.items():
        setattr(facts, name, value)
    return facts
