"""`thecal` as a person runs it: another process, with this checkout's host and firmware."""

import json
import os
import subprocess
import sys
from pathlib import Path

from rig.device import Device

ROOT = Path(__file__).resolve().parent.parent.parent
TIMEOUT_S = 60.0


def environment(runtime: Path) -> dict[str, str]:
    """This one's, with this checkout first, and a folder of its own for running simulators: none of this machine's is found."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("THECAL_", "PYTEST_", "COV_", "COLUMNS"))}
    return {**inherited, "PYTHONPATH": os.pathsep.join([str(ROOT / "host"), str(ROOT / "firmware")]), "THECAL_RUNTIME": str(runtime)}


class Tool:
    """Runs verbs in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.command = [sys.executable, "-W", "error", "-m", "thecal"]

    def run(self, *words: str, typed: str | None = None) -> subprocess.CompletedProcess[str]:
        """One command to its end; no command may leave a traceback."""
        done = subprocess.run(
            [*self.command, *words],
            cwd=self.folder,
            env=environment(self.folder / "runtime"),
            input=typed,
            stdin=subprocess.DEVNULL if typed is None else None,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def start(self, *words: str) -> subprocess.Popen[str]:
        """A command that goes on; the caller ends it."""
        return subprocess.Popen(
            [*self.command, *words],
            cwd=self.folder,
            env=environment(self.folder / "runtime"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


class Visit(Tool):
    """Types verbs at a pump's port in `folder`; time passes in between."""

    def __init__(self, device: Device, folder: Path) -> None:
        super().__init__(folder)
        self.device = device

    def types(self, *words: str, code: int = 0) -> tuple[str, str]:
        """What a verb says, (stdout, stderr), when it ends with `code`."""
        self.device.client.close()
        done = self.run(*words, "--port", self.device.port_url)
        assert done.returncode == code, (words, done.stdout, done.stderr)
        return done.stdout, done.stderr

    def told(self, *words: str) -> dict:
        """The decoded --json of a verb."""
        value: dict = json.loads(self.types(*words, "--json")[0])
        return value
