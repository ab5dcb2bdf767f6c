"""What the store tells at power-up: bench, calibration, reservoir, program, line. What can't be read is a problem of the setup."""

from app.setup import Setup
from app.store import Store
from pumpcore.faults import Refusal

if 0:  # for the type checker alone
    from app.types import Attach, Calibration, Take


class Facts:
    """The attributes of a Bench, without the code that read and checked them: nothing needs that any more."""

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
    pins: dict[str, int]
    calibration: "Calibration"
    turns: int
    turns_steps: int


def load(store: Store, attach: "Attach") -> Setup:
    """`attach(bench)` builds what a bench describes, None for no bench, and says whether there is a motor."""
    setup = Setup(store)
    if not store.holds("bench"):
        setup.problems.append("not_commissioned")
    else:
        _take(setup, "bench", _bench)
    if not attach(setup.bench) and setup.bench is not None:
        setup.bench = setup.calibration = None
        setup.problems.append("not_commissioned")
    if setup.bench is not None:
        _take(setup, "calibration", _calibration)
        _take(setup, "reservoir", _tank)
        _take(setup, "program", _program)
        _take(setup, "primed", _nothing)
    return setup


def _take(setup: Setup, name: str, take: "Take") -> None:
    """Gives what is stored to `take`. Whatever keeps it from being read, the pump starts and says what is lost."""
    try:
        payload = setup.store.load(name)
        if payload:
            take(setup, payload)
    except Exception:  # noqa: BLE001  stored bytes can be anything: what reads them may fail in any way
        setup.lost(name)


def _bench(setup: Setup, payload: bytes) -> None:
    """ValueError when it is not a bench."""
    from pumpcore import bench

    facts = Facts()
    for name, value in bench.parse(payload).__dict__.items():
        setattr(facts, name, value)
    setup.bench = facts
    setup.calibration = setup.bench.calibration


def _calibration(setup: Setup, image: bytes) -> None:
    from app import calibrating

    calibrating.load(setup, image)


def _tank(setup: Setup, image: bytes) -> None:
    from pumpcore import reservoir

    setup.tank = reservoir.unpack(image)


def _program(setup: Setup, payload: bytes) -> None:
    from app import programs

    try:
        programs.take(setup, payload)
    except Refusal:
        setup.forget_program()
        setup.problems.append("program_invalid")


def _nothing(setup: Setup, payload: bytes) -> None:
    """Only whether it can be read is asked."""


def load_line(setup: Setup, position_steps: int, uncertain_steps: int) -> None:
    """What the line holds, by where the ledger stands. When that is lost nobody knows it, and the line must be primed."""

    def take(setup: Setup, payload: bytes) -> None:
        from app import lines

        setup.line = lines.load(setup, position_steps, uncertain_steps)

    if setup.bench is None:
        return
    _take(setup, "line", take)
    if "line" in setup.damaged and setup.program is not None:
        from app import lines

        setup.line = lines.lost(setup, position_steps, uncertain_steps)
