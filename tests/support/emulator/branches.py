"""One moment of an emulated board, continued in many ways: each in a forked child, which reports its result."""

from __future__ import annotations

import os
import pickle
import traceback
from collections.abc import Callable
from typing import Any

from support.emulator.board import EmulatedBoard


def branch(board: EmulatedBoard, live: Callable[[], Any]) -> Any:
    """Return the result of `live` in a child process with its own copy of the board. Raises RuntimeError with the child's traceback."""
    with board.lock:  # nobody else may be in the middle of an action on the board
        out, into = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(out)
            _live(live, into)
    os.close(into)
    with os.fdopen(out, "rb") as pipe:
        data = pipe.read()
    os.waitpid(child, 0)
    if not data:
        raise RuntimeError("the child died and told nothing")
    worked, told = pickle.loads(data)
    if not worked:
        raise RuntimeError(told)
    return told


def _live(live: Callable[[], Any], into: int) -> None:
    try:
        try:
            answer = (True, live())
        except BaseException:
            answer = (False, traceback.format_exc())
        with os.fdopen(into, "wb") as pipe:
            pipe.write(pickle.dumps(answer))
    finally:
        os._exit(0)
