"""How long a person waits for the command line: wall time of whole processes on this machine, ours and mpremote's in turn."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench import boards
from bench.table import Peer, Row, at_most, times_better
from support.emulator.live import LivePorts
from support.host.cli import Tool, environment

HERE = "this machine"
HELP_RATIO = 2.5
_TURNS = 7
_MPREMOTE = [sys.executable, "-m", "mpremote"]
_LIMIT_S = 120


def rows() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        return [_help(Path(folder)), _status(Path(folder))]


def _help(folder: Path) -> Row:
    ours, theirs = _turn_about(folder, [*Tool(folder).command, "--help"], [*_MPREMOTE, "--help"])
    return Row(
        "`thecal --help`, whole process, as a multiple of `mpremote --help`",
        "x",
        ours / theirs,
        at_most(HELP_RATIO),
        "1: as long as mpremote",
        (Peer("mpremote --help", 1.0, HERE, compared=False, remark=f"{theirs * 1000:.0f} ms"),),
        remark=f"{ours * 1000:.0f} ms; best of {_TURNS} turns, wall time of this machine",
    )


def _status(folder: Path) -> Row:
    """Ours opens the port, says hello and asks a simulated pump; mpremote enters the raw REPL of an emulated board to print a number."""
    tool = Tool(folder)
    pump = tool.start("sim", "--json", "--image", str(folder / "flash"))
    try:
        assert pump.stdout is not None
        facts = json.loads(pump.stdout.readline())
        with boards.board({}) as board:
            live = LivePorts(board)
            try:
                exec_line = [*_MPREMOTE, "connect", live.path or live.url, "exec", "print(1)"]
                ours, theirs = _turn_about(folder, [*tool.command, "status", "--port", facts["port"] or facts["socket"]], exec_line)
            finally:
                live.close()
    finally:
        pump.terminate()
        pump.communicate(timeout=_LIMIT_S)
    return Row(
        "`thecal status` of a simulated pump, whole process",
        "ms",
        ours * 1000,
        times_better(1),
        "the start of Python: 20 ms",
        (Peer('mpremote exec "print(1)"', theirs * 1000, remark="wall time"),),
        remark=f"best of {_TURNS} turns, wall time of this machine",
    )


def _turn_about(folder: Path, ours: list[str], theirs: list[str]) -> tuple[float, float]:
    """Return the shortest time of each in seconds; a command that fails ends the measurement."""
    taken_s: dict[int, list[float]] = {0: [], 1: []}
    for _ in range(_TURNS):
        for who, command in enumerate((ours, theirs)):
            begun_s = time.monotonic()
            done = subprocess.run(command, env=environment(folder), capture_output=True, text=True, timeout=_LIMIT_S, check=False)
            taken_s[who].append(time.monotonic() - begun_s)
            if done.returncode:
                raise RuntimeError(f"{' '.join(command)}: {done.stderr}")
    return min(taken_s[0]), min(taken_s[1])
