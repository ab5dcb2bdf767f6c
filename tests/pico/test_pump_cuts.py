"""Power cuts at random times on the emulated chip, flash operations torn: the flash afterwards against the pins.

The firmware's own recovery, run on CPython, judges the image, because thirty boots of the emulated chip would take an hour.
tests/device/test_power.py shows that the chip itself boots from a cut flash.
"""

import itertools
import os
import random
from collections.abc import Iterator

import pytest

from bench import journals
from pumpcore.faults import faults
from pumpcore.flash import slots
from pumpcore.motion.dose import Calibration
from pumpcore.program import packing as programs
from pumpcore.units import ceil_div
from pumpcore.wire import messages
from pumpcore.wire import messages as frame
from support.emulator import image
from support.emulator.branches import branch
from support.programs import MONDAY_UTC_S, constant, resuming
from support.pump.running import UnitPump
from support.rig.benches import for_the_chip, named
from support.rig.device import Device, Figures
from thecal.deploy.files import MANIFEST_PATH
from thecal.deploy.marks import marked
from thecal.files.bench import payload
from thecal.sim.guest.image import BENCH_PATH, format_image

CUTS = 100 if os.environ.get("THECAL_HYPOTHESIS") == "torture" else 8  # of each of six kinds: 48, or 600
FAST_NL, SLOW_NL = 60_000_000, 1_500_000  # above the motor's start rate, with a ramp; below it
HARMLESS = {faults.by_name(name).number for name in ("power_lost", "not_resumed", "clock_lost", "stop_button")}
WORST_ERASE_NS = 400_000_000
MOST_OPERATIONS = 7  # a start or an activation takes about five; every other cut aims at one
AHEAD_S = 7  # the queue's high water

pytestmark = pytest.mark.torture


@pytest.fixture
def device() -> Iterator[Device]:
    """A pump with two staged programs, the first one active, and ceilings that let it run into its ramp."""
    with Device(named(rate_nl=100_000_000, hour_nl=100_000_000, day_nl=2_000_000_000)) as fresh:
        fresh.upload(resuming(constant(FAST_NL)))
        fresh.client.clock_set(MONDAY_UTC_S, 0)
        yield fresh


def request(method: str, **params: object) -> bytes:
    return frame.encode(messages.request("%016x" % random.getrandbits(64), method, params))


def cut(device: Device, line: bytes, after_ns: int, operation: int = 0) -> tuple[bytes, int, int]:
    """Return (flash, true steps, torn operations) of a branch in which `line` is sent and the power fails later.

    It fails after the given time, or within the given flash operation from now, whichever comes first.
    """

    def live() -> tuple[bytes, int, int]:
        board = device.sim.board
        if line:
            board.write(line)
        if operation:
            board.flash.cut_at_operation = board.flash.operations() + operation
        board.cut_power(after_ns)
        board.run_for(after_ns / 1e9 + 1)
        assert not board.has_power()
        return board.flash.files(), device.sim.plant_steps(), board.flash.torn

    told: tuple[bytes, int, int] = branch(device.sim.board, live)
    return told


def judge(image: bytes, true_steps: int, pair: Calibration, digests: set[str]) -> None:
    """Check R2, R6 and R9 on the flash after the cut; then again, as if the power had failed during that boot."""
    for _ in range(2):
        pump = UnitPump(image, MONDAY_UTC_S + 3600)
        assert not pump.board.stepper.enabled
        assert set(pump.pump.alarms.active()) <= HARMLESS
        assert pump.pump.setup.digest in digests
        boots = [record.fields for record in pump.journal() if record.name == "boot"]
        last = boots[-1]
        for ring in ("events", "faults"):
            numbers = [record.sequence for record in pump.journal(ring)]
            assert all(after == before + 1 for before, after in itertools.pairwise(numbers))
        assert pump.pump.book.position_steps >= true_steps
        if last["uncertain_steps"]:
            assert last["confirmed_steps"] <= true_steps <= last["leased_steps"]
            most = ceil_div((AHEAD_S + 60) * FAST_NL * pair.steps, 3600 * pair.volume_nl) + 2
            assert last["leased_steps"] - true_steps <= most
        image = pump.image()


def many_cuts(device: Device, kind: str, sent: tuple[bytes, int], digests: set[str]) -> tuple[int, int]:
    """Cut within so many ns of a line, every other time aimed at a flash operation. Return (torn operations, with steps)."""
    line, longest_ns = sent
    chance, pair = random.Random(kind), device.calibration()
    device.sim.board.flash.erase_ns = WORST_ERASE_NS
    torn = moved = 0
    for number in range(CUTS):
        operation = chance.randrange(1, MOST_OPERATIONS) if number % 2 else 0
        flash, true_steps, tears = cut(device, line, longest_ns if operation else chance.randrange(1, longest_ns), operation)
        judge(flash, true_steps, pair, digests)
        torn += tears
        moved += true_steps > 0
    return torn, moved


@pytest.mark.rule("R2")
@pytest.mark.rule("R3")
@pytest.mark.rule("R6")
@pytest.mark.rule("R9")
@pytest.mark.parametrize("kind", ["idle", "starting", "pumping", "storing", "stopping"])
def test_a_cut_at_any_moment_loses_no_record_and_books_every_step(device: Device, kind: str, record_property: Figures) -> None:
    """`starting`: the first seconds of a start (journal, lease, ramp). `storing`: activation of another program."""
    first, second = resuming(constant(FAST_NL)), resuming(constant(SLOW_NL))
    digests = {programs.digest(programs.pack(new)) for new in (first, second)}
    line, longest_ns = b"", 4_500_000_000
    if kind == "storing":
        digest = device.client.program_stage(programs.pack(second))["digest"]
        line, longest_ns = request("program.activate", digest=digest), 700_000_000
    elif kind == "starting":
        line = request("start")
    elif kind in ("pumping", "stopping"):
        device.client.start()
        device.run_for(3)
        if kind == "stopping":
            line, longest_ns = b"stop\n", 600_000_000
    torn, moved = many_cuts(device, kind, (line, longest_ns), digests)
    record_property(
        "figure", f"power cuts while {kind}, emulated: {CUTS} twice in a row, {moved} with steps made, {torn} in a flash operation"
    )


@pytest.mark.rule("R6")
@pytest.mark.rule("R9")
def test_a_cut_while_the_journal_rotates_loses_no_record(record_property: Figures) -> None:
    """Four segments of faults lack one record: acknowledging an alarm removes the oldest and begins a new one."""
    table = for_the_chip(named())
    built = image.compiled()
    bench_files = marked(BENCH_PATH, slots.pack(1, payload(table)))
    rings = {**journals.segments(1, spare_bytes=1_000), **journals.segments(4, ring="f")}
    kept = {**built.files, **bench_files, **rings, **journals.beside(rings), MANIFEST_PATH: built.manifest}
    with Device(table, image=format_image(kept)) as device:
        device.upload(constant(SLOW_NL))
        device.sim.press_stop()
        device.run_for(1)
        assert device.alarms() == ["stop_button"]
        digests = {programs.digest(programs.pack(constant(SLOW_NL)))}
        torn, _ = many_cuts(device, "rotating", (request("ack", fault=faults.by_name("stop_button").number), 1_500_000_000), digests)
    record_property("figure", f"power cuts while rotating, emulated: {CUTS} twice in a row, {torn} in a flash operation")
