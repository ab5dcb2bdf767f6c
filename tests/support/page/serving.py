"""`thecal serve` as a person runs it, beside simulated pumps of this process, and STOP from the page measured to the last plant step."""

from __future__ import annotations

import contextlib
import itertools
import json
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import httpx2 as httpx

from bench.histories import DAY_S
from bench.histories import Pump as History
from pumpcore.program import packing
from support.host.cli import FLAGS, environment
from support.host.fake_pump import wait_until
from support.programs import MONDAY_UTC_S, constant
from support.rig.benches import named
from thecal.files.resources import firmware_folder, hardware_folder
from thecal.pump.client import Client
from thecal.sim.fleet import Fleet, Wanted, started
from thecal.sim.guest.image import build
from thecal.sim.runner import SimulatedPump

BENCH = hardware_folder() / "sim-clock.toml"
RATE_NL = 1_500_000  # 41 steps a second: the last one is known to 25 ms
SEGMENT = "/journal/e%08x"
SEGMENT_BYTES = 16_384
START_S, RUNS_S = 30.0, 0.3


class Page:
    """A running server. `http` asks it as its own page does."""

    def __init__(self, process: subprocess.Popen[str], url: str, verify: Any) -> None:
        self.process, self.url = process, url.rstrip("/")
        self.http = httpx.Client(base_url=self.url, headers={"Origin": self.url}, timeout=20, verify=verify)
        self.secret: dict[str, str] = {}
        self.learn_secret()

    def learn_secret(self) -> None:
        """Take the secret from the page; a server that needs a login shows it after that only."""
        found = re.search(r'<meta name="thecal-secret" content="([^"]+)">', self.http.get("/").text)
        self.secret = {"X-Thecal-Secret": found[1]} if found else {}

    def pumps(self) -> dict[str, Any]:
        """Return every pump by its id."""
        return {one["id"]: one for one in self.http.get("/api/pumps").json()}

    def wait_for(self, count: int) -> dict[str, Any]:
        """Wait until so many pumps are online."""
        deadline_s = time.monotonic() + START_S
        while sum(one["online"] for one in self.pumps().values()) < count:
            assert time.monotonic() < deadline_s
            time.sleep(0.1)  # the server limits how often it is asked
        return self.pumps()

    def post(self, path: str, body: dict[str, Any]) -> httpx.Response:
        """Send something that changes a pump."""
        return self.http.post(path, json=body, headers=self.secret)


def free_port() -> int:
    """Return a port that nobody has."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def answers(url: str, verify: Any) -> bool:
    """Return True if a server listens there."""
    try:
        return httpx.get(url, verify=verify).status_code in (200, 303)
    except httpx.ConnectError:
        return False


@contextlib.contextmanager
def serving(folder: Path, *words: str, url: str = "", verify: Any = True) -> Iterator[Page]:
    """Run `thecal serve` with the runtime folder of `folder`. `url`: where to ask it, if it prints another name."""
    port = () if "--port-http" in words else ("--port-http", str(free_port()))
    command = [sys.executable, *FLAGS, "-m", "thecal", "serve", *port, *words]
    with (folder / "serve.log").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment(folder / "runtime"), stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        assert process.stdout is not None
        printed = process.stdout.readline().strip()
        assert printed, (folder / "serve.log").read_text()
        url = url or printed
        wait_until(lambda: answers(url, verify), START_S)
        page = Page(process, url, verify)
        with contextlib.closing(page.http):
            yield page
    finally:
        process.terminate()
        process.communicate(timeout=20)
    assert "Traceback" not in (folder / "serve.log").read_text(), (folder / "serve.log").read_text()


def worn_image(days: int) -> bytes:
    """Return the flash of a pump with a journal of so many days."""
    raw, files, at, number = bytes(History(days).raw), {}, 0, 1
    while at < len(raw):
        end, count = at, 0
        while end < len(raw) and end + raw[end] - at <= SEGMENT_BYTES:
            end, count = end + raw[end], count + 1
        files[SEGMENT % number] = raw[at:end]
        at, number = end, number + count
    return build(firmware_folder(), named(), files)


@contextlib.contextmanager
def pumps(folder: Path, count: int, monkeypatched: Any, days: int = 0) -> Iterator[Fleet]:
    """Run so many pumps at the speed of time, registered in the runtime folder of `folder`, each with a program."""
    monkeypatched.setenv("THECAL_RUNTIME", str(folder / "runtime"))
    image = worn_image(days) if days else None
    wanted = []
    for number in range(1, count + 1):
        file = folder / f"{number}.flash" if image else None
        if file is not None and image is not None:
            file.write_bytes(image)
        wanted.append(Wanted(number, file))
    with started(BENCH, wanted, speed=1.0) as fleet:
        for one in fleet.facts:
            with Client(one["socket"], START_S, START_S) as client:
                for alarm in client.alarms()["alarms"]:  # a planted journal has no ledger
                    client.ack(alarm["fault"])
                if days:
                    client.clock_set(MONDAY_UTC_S + days * DAY_S + 600, 0)  # just after the planted journal
                packed = packing.pack(constant(RATE_NL))
                digest = client.program_stage(packed)["digest"]
                client.program_activate(digest)
        yield fleet


def start(fleet: Fleet, number: int) -> SimulatedPump:
    """Start a pump beside whoever has its serial port, and wait until it has moved."""
    sim = fleet.pumps[number]
    with Client(fleet.facts[number]["socket"], START_S, START_S) as client:
        client.start()
    before = sim.plant_steps()
    wait_until(lambda: sim.plant_steps() > before, START_S)
    time.sleep(RUNS_S)
    return sim


# what `thecal journal` does with the ports, again and again; a line for each whole journal
TERMINAL = """
import signal
import sys
from thecal.errors import ThecalError
from thecal.pump.client import Client
ended = []
signal.signal(signal.SIGTERM, lambda *_: ended.append(1))
while not ended:
    for port in sys.argv[1:]:
        if ended:
            break
        try:
            with Client(port) as client:
                for _ in client.journal_blocks("events"):
                    pass
            print(port, flush=True)
        except ThecalError:
            pass
