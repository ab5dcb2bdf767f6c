"""What the store tells at power-up: bench, calibration, reservoir, program, line. What can't be read is a problem of the setup."""

from app.setup import Setup
from app.store import Store, StoreError
from pumpcore.faults import Refusal


class Facts:
    """The attributes of a Bench, without the code that read and checked them: nothing needs that any more."""


def load(store: Store, attach: object) -> Setup:
    """`attach(bench)` builds what a bench describes, None for no bench, and says whether there is a motor."""
    setup = Setup(store)
    _load_bench(setup)
    if not attach(setup.bench) and setup.bench is not None:
        setup.bench = setup.calibration = None
        setup.problems.append("not_commissioned")
    if setup.bench is not None:
        _load_calibration(setup)
        _load_tank(setup)
        _load_program(setup)
    return setup


def _load_bench(setup: Setup) -> None:
    try:
        payload = setup.store.load("bench")
        if payload is None:
            setup.problems.append("not_commissioned")
            return
        setup.bench = _facts(payload)
        setup.calibration = setup.bench.calibration
    except (StoreError, ValueError):
        _lost(setup, "bench")


def _facts(payload: bytes) -> Facts:
    """What the bench in its slot says; ValueError when it is not a bench."""
    from pumpcore import bench

    facts = Facts()
    for name, value in bench.parse(payload).__dict__.items():
        setattr(facts, name, value)
    return facts


def _lost(setup: Setup, name: str) -> None:
    setup.damaged.append(name)
    setup.problems.append("store_failed")


def _load_calibration(setup: Setup) -> None:
    try:
        image = setup.store.load("calibration")
        if image:
            from app import calibrating

            calibrating.load(setup, image)
    except (StoreError, ValueError):
        _lost(setup, "calibration")


def _load_tank(setup: Setup) -> None:
    try:
        image = setup.store.load("reservoir")
        if image:
            from pumpcore import reservoir

            setup.tank = reservoir.unpack(image)
    except (StoreError, ValueError):
        _lost(setup, "reservoir")


def _load_program(setup: Setup) -> None:
    try:
        payload = setup.store.load("program")
        if payload:
            from app import programs

            programs.take(setup, payload)
    except StoreError:
        _lost(setup, "program")
    except Refusal:
        setup.forget_program()
        setup.problems.append("program_invalid")


def load_line(setup: Setup, position_steps: int, uncertain_steps: int) -> None:
    """What the line holds, by where the ledger stands."""
    try:
        if setup.bench is not None and setup.store.load("line"):
            from app import lines

            setup.line = lines.load(setup, position_steps, uncertain_steps)
    except (StoreError, ValueError):
        _lost(setup, "line")
