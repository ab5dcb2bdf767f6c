"""A scripted short life of a pump in the simulator. Every flash operation is recorded, with the facts known in between."""

from __future__ import annotations

import bisect
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise

from pumpcore.program import packing as programs
from pumpcore.wire import records
from support.programs import MONDAY_UTC_S, constant, every_day, resuming
from support.rig.benches import named
from support.rig.device import Device
from thecal.errors import ThecalError
from thecal.files.resources import firmware_folder
from thecal.sim.errors import SimulatorError
from thecal.sim.guest.flash import Moment
from thecal.sim.guest.image import build
from thecal.sim.runner import SimulatedPump

SEGMENT_BYTES, RECORDS_LEFT = 16_384, 20
OLD = resuming(constant(900_000))
NEW = resuming(every_day((0, 600_000), (3, 1_400_000), (720, 0)))
BOLUS = {"volume_nl": 60_000, "rate_nl": 4_000_000}
TORTURE = bool(os.environ.get("THECAL_TORTURE") or os.environ.get("THECAL_HYPOTHESIS") == "torture")


@cache
def worn_image() -> bytes:
    """Return a commissioned pump whose journal is some 20 records away from a new segment."""
    raw, sequence = b"", 0
    while len(raw) < SEGMENT_BYTES - RECORDS_LEFT * 50:
        sequence += 1
        raw += records.encode_record("total", (1, sequence, 1000 * sequence, 0), (0, 0, 0, 1))
    return build(firmware_folder(), named(), {"/journal/e00000001": raw})


@dataclass
class Known:
    """What is surely on flash after `operations`, and what a command may change before the next of these."""

    operations: int
    digest: str
    events: int
    faults: int


@dataclass
class Life:
    """`marks` are in order of time; each of `tokens` ordered a bolus; `pump` has lost its power and keeps the record."""

    pump: SimulatedPump
    marks: list[Known] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)

    def moments(self) -> Iterator[tuple[Moment, int]]:
        """Return what a cut before, in and after each operation left, with the true steps at the latest moment of such a cut."""
        for moment, following in pairwise(self.pump.images_after_each_operation()):
            yield moment, following.plant_steps

    def around(self, operations: int) -> tuple[Known, Known]:
        """Return the last mark at or before so many operations, and the next one."""
        index = bisect.bisect_right([mark.operations for mark in self.marks], operations) - 1
        return self.marks[index], self.marks[min(index + 1, len(self.marks) - 1)]


class Script:
    """Live the life on a pump, with a mark after each command."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.life = Life(device.sim, [Known(0, "", 0, 0)])

    def live(self) -> Life:
        """Set up, run, bolus, a second bolus cut by stop, another program, the stop button, a power cut, run on."""
        client = self.device.client
        self._mark()
        self._do(client.clock_set, MONDAY_UTC_S, 0)
        self._upload(OLD)
        self._do(client.start)
        self._run(130.5)
        self._bolus()
        self._run(95)
        self._bolus()
        self._run(20)
        self._do(client.stop)
        self._upload(NEW)
        self._do(self.device.sim.press_stop)
        self._run(1)
        self._do(client.ack, 609)
        self._do(client.clock_set, MONDAY_UTC_S + 100, 3600)
        self._do(client.clock_set, MONDAY_UTC_S + 100, 0)
        self._do(client.start)
        for _ in range(5):
            self._run(32)
        self.device.power_cycle(7.5)
        self._mark()
        for _ in range(5):
            self._run(32)
        return self.life

    def _do(self, command: object, *arguments: object) -> None:
        command(*arguments)
        self._mark()

    def _run(self, duration_s: float) -> None:
        self.device.run_for(duration_s)
        self._mark()

    def _upload(self, new: programs.Program) -> None:
        self.device.upload(new)
        self._mark()

    def _bolus(self) -> None:
        token = self.device.client.bolus_token()
        self.life.tokens.append(token)
        self._do(self.device.client.bolus_start, token, *BOLUS.values())

    def _mark(self) -> None:
        self.device.sim.wait_until_idle()
        status = self.device.client.status()
        known = (status["program_digest"], status["events_sequence"], status["faults_sequence"])
        self.life.marks.append(Known(self.device.sim.flash_ops(), *known))


def live() -> Life:
    """Live the whole life with every operation recorded."""
    with Device(image=worn_image(), record_flash=True) as device:
        return Script(device).live()


def image_after_a_real_cut(operation: int, torn: bool) -> bytes:
    """Live the same life, and really cut the power at this flash operation."""
    with Device(image=worn_image()) as device:
        device.client.reply_timeout_s = device.client.patience_s = 0.3
        device.sim.cut_power(at_flash_op=operation, torn=torn)
        try:
            Script(device).live()
        except (ThecalError, SimulatorError):
            assert not device.sim.power_is_on()
        return device.sim.flash_image()
