"""The pumps of this computer: found again and again, each with its poller. A pump that goes away keeps its place on the page."""

from __future__ import annotations

import hashlib
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from thecal.errors import BadInput, ThecalError, WrongDevice
from thecal.pump.client import Client
from thecal.pump.transport import ports
from thecal.web.hub import Hub
from thecal.web.notify import Notifier
from thecal.web.pump import WebPump
from thecal.web.refusals import WebError

LOOK_EVERY_S = 2.0
GREET_S = 1.0
LONGEST_S, NEVER_S = 30.0, float("inf")
STOPS_AT_ONCE = 32


class Later(NamedTuple):
    """When a port is asked again, and after which pause."""

    at_s: float
    pause_s: float


class Fleet:
    """`pumps` by their id. `named`: only these ports, otherwise every pump on USB and every simulated one. `stops` has threads for STOP
    alone."""

    def __init__(self, named: list[str], notifier: Notifier) -> None:
        self.hub = Hub()
        self.notifier = notifier
        self.pumps: dict[str, WebPump] = {}
        self.stops = ThreadPoolExecutor(STOPS_AT_ONCE, "stop")
        self._named = named
        self._later: dict[str, Later] = {}
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="find", daemon=True)

    def start(self) -> None:
        """Begin to look for pumps."""
        self._thread.start()

    def end(self) -> None:
        """End every poller."""
        self._ended.set()
        if self._thread.ident is not None:
            self._thread.join(5)
        for pump in self.pumps.values():
            pump.end()
        self.stops.shutdown(wait=False)
        self.notifier.close()

    def pump(self, identity: str) -> WebPump:
        """Return a pump by its id. Raises WebError 404 for an unknown one."""
        found = self.pumps.get(identity)
        if found is None:
            raise WebError(404, "no_such_pump", "the server does not know this pump", "reload the page")
        return found

    def all(self) -> list[WebPump]:
        """Return every pump, by name."""
        return sorted(self.pumps.values(), key=lambda one: (one.title, one.id))

    def find(self) -> None:
        """Look once at each port that has no pump that answers. A port without one is asked more and more seldom, one with another device
        not again until it has gone: it may be somebody's prompt."""
        covered = {pump.port_url for pump in self.pumps.values() if pump.known.online or pump.known.status is None}
        here = self._ports()
        self._later = {port_url: later for port_url, later in self._later.items() if port_url in here}
        for port_url in here:
            later = self._later.get(port_url, Later(0.0, LOOK_EVERY_S))
            if port_url in covered or time.monotonic() < later.at_s:
                continue
            pause_s = self._try(port_url, later.pause_s)
            self._later[port_url] = Later(time.monotonic() + pause_s, pause_s)

    def _run(self) -> None:
        while not self._ended.is_set():
            self.find()
            self._ended.wait(LOOK_EVERY_S)

    def _ports(self) -> list[str]:
        if not self._named:
            return [one.port_url for one in ports.candidates()]
        found = []
        for name in self._named:
            try:
                chosen = ports.named(name)
            except (ThecalError, BadInput):  # a name whose pump is away
                continue
            if chosen is not None:
                found.append(chosen.port_url)
        return found

    def _try(self, port_url: str, pause_s: float) -> float:
        """Ask a port. Returns the pause until the next time."""
        try:
            with Client(port_url, GREET_S, GREET_S) as client:
                hello = client.hello()
        except WrongDevice:
            return NEVER_S
        except ThecalError:
            return min(LONGEST_S, 2 * pause_s)
        with self._lock:
            self._place(port_url, str(hello.get("unique_id") or ""))
        return LOOK_EVERY_S

    def _place(self, port_url: str, unique_id: str) -> None:
        """Give a pump that answered its place: the one that it had, otherwise a new one."""
        same = [pump for pump in self.pumps.values() if pump.unique_id == unique_id and unique_id]
        away = [pump for pump in same if not pump.known.online]
        if any(pump.port_url == port_url for pump in same):
            return
        if away:
            away[0].move(port_url)
            return
        identity = identity_of(unique_id, port_url, bool(same))
        pump = self.pumps[identity] = WebPump(identity, port_url, self.hub, self.notifier)
        pump.known.hello = {"unique_id": unique_id}
        pump.start()


def identity_of(unique_id: str, port_url: str, twice: bool) -> str:
    """Return the id of a pump in a path: the board's, with a mark of its port if that is not enough."""
    mark = hashlib.sha256(port_url.encode()).hexdigest()[:8]
    plain = re.sub("[^0-9a-z]", "", unique_id.lower())[:64]
    return f"{plain}-{mark}" if plain and twice else plain or f"port-{mark}"
