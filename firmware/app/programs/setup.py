"""The pump's setup: bench and active program from the store, and the programs staged in memory."""

from app.delivery.basal import Basal
from app.records.store import Store, StoreError
from pumpcore.faults.faults import Refusal
from pumpcore.motion.dose import EXPIRED
from pumpcore.orders.bolus import DONE, PRIMING
from pumpcore.units import MS_PER_S, ceil_div, const, sha256_hex
from pumpcore.wire.records import FRONT_WAYS

if 0:  # for the type checker alone
    from app.types import (
        BenchFacts,
        Bolus,
        Calibration,
        Ceilings,
        Clear,
        Law,
        Line,
        Program,
        Reporter,
        Reservoir,
        Settings,
        Take,
        Validity,
        WallClock,
    )

_STAGED = const(2)
CHECK_MS = const(10_000)  # a check that is not continued for so long ends


class Facts:
    """The attributes of a Bench, without the code that read and checked them, which is no longer needed."""

    name: str
    target: str
    clock_chip: bool
    rate_nl: int
    rate_seconds_s: int
    hour_nl: int
    day_nl: int
    driver: str
    kind: str
    disabled_level: int
    max_rate_hz: int
    microsteps: int
    coil_style: str
    forward: bool
    start_rate_hz: int
    acceleration_hz_per_s: int
    wake_us: int
    supply_full_scale_mv: int
    supply_low_mv: int
    supply_high_mv: int
    pins: dict[str, int]
    calibration: "Calibration"
    turns: int
    turns_steps: int
    sensor_hz: int
    sensor_forward: bool


class Staged:
    """A program that was sent. `peaks`: findings of its check (Program.peaks); `search`: the window in work; `checked`: it fits."""

    def __init__(self, digest: str, packed: bytes) -> None:
        self.digest = digest
        self.packed = packed
        self.peaks: dict[int, int] = {}
        self.search: list[int] | None = None
        self.checked = False


def alarm_of(name: str) -> str:
    """Return the alarm for the loss of the stored image `name`."""
    return "line_damaged" if name == "primed" else name + "_damaged"


