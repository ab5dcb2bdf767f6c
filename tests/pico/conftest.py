"""Boards and pumps on the emulated RP2040. Without a UF2 every test here is skipped; `make test-emu` fails then."""

from collections.abc import Iterator

import pytest

from rig.device import Device, bench
from rig.emulator.board import EmulatedBoard
from rig.emulator.image import parts
from rig.emulator.pump import EmulatedPump


@pytest.fixture
def board() -> Iterator[EmulatedBoard]:
    """Stock MicroPython with an empty file system."""
    with EmulatedBoard() as fresh:
        yield fresh


@pytest.fixture
def chip() -> Iterator[EmulatedBoard]:
    """The compiled firmware on the flash, without main.py: the prompt is free to use its parts."""
    with EmulatedBoard(files=parts()) as fresh:
        yield fresh


@pytest.fixture
def pump() -> Iterator[EmulatedPump]:
    """A commissioned pump in virtual time, with power on."""
    sim = EmulatedPump(bench(), virtual=True)
    yield sim
    sim.close()


@pytest.fixture
def device() -> Iterator[Device]:
    """The same, booted, with a client."""
    with Device() as fresh:
        yield fresh
