"""What is on flash of the pump's setup, read first of all at power-up: keys, bench, calibration, reservoir, program."""

from app.programs.setup import Facts, Setup
from app.records.store import Store, StoreError
from app.wire.handlers.table import Loader
from pumpcore.faults.faults import Refusal
from pumpcore.units import const

if 0:  # for the type checker alone
    from app.types import Board

_KEYS_BYTES = const(96)  # one of 32 bytes for each role (pumpcore.wire.signing)


def load(board: "Board") -> Setup:
    """Return the setup from the store, and build the bench. An unreadable image becomes a problem of the setup.

    What that needs is given back at its end. Nothing else of power-up is in memory yet: together they would not fit.
    """
    store, give_back = Store(board.flash), Loader(board.system).give_back
    setup = Setup(store)
    try:  # a lost name is no alarm: no dose depends on it
        setup.name = (store.load("name") or b"").decode()
    except (StoreError, ValueError):
        pass
    setup.take("keys", _keys)
    if not store.holds("bench"):
        setup.problems.append("not_commissioned")
    else:
        setup.take("bench", _bench)
    give_back()
    board.system.make_room()  # what `attach` builds stays: behind garbage it would cut memory into small pieces
    if not board.attach(setup.bench) and setup.bench is not None:
        setup.bench = setup.calibration = None
        setup.problems.append("not_commissioned")
    if setup.bench is not None:
        setup.take("calibration", _calibration)
        setup.take("reservoir", _tank)
        setup.take("program", _program)
        setup.take("primed", _nothing)
    give_back()
    return setup


def _keys(setup: Setup, payload: bytes) -> None:
    """Use the stored keys. Raises ValueError if the bytes are not three keys."""
    if len(payload) != _KEYS_BYTES:
        raise ValueError("not three keys")
    setup.keys = payload


def _bench(setup: Setup, payload: bytes) -> None:
    """Use the stored bench, but for one with other sensors than the rotor's: its problem is `sensor_unsupported`.

    Raises ValueError if the bytes are not one.
    """
    from pumpcore.bench import bench

    try:
        found = bench.parse(payload)
    except bench.SensorUnsupported:
        setup.problems.append("sensor_unsupported")
        return
    facts = Facts()
    for name, value in found.__dict__.items():
        setattr(facts, name, value)
    setup.bench = facts
    setup.calibration = setup.bench.calibration


def _calibration(setup: Setup, packed: bytes) -> None:
    from app.programs import calibrating

    calibrating.load(setup, packed)


def _tank(setup: Setup, packed: bytes) -> None:
    from pumpcore.fluid import reservoir

    setup.tank = reservoir.unpack(packed)


def _program(setup: Setup, payload: bytes) -> None:
    from app.programs import programs

    try:
        programs.take(setup, payload)
    except Refusal:
        setup.forget_program()
        setup.problems.append("program_invalid")


def _nothing(setup: Setup, payload: bytes) -> None:
    """Do nothing: only reading it matters."""
