"""Runs pytest again and again, each time in a fork of this process, which has imported pytest and the libraries but nothing of ours.

Starting an interpreter and importing those takes longer than most tests that a mutation names. One line of JSON on stdin asks for
a run, one line on stdout reports how it ended. The process ends when its stdin does.
"""

import importlib
import json
import os
import signal
import sys

# What the tests import that is not ours. Assertions of pytest plug-ins are rewritten when they are imported, so none is here.
LIBRARIES = (
    "pytest", "hypothesis", "hypothesis.strategies", "hypothesis.stateful", "typer", "typer.main", "pydantic", "pint", "tomlkit",
    "serial", "serial.tools.list_ports", "platformdirs", "wasmtime", "littlefs", "zoneinfo", "unittest.mock", "subprocess", "socket",
)  # fmt: skip
OURS = ("pumpcore", "app", "hal", "thecal", "rig")


def run(request: dict) -> int:
    """Run pytest in a fork; return its exit code, or the negative number of the signal that ended it."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        _live(request)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def _live(request: dict) -> None:
    """The child's life: its output goes to a file, and an alarm ends it when it takes too long."""
    code = 70
    try:
        signal.alarm(request["timeout_s"])
        output = os.open(request["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for new, old in ((nothing, 0), (output, 1), (output, 2)):
            os.dup2(new, old)
        os.environ.clear()
        os.environ.update(request["environment"])
        os.chdir(request["folder"])
        code = int(importlib.import_module("pytest").main(request["arguments"]))
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def main() -> None:
    for name in LIBRARIES:
        importlib.import_module(name)
    loaded = sorted(name for name in sys.modules if name.split(".")[0] in OURS)
    if loaded:
        sys.exit(f"a library imports our modules: {loaded}")
    for line in sys.stdin:
        print(json.dumps(run(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