class Setup:
    """`bench`, `calibration`, `program`, `ceilings`, `packed`, `digest`: None or empty if there is none.

    `calibration` is the one in force: the bench's nominal one, or one weighed on it; then `validity` gives its expiry. `problems` are the
    names of faults met while loading, `damaged` the lost images: each is an alarm. `law` has the table of the rotor, None without one.
    `tank` is the Reservoir after the last refill, None before the first. `line` is None while the line holds one content. `name` is what
    people call the pump, "" if nothing. `keys` are those of the three roles (pumpcore.wire.signing), b"" if there are none.
    """

    program: "Program | None"
    ceilings: "Ceilings | None"
    packed: bytes
    digest: str
    basal: "type[Basal]"  # the class of its basal source

    def __init__(self, store: Store) -> None:
        self.store = store
        self.bench: "BenchFacts | None" = None
        self.calibration: "Calibration | None" = None
        self.validity: "Validity | None" = None
        self.law: "Law | None" = None
        self.tank: "Reservoir | None" = None
        self.line: "Line | None" = None
        self.name = ""
        self.keys = b""
        self.problems: list[str] = []
        self.damaged: list[str] = []
        self._staged: list[Staged] = []
        self.checking: Staged | None = None
        self.end_ms = 0
        self.forget_program()

    def forget_program(self) -> None:
        """Have no active program."""
        self.program = None
        self.ceilings = None
        self.packed = b""
        self.digest = ""
        self.basal = Basal

    def take(self, name: str, use: "Take") -> None:
        """Pass a stored image to `use`. Whatever is wrong with it, the pump starts and reports the loss."""
        try:
            payload = self.store.load(name)
            if payload:
                use(self, payload)
        except Exception:  # noqa: BLE001  stored bytes can be anything, so reading them may fail in any way
            self.lost(name)

    def lost(self, name: str) -> None:
        """Note that the stored image `name` is damaged or outdated; its alarm stays until `mended` is called."""
        self.damaged.append(name)
        self.problems.append(alarm_of(name))

    def keys_state(self) -> str:
        """Return "none", "set", or "damaged": then nobody has a key that counts."""
        return "damaged" if "keys" in self.damaged else "set" if self.keys else "none"

    def mended(self, name: str, clear: "Clear") -> None:
        """The image `name` was stored again: end its alarm with `clear`."""
        if name in self.damaged:
            self.damaged.remove(name)
            if alarm_of(name) not in [alarm_of(other) for other in self.damaged]:
                clear(alarm_of(name))

    def keep_tank(self, tank: "Reservoir") -> None:
        """Store the reservoir and use it. Raises OSError or StoreError; then the old one stays."""
        self.store.save("reservoir", tank.pack())
        self.tank = tank

    def reservoir_settings(self) -> "Settings | None":
        """Return the settings of a program that watches its reservoir, else None."""
        settings = self.program.settings if self.program is not None else None
        return settings if settings is not None and settings.capacity_nl else None

    def keep_line(self, line: "Line") -> None:
        """Store the line and use it. Raises OSError or StoreError; then the old one stays."""
        self.store.save("line", line.pack())
        self.line = line if line.state else None

    def fill_line(self, bolus: "Bolus", report: "Reporter", position_steps: int) -> None:
        """A run without a program ended: after priming the whole volume of the line, no old content is left in it."""
        line_nl = self.program.line_nl() if self.line is not None and self.program is not None else 0
        if bolus.purpose != PRIMING or bolus.state != DONE or not 0 < line_nl <= bolus.volume_nl:
            return
        try:
            self.keep_line(self.line.filled(self.program.content()))
            report.post("front_passed", (FRONT_WAYS.index("primed"), position_steps))
            self.mended("line", report.clear)
        except (OSError, StoreError):
            report.fault("store_failed")

    def load_lines(self) -> None:
        """Import app.programs.lines for a command, so that a failure is a refusal. Refusal `not_loaded`."""
        try:
            __import__("app.programs.lines")
        except (ImportError, MemoryError) as error:
            raise Refusal("not_loaded", cause=repr(error)[:80])

    def keep_staged(self, digest: str, packed: bytes) -> None:
        """Keep the newest two programs that were sent, and what is known of them, until another calibration is in force."""
        known = self.staged(digest) or Staged(digest, packed)
        self._staged = [row for row in self._staged if row is not known][-(_STAGED - 1) :] + [known]
        if self.checking not in self._staged:
            self.end_check()

    def forget_staged(self) -> None:
        """Forget all staged programs."""
        self._staged = []
        self.end_check()

    def newest_staged(self) -> Staged:
        """Return the program that was staged last."""
        return self._staged[-1]

    def staged(self, digest: str) -> Staged | None:
        """Return the staged program with this digest, else None."""
        for row in self._staged:
            if row.digest == digest:
                return row
        return None

    def go_on_checking(self, staged: Staged, uptime_ms: int) -> None:
        """The check of `staged` is under way, until it ends or is not continued for 10 s."""
        self.checking = staged
        self.end_ms = uptime_ms + CHECK_MS

    def end_check(self) -> None:
        """No check is under way."""
        self.checking = None

    def refuse_while_checking(self, uptime_ms: int, staged: Staged | None = None) -> None:
        """Refusal `busy` while a program other than `staged` is checked."""
        if self.checking not in (None, staged) and uptime_ms < self.end_ms:
            wait_s = ceil_div(self.end_ms - uptime_ms, MS_PER_S)
            raise Refusal("busy", digest=self.checking.digest, wait_s=wait_s)

    def plan_key(self) -> bytes:
        """Return eight bytes that differ if program or calibration differ: a remainder belongs to both."""
        pair = self.calibration
        text = "%s %d %d" % (self.digest, pair.volume_nl, pair.steps)
        return bytes.fromhex(sha256_hex(text.encode())[:16])

    def describe_calibration(self, position_steps: int, wall: "WallClock") -> dict | None:
        """Return the calibration, its state and expiry; None without a bench.

        `expires_utc_s` and `expires_nl`: 0 = never; `delivered_nl` have been delivered since it was weighed.
        """
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
        said["scatter_ppm"], said["runs"] = (validity.scatter_ppm, validity.runs) if validity else (0, 0)
        return said

    def _since_weighed_nl(self, position_steps: int) -> int:
        if self.validity is None:
            return 0
        return self.calibration.nl_for_steps(max(0, position_steps - self.validity.position_steps))

    def expired_now(self, position_steps: int, wall: "WallClock") -> bool:
        """Return True once, when the calibration has expired."""
        validity = self.validity
        if validity is None or validity.told:
            return False
        validity.told = bool(validity.expired(self._since_weighed_nl(position_steps), _known_utc_s(wall)))
        return validity.told


def _known_utc_s(wall: "WallClock") -> int:
    return wall.utc_s() if wall.known() else 0
