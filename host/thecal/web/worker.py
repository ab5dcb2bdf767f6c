"""Processes beside the server for what computes long: charts, reports, comparisons. So a STOP never waits for the interpreter.

They get the journal's bytes and return texts; they run at a lower priority, and one that dies is replaced.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from thecal.errors import Failed

PROCESSES = 2
NICE = 2
Made = TypeVar("Made")


class Worker:
    """`inline`: compute in the calling thread, for a server that only a test asks."""

    def __init__(self, inline: bool = False) -> None:
        self._inline = inline
        self._pool: Executor | None = None
        self._lock = threading.Lock()

    def warm(self) -> None:
        """Start the processes, so that the first chart does not wait for them."""
        if not self._inline:
            for _ in range(PROCESSES):
                self._opened().submit(loaded)

    def run(self, work: Callable[..., Made], *arguments: Any) -> Made:
        """Return what `work` returns; raise what it raises. Raises Failed if its process died twice."""
        if self._inline:
            return work(*arguments)
        for _ in range(2):
            pool = self._opened()
            try:
                return pool.submit(work, *arguments).result()
            except BrokenProcessPool:
                self._drop(pool)
        raise Failed("the computation ended in the middle", "there may be too little memory; try a shorter time")

    def close(self) -> None:
        """End the processes."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def _opened(self) -> Executor:
        with self._lock:
            if self._pool is None:
                self._pool = ProcessPoolExecutor(PROCESSES, multiprocessing.get_context("spawn"), politely)
            return self._pool

    def _drop(self, pool: Executor) -> None:
        with self._lock:
            if self._pool is pool:
                self._pool = None


def politely() -> None:
    """Let the server and the simulated pumps of this computer go first, leave Ctrl-C to the server, and end with it however it ends."""
    if hasattr(os, "nice"):
        os.nice(NICE)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=end_with_server, daemon=True).start()


def end_with_server() -> None:
    """Wait for the end of the server, then end this process."""
    server = multiprocessing.parent_process()
    if server is not None:
        server.join()
        os._exit(0)


def loaded() -> int:
    """Import what the first chart needs."""
    from thecal.web import made

    return len(made.__doc__ or "")
