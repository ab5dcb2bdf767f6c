"""A program comes in: checked against this bench, staged, taken over. In memory at power-up and for the commands that need it."""

from app.setup import Setup
from pumpcore import limits, program
from pumpcore.faults import Refusal


def unpack(packed: bytes) -> object:
    """The program of these bytes, with everything in memory that it takes to check it. Refusals of the 3xx family; `not_loaded`
    when flash or memory does not give it: to be called before anything is changed."""
    try:
        new = program.unpack(packed)
        if new.settings is not None:
            __import__("pumpcore.settings_limits")
            __import__("pumpcore.order_limits")
    except (ImportError, OSError, MemoryError) as error:
        raise Refusal("not_loaded", cause=repr(error)[:80])
    return new


def take(setup: Setup, packed: bytes) -> None:
    """Takes a program over. Refusals of the 3xx family: then nothing has changed."""
    candidate = program.unpack(packed)
    setup.ceilings = limits.check_program(candidate, setup.bench, setup.calibration)
    setup.program = candidate
    setup.packed = packed
    setup.digest = program.digest(packed)


def stage(setup: Setup, packed: bytes) -> str:
    """Checks a program against this bench and keeps it in memory; returns its digest. Refusals of the 3xx family."""
    if setup.bench is None:
        raise Refusal("alarm_active", alarm="not_commissioned")
    candidate = unpack(packed)
    limits.check_program(candidate, setup.bench, setup.calibration)
    limits.check_demand_steps(candidate, setup.calibration)
    digest = program.digest(packed)
    setup.keep_staged(digest, packed)
    return digest


def activate(setup: Setup, packed: bytes) -> None:
    """Stores a staged program and takes it over. OSError or StoreError when it can't be kept; then the old one stays."""
    setup.store.save("program", packed)
    take(setup, packed)


def recalibrated(setup: Setup) -> None:
    """Another pair counts: the ceilings in steps are made anew, and what was staged was checked with the old one."""
    setup.forget_staged()
    if setup.program is not None:
        setup.ceilings = limits.check_program(setup.program, setup.bench, setup.calibration)
