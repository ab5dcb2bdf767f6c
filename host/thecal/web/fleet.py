"""The pumps of this computer: found again and again, each with its poller. A pump that goes away keeps its place on the page."""

from __future__ import annotations

import hashlib
import re
import threading
from concurrent.futures import ThreadPoolExecutor

from thecal.errors import BadInput, ThecalError
from thecal.pump.client import Client
from thecal.pump.transport import ports
from thecal.web.hub import Hub
from thecal.web.notify import Notifier
from thecal.web.pump import WebPump
from thecal.web.refusals import WebError

LOOK_EVERY_S = 2.0
GREET_S = 1.0
STOPS_AT_ONCE = 32


class Fleet:
    """`pumps` by their id. `named`: only these ports, otherwise every pump on USB and every simulated one. `stops` has threads for STOP
    alone."""

    def __init__(self, named: list[str], notifier: Notifier) -> None:
        self.hub = Hub()
        self.notifier = notifier
        self.pumps: dict[str, WebPump] = {}
        self.stops = ThreadPoolExecutor(STOPS_AT_ONCE, "stop")
        self._named = named
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
        """Look once at each port that has no pump that answers."""
        covered = {pump.port_url for pump in self.pumps.values() if pump.known.online or pump.known.status is None}
        for port_url in self._ports():
            if port_url not in covered:
                self._try(port_url)

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

    def _try(self, port_url: str) -> None:
        try:
            with Client(port_url, GREET_S, GREET_S) as client:
                hello = client.hello()
        except ThecalError:
            return
        with self._lock:
            self._place(port_url, str(hello.get("unique_id") or ""))

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
