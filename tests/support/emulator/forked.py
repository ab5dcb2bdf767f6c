"""Each test of the emulated chip in a child process of its own, which finds a booted board.

A boot takes the emulator most of a minute. The parent boots once and never touches the board again; every fork has its own. (The plugin
pytest-forked does not run with this pytest.)
"""

from __future__ import annotations

import os
import pickle
import sys
import traceback

import pytest
from _pytest.runner import runtestprotocol

from support.host.fork_server import fork


def run(item: pytest.Item) -> list[pytest.TestReport]:
    """Run one test in a child and return its reports; a child that dies without them is a failed test."""
    out, into = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    child = fork()
    if child == 0:
        os.close(out)
        _live(item, into)
    os.close(into)
    with os.fdopen(out, "rb") as pipe:
        data = pipe.read()
    _, status = os.waitpid(child, 0)
    if not data:
        return [_died(item, status)]
    hook = item.config.hook
    return [hook.pytest_report_from_serializable(config=item.config, data=report) for report in pickle.loads(data)]


def _live(item: pytest.Item, into: int) -> None:
    """The child's life; it exits without any of the parent's clean-up."""
    code = 1
    try:
        hook = item.config.hook
        reports = runtestprotocol(item, nextitem=None, log=False)
        data = pickle.dumps([hook.pytest_report_to_serializable(config=item.config, report=report) for report in reports])
        with os.fdopen(into, "wb") as pipe:
            pipe.write(data)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _died(item: pytest.Item, status: int) -> pytest.TestReport:
    text = f"the test's process ended with status {status} and told nothing"
    return pytest.TestReport(item.nodeid, item.location, {}, "failed", text, "call")
