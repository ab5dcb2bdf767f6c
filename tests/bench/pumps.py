"""A whole pump on the emulated board and the host tool's client, both on the board's clock."""

from __future__ import annotations

from typing import Any

from bench.line import Line
from pumpcore.flash import slots
from pumpcore.program import packing as programs
from support.emulator import image
from support.emulator.board import EmulatedBoard
from support.emulator.pump import Powered
from support.programs import MONDAY_UTC_S, constant
from support.rig import benches
from thecal.deploy.files import MANIFEST_PATH
from thecal.deploy.marks import marked
from thecal.files.bench import payload
from thecal.pump.client import Client
from thecal.sim.guest.image import BENCH_PATH, Files, format_image

REPLY_TIMEOUT_S, PATIENCE_S = 10.0, 30.0
BOOT_LIMIT_S = 20.0
_LOOK_NS = 1_000_000


class Pump:
    """Power is on from the first moment; `files` are on its flash besides the firmware."""

    def __init__(self, files: Files | None = None) -> None:
        bench = benches.named(benches.CHIP_BENCH, **benches.HIGH_CEILINGS)
        powered = Powered(bench, _image(bench, files or {}))
        self.bench, self.board, self.motor = powered.bench, powered.board, powered.motor
        self.powered_ns = self.board.now_ns()
        self.line = Line(self.board)

    def close(self) -> None:
        self.board.close()

    def first_answer_ns(self, question: bytes, answer: bytes) -> int:
        """Return the time from power to the end of the answer; the question waits on the cable from the first moment."""
        return first_answer_ns(self.board, question, answer) - self.powered_ns

    def program(self, rate_hz: int) -> programs.Program:
        """Return a constant program of about so many steps a second."""
        pair = self.bench["calibration"]
        return constant(rate_hz * 3600 * pair["volume_nl"] // pair["steps"])


def first_answer_ns(board: EmulatedBoard, question: bytes, answer: bytes) -> int:
    """Return when `answer` had arrived; `question` was sent as soon as the board was on the bus."""
    heard = bytearray()
    at_ns: list[int] = []

    def receive(data: bytes) -> None:
        heard.extend(data)
        if answer in heard and not at_ns:
            at_ns.append(board.now_ns())

    board.on_output, before = receive, board.on_output
    while not board.chip.host.connected:
        board.run_until_ns(board.now_ns() + _LOOK_NS)
    board.write(question)
    if not board.run_until(lambda: bool(at_ns), BOOT_LIMIT_S):
        raise TimeoutError(f"no {answer!r}, only {bytes(heard[-300:])!r}")
    board.on_output = before
    return at_ns[0]


def _image(bench: dict[str, Any], files: Files) -> bytes:
    built = image.compiled()
    return format_image({**built.files, **marked(BENCH_PATH, slots.pack(1, payload(bench))), **files, MANIFEST_PATH: built.manifest})


def begin(pump: Pump, client: Client, rate_hz: int) -> None:
    """Upload a constant program, set the clock and start. Returns when the pump runs."""
    digest = client.program_stage(programs.pack(pump.program(rate_hz)))["digest"]
    client.program_activate(digest)
    client.clock_set(MONDAY_UTC_S, 0)
    client.start()
    if not pump.board.run_until(pump.motor.enabled, BOOT_LIMIT_S):
        raise RuntimeError(f"the pump did not start: {client.status()}")
    pump.board.run_for(1.0)
