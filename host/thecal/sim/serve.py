"""`thecal sim`: simulated pumps that run until Ctrl-C."""

import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from thecal.sim.fleet import Fleet, Wanted
from thecal.sim.served import Facts

ENDING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


def run(
    bench_path: Path,
    wanted: Sequence[Wanted],
    on_ready: Callable[[list[Facts]], None] | None = None,
    **options: Any,
) -> int:
    """Serve pumps until Ctrl-C, SIGTERM or the terminal's end; return the exit code: 1 if one of them died. Called in the main thread.

    `on_ready` gets the facts of all pumps once their ports are open; without it they are printed for a person. `options` as for `Fleet`.
    SimulatorError and BadInput say why one could not start, SimulatorError also why the last one died.
    """
    ended = threading.Event()
    before = {number: signal.signal(number, _setter(ended)) for number in ENDING}
    fleet = Fleet(Path(bench_path), **options)
    try:
        for one in wanted:
            if ended.is_set():
                return 0
            fleet.begin(one)
        (on_ready or announce)(fleet.facts)
        fleet.serve(ended)
        return 1 if fleet.deaths else 0
    finally:
        try:
            fleet.close()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def announce(pumps: list[Facts]) -> None:
    """Print the addresses for a person."""
    for facts in pumps:
        pace = "virtual, by the control port" if facts["virtual"] else f"speed {facts['speed']:g}"
        print(f"simulated pump {facts['unique_id']} ({facts['bench']}), time {pace}; Ctrl-C ends it", file=sys.stderr)
        names = ["port", "socket", "control", "control_secret", *(name for name in ("balance", "balance_socket") if facts.get(name))]
        for name in names:
            print(f"{name.replace('_', ' '):15} {facts[name] or '-'}", flush=True)


def _setter(ended: threading.Event) -> Callable[[int, FrameType | None], None]:
    def handle(number: int, frame: FrameType | None) -> None:
        ended.set()

    return handle
