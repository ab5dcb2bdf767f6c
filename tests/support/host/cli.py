"""`thecal` as a person runs it: another process, with this checkout's host and firmware.

`Tool.run` forks that process from one that has imported the tool, which saves half a second each time. `Tool.start` starts an interpreter,
like the tests that type the documents' commands (house_rules/walking.py).
"""

import atexit
import contextlib
import functools
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from support.host.fork_server import ForkServer
from support.rig.device import Device

ROOT = Path(__file__).resolve().parents[3]
TIMEOUT_S = 60
FLAGS = ("-W", "error")
LIBRARY = ROOT / "host" / "thecal"
# What the verbs import at run time, and what takes long to make: the units 0.2 s, the parser of the command line 40 ms.
PRELOADED = (
    "typer.core", "typer._adapters", "pydantic.fields", "pint", "tomlkit", "rich.console", "rich.table", "rich.text", "rich.live", "serial",
    "jinja2", "serial.tools.list_ports", "matplotlib.figure", "matplotlib.backends.backend_agg", "thecal.quantities.typed:registry",
    "thecal.cli.app:parser",
)  # fmt: skip
NOT_OF_VERBS = ("sim", "tools", "web", "__main__")


def modules() -> list[str]:
    """Return the modules of the tool, but for the simulator and what only developers run."""
    paths = [file.relative_to(LIBRARY.parent).with_suffix("").parts for file in sorted(LIBRARY.rglob("*.py")) if file.stem != "__init__"]
    return [".".join(path) for path in paths if path[1] not in NOT_OF_VERBS]


def environment(runtime: Path) -> dict[str, str]:
    """Return this environment with this checkout first, and an own folder for running simulators and defaults: none of this machine's
    is found."""
    others = ("THECAL_", "PYTEST_", "COV_", "COLUMNS", "PYTHONDONTWRITEBYTECODE")  # without the last, each start compiles our modules
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(others)}
    there = {"THECAL_RUNTIME": str(runtime), "THECAL_CONFIG": str(runtime / "config.toml")}
    return {**inherited, "PYTHONPATH": os.pathsep.join([str(ROOT / "host"), str(ROOT / "firmware")]), **there}


@functools.cache
def server() -> ForkServer:
    """Return the one of this process; verbs are forked from it."""
    started = ForkServer((*PRELOADED, *modules()), environment(Path(os.devnull)), FLAGS)
    atexit.register(started.close)
    return started


class Tool:
    """Run verbs in `folder`; with `forked=False` each in a new interpreter, whose start then counts."""

    def __init__(self, folder: Path, forked: bool = True) -> None:
        self.folder = folder
        self.forked = forked and hasattr(os, "fork")
        self.command = [sys.executable, *FLAGS, "-m", "thecal"]

    def run(self, *words: str, typed: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run one command to its end; no command may leave a traceback."""
        there = environment(self.folder / "runtime")
        if self.forked:
            done = server().run("thecal.cli.app:main", ["thecal", *words], self.folder, there, typed, TIMEOUT_S)
        else:
            command = [*self.command, *words]
            done = subprocess.run(
                command, cwd=self.folder, env=there, input=typed or "", capture_output=True, text=True, timeout=TIMEOUT_S, check=False
            )
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start a command that goes on; the caller ends it."""
        return subprocess.Popen(
            [*self.command, *words],
            cwd=self.folder,
            env=environment(self.folder / "runtime"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    @contextlib.contextmanager
    def weighed_pump(self, *words: str) -> Iterator[str]:
        """Run a simulated pump in virtual time with a balance below it; the balance's port."""
        pump = self.start("sim", "--virtual", "--fresh", "--image", "pump.flash", "--balance", "--json", *words)
        try:
            assert pump.stdout is not None
            facts = json.loads(pump.stdout.readline())
            yield facts["balance"] or facts["balance_socket"]
        finally:
            pump.terminate()
            pump.communicate(timeout=10)


class Visit(Tool):
    """Type verbs at a pump's port in `folder`; time passes in between."""

    def __init__(self, device: Device, folder: Path) -> None:
        super().__init__(folder)
        self.device = device

    def types(self, *words: str, code: int = 0) -> tuple[str, str]:
        """Return the output of a verb, (stdout, stderr), which must end with `code`."""
        self.device.client.close()
        done = self.run(*words, "--port", self.device.port_url)
        assert done.returncode == code, (words, done.stdout, done.stderr)
        return done.stdout, done.stderr

    def told(self, *words: str) -> dict:
        """Return the decoded --json of a verb."""
        value: dict = json.loads(self.types(*words, "--json")[0])
        return value
