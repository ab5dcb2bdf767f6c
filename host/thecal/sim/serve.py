"""`thecal sim`: simulated pumps that run until Ctrl-C."""

import signal
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from thecal.sim.errors import SimulatorError
from thecal.sim.fleet import Fleet, Wanted
from thecal.sim.served import Facts

ENDING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


def run(
    bench_path: Path,
    wanted: Sequence[Wanted],
    on_ready: Callable[[list[Facts]], None],
    **options: Any,
) -> int:
    """Serve pumps until Ctrl-C, SIGTERM or the terminal's end; return the exit code. Called in the main thread.

    `on_ready` gets the facts of all pumps once their ports are open. `options` as for `Fleet`. SimulatorError and BadInput say why one
    could not start, SimulatorError also how many died.
    """
    ended = threading.Event()
    before = {number: signal.signal(number, _setter(ended)) for number in ENDING}
    fleet = Fleet(Path(bench_path), **options)
    try:
        pumps = fleet.begin(wanted, ended)
        if not ended.is_set():
            on_ready(pumps)
        fleet.serve(ended)
        if fleet.deaths:
            raise SimulatorError(f"{len(fleet.deaths)} of {len(wanted)} simulated pumps died, the first: {fleet.deaths[0].cause}")
        return 0
    finally:
        try:
            fleet.close()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _setter(ended: threading.Event) -> Callable[[int, FrameType | None], None]:
    def handle(number: int, frame: FrameType | None) -> None:
        ended.set()

    return handle
