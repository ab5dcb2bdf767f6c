"""Ten simulated pumps in one process against ten processes: memory, and processor time while they stand still."""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from pathlib import Path

from bench.table import HOST, Peer, Row, at_most
from support.host.cli import Tool

PUMPS = 10
MEMORY_LIMIT_MB = 14.5
IDLE_LIMIT_PERCENT = 0.02
SETTLE_S, IDLE_S = 5.0, 30.0
_NS_PER_S, _KB_PER_MB = 1e9, 1e3
_LIMIT_S = 60


def rows() -> list[Row]:
    together_mb, together_percent = _of_a_pump([["--count", str(PUMPS)]])
    apart_mb, apart_percent = _of_a_pump([["--seed", str(seed)] for seed in range(1, PUMPS + 1)])
    name = f"of a simulated pump, {PUMPS} in one process"
    return [
        Row(
            f"memory {name}",
            "MB",
            together_mb,
            at_most(MEMORY_LIMIT_MB),
            "4.2 MB: flash and MicroPython",
            (Peer(f"{PUMPS} processes", apart_mb, HOST),),
            source=HOST,
            remark="resident; the interpreter's part included",
        ),
        Row(
            f"idle processor time {name}",
            "%",
            together_percent,
            at_most(IDLE_LIMIT_PERCENT),
            "the firmware wakes every 5 s",
            (Peer(f"{PUMPS} processes", apart_percent, HOST),),
            source=HOST,
            remark=f"of one core, over {IDLE_S:.0f} s",
        ),
    ]


def _of_a_pump(commands: list[list[str]]) -> tuple[float, float]:
    """Start these simulators; return memory in MB and idle processor time in percent, both for one pump."""
    with tempfile.TemporaryDirectory() as folder:
        processes: list[subprocess.Popen[str]] = []
        try:
            for number, command in enumerate(commands):
                processes.append(Tool(Path(folder)).start("sim", "--json", "--image", str(Path(folder) / f"flash-{number}"), *command))
            lines = [process.stdout.readline() for process in processes for _ in range(PUMPS // len(commands)) if process.stdout]
            if len({json.loads(line)["unique_id"] for line in lines}) != PUMPS:
                raise RuntimeError(f"{PUMPS} pumps were wanted: {lines}")
            time.sleep(SETTLE_S)
            before_s, begun_s = sum(map(_spent_s, processes)), time.monotonic()
            time.sleep(IDLE_S)
            share = (sum(map(_spent_s, processes)) - before_s) / (time.monotonic() - begun_s)
            return sum(map(_resident_mb, processes)) / PUMPS, share * 100 / PUMPS
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.communicate(timeout=_LIMIT_S)


def _spent_s(process: subprocess.Popen[str]) -> float:
    """Return the processor time of all threads of a process, from the file that counts it in ns; the usual one counts 10 ms."""
    return sum(int(task.read_text().split()[0]) for task in Path(f"/proc/{process.pid}/task").glob("*/schedstat")) / _NS_PER_S


def _resident_mb(process: subprocess.Popen[str]) -> float:
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) * 1.024 / _KB_PER_MB