"""


class Downloads:
    """A terminal that downloads the journal of one pump after the other, and holds its port's lock meanwhile; and a browser that asks the
    server for charts and files. `count` are the journals that the terminal got whole."""

    def __init__(self, page: Page, ports: list[str], folder: Path, span: str) -> None:
        self.count = self.answers = 0
        self._page, self._span = page, span
        command = [sys.executable, "-c", TERMINAL, *ports]
        self._terminal = subprocess.Popen(command, env=environment(folder / "runtime"), stdout=subprocess.PIPE, text=True)
        self._ended = threading.Event()
        self._browser = threading.Thread(target=self._browse, daemon=True)

    def __enter__(self) -> Downloads:
        self._browser.start()
        return self

    def __exit__(self, *details: object) -> None:
        self._ended.set()
        self._terminal.terminate()  # at the end of its journal: a pump waits for a reader that is gone
        self.count = len((self._terminal.communicate(timeout=60)[0] or "").splitlines())
        self._browser.join(60)

    def _browse(self) -> None:
        paths = (f"chart?span={self._span}", "journal.csv", "compare.csv?span=24h")
        with httpx.Client(base_url=self._page.url, timeout=60) as http:
            pumps = [one["id"] for one in http.get("/api/pumps").json()]
            for pump in itertools.cycle(pumps):
                for path in paths:
                    if self._ended.is_set():
                        return
                    self.answers += http.get(f"/api/pumps/{pump}/{path}").status_code == 200


@dataclass
class Stops:
    """The seconds from each click to the last plant step and to the answer; `unheard`: how many answers another program read away."""

    lags_s: list[float] = field(default_factory=list)
    answers_s: list[float] = field(default_factory=list)
    unheard: int = 0

    def text(self) -> str:
        """Return the figures in a line."""
        lag, answer = (f"median {median(values):.3f} s, worst {max(values):.3f} s" for values in (self.lags_s, self.answers_s))
        return f"STOP of the page, {len(self.lags_s)} times, to the last plant step: {lag}; to the answer: {answer}; {self.unheard} unheard"


def measured(page: Page, fleet: Fleet, times: int) -> Stops:
    """Stop one pump after the other while it runs."""
    found = Stops()
    for number in range(times):
        index = number % len(fleet.pumps)
        sim, pump = start(fleet, index), fleet.facts[index]["unique_id"]
        with httpx.Client(base_url=page.url, headers={"Origin": page.url}, timeout=20) as http:
            clicked_ms, clicked_s = sim.now_ms(), time.monotonic()
            said = http.post(f"/api/pumps/{pump}/stop")
        found.answers_s.append(time.monotonic() - clicked_s)
        if said.status_code != 200:
            assert said.json()["error"]["kind"] == "unknown_outcome", said.text
            found.unheard += 1
        else:
            assert said.json()["state"] == "stopped"
        steps, last_ms = sim.plant_steps(), sim.plant_last_step_ms()
        assert last_ms is not None and not sim.enable_level()
        found.lags_s.append(max(0.0, (last_ms - clicked_ms) / 1000))
        assert sim.plant_steps() == steps
    return found


def events_of(page: Page, count: int) -> list[tuple[str, dict[str, Any]]]:
    """Return the next so many server-sent events."""
    found: list[tuple[str, dict[str, Any]]] = []
    kind = ""
    with page.http.stream("GET", "/api/events") as stream:
        for line in stream.iter_lines():
            name, _, value = line.partition(": ")
            if name == "event":
                kind = value
            elif name == "data":
                found.append((kind, json.loads(value)))
            if len(found) == count:
                return found
    return found
