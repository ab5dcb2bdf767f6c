"""`thecal serve` as a person starts it, with simulated pumps in a folder of their own."""

import json
import re
import socket
import subprocess
import time
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from support.host.cli import Tool

START_S = 60


class Real:
    """Pumps, and a server that can be killed and started again at the same address."""

    def __init__(self, folder: Path, speeds: list[float]) -> None:
        self.tool = Tool(folder)
        (folder / "runtime").mkdir(exist_ok=True)
        self.http_port = free_port()
        self.address = f"http://127.0.0.1:{self.http_port}"
        self.sims = [self._sim(seed, speed) for seed, speed in enumerate(speeds, 41)]
        self.ports = [self._port(sim) for sim in self.sims]
        self.server: subprocess.Popen[str] | None = None
        self._readers: list[Any] = []

    def _sim(self, seed: int, speed: float) -> subprocess.Popen[str]:
        return self.tool.start("sim", "--fresh", "--seed", str(seed), "--speed", str(speed), "--image", f"pump{seed}.flash", "--json")

    def _port(self, sim: subprocess.Popen[str]) -> str:
        assert sim.stdout
        text = ""
        for line in sim.stdout:
            text += line
            found = re.search(r'"port": "([^"]+)"', text)
            if found:
                return found.group(1)
        raise AssertionError(f"the simulator ended: {text}{sim.stderr and sim.stderr.read()}")

    def serve(self) -> None:
        """Start the server; return when it answers with every pump."""
        self.server = self.tool.start("serve", "--port-http", str(self.http_port))
        end_s = time.monotonic() + START_S
        while time.monotonic() < end_s:
            try:
                pumps = self.get("pumps")
                if len(pumps) == len(self.sims) and all(pump["online"] for pump in pumps):
                    return
            except OSError:
                assert self.server.poll() is None, self.server.stderr and self.server.stderr.read()
            time.sleep(0.1)
        raise AssertionError("the server did not show its pumps")

    def get(self, path: str) -> Any:
        """Return a decoded answer of the server."""
        with urlopen(f"{self.address}/api/{path}", timeout=10) as answer:
            return json.load(answer)

    def kill(self) -> None:
        """Kill the server without a word."""
        assert self.server
        self.server.kill()
        self.server.communicate()
        self.server = None

    def unplug(self, index: int) -> None:
        """End a pump's process: for the server its port is gone."""
        self.sims[index].kill()
        self.sims[index].communicate()

    def status(self, index: int = 0) -> dict[str, Any]:
        """Return what a terminal sees of a pump, without the server."""
        done = self.tool.run("status", "--port", self.ports[index], "--json")
        assert done.returncode in (0, 5), done.stderr
        value: dict[str, Any] = json.loads(done.stdout)
        return value

    def close(self) -> None:
        """End everything that was started."""
        for process in [self.server, *self.sims]:
            if process and process.poll() is None:
                process.kill()
                process.communicate()


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


