"""Boards and pumps on the emulated RP2040. Without a UF2 every test here is skipped; `make test-emu` then fails."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.emulator import motor_bench
from support.emulator.board import EmulatedBoard
from support.emulator.image import parts
from support.emulator.motor_bench import MotorBench
from support.emulator.pump import EmulatedPump
from support.rig.benches import named
from support.rig.device import Device


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> None:
    """Boot the bench before the test is forked, so that every child finds it booted and attached."""
    if wants_a_booted_bench(item):
        motor_bench.booted()


def wants_a_booted_bench(item: pytest.Item) -> bool:
    """Under pytest-xdist this hook sees the tests of every folder, and others have a fixture of that name too."""
    ours = item.path.parent == Path(__file__).parent
    return ours and "bench" in getattr(item, "fixturenames", ()) and item.get_closest_marker("skip") is None


@pytest.fixture(name="bench")
def attached_bench() -> MotorBench:
    """hal/rp2 at the prompt. The test has a process of its own, so the bench is as it was attached."""
    return motor_bench.booted()


@pytest.fixture
def board() -> Iterator[EmulatedBoard]:
    """Stock MicroPython with an empty file system."""
    with EmulatedBoard() as fresh:
        yield fresh


@pytest.fixture
def chip() -> Iterator[EmulatedBoard]:
    """The compiled firmware on the flash without main.py: the prompt can use its parts."""
    with EmulatedBoard(files=parts()) as fresh:
        yield fresh


@pytest.fixture
def pump() -> Iterator[EmulatedPump]:
    """A commissioned pump in virtual time, with power on."""
    sim = EmulatedPump(named(), virtual=True)
    yield sim
    sim.close()


@pytest.fixture
def device() -> Iterator[Device]:
    """The same, booted, with a client."""
    with Device() as fresh:
        yield fresh
