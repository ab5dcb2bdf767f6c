"""Runs the installed `mpremote` (told.py) as a process of its own, line by line, and ends it when it falls silent."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from thecal.errors import Failed

SILENCE_S = 120.0
LINES_MOST = 200_000  # a board that prints for ever counts as silent
SILENT = -1  # the exit code of a process that was ended because it was silent

Heard = Callable[[str], None]
Runner = Callable[[Sequence[str], Heard, Path | None], int]


def run_mpremote(words: Sequence[str], heard: Heard, folder: Path | None = None) -> int:
    """Runs `mpremote WORDS` in `folder`; each line of its output goes to `heard` as it comes. Returns its exit code, or SILENT.

    mpremote waits without end for a pseudo-terminal or a socket whose other end says nothing, so the time without a line is
    bounded here.
    """
    # -P: the folder holds `app`, `hal` and `main.py`, which must not be found in place of mpremote's own modules
    command = [sys.executable, "-P", "-m", "thecal.deploy.told", *words]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"}
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    lines: queue.Queue[str | None] = queue.Queue()
    reader = threading.Thread(target=_read, args=(process, lines), daemon=True)
    reader.start()
    try:
        for _ in range(LINES_MOST):
            line = lines.get(timeout=SILENCE_S)
            if line is None:
                return process.wait(SILENCE_S)
            heard(line)
        return SILENT
    except (queue.Empty, subprocess.TimeoutExpired):
        return SILENT
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        reader.join()
        if process.stdout is not None:
            process.stdout.close()


def _read(process: subprocess.Popen[bytes], lines: queue.Queue[str | None]) -> None:
    if process.stdout is not None:
        for line in process.stdout:
            lines.put(line.decode(errors="replace").rstrip("\r\n"))
    lines.put(None)


def require_mpremote() -> None:
    """Failed when it is not installed; looked at before anything is asked of the board."""
    import importlib.util

    if importlib.util.find_spec("mpremote") is None:
        raise Failed("mpremote is not installed", "pip install mpremote")
