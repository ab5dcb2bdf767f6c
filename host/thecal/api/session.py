"""A pump's port for a while: held open, or opened for each exchange. One exchange at a time; only a stop waits for none."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from thecal.errors import WrongDevice
from thecal.pump import facts
from thecal.pump.client import Client
from thecal.pump.opening import open_pump

if TYPE_CHECKING:
    from thecal.pump.facts import PumpFacts

RECENT_S = 2.0  # between a review and its order without a person's answer: on a slow line each question is a wait


class Gate:
    """Closed while at least one thread is in its `with`; the other threads wait outside."""

    def __init__(self) -> None:
        self._inside: list[int] = []
        self._changed = threading.Condition()

    def __enter__(self) -> None:
        with self._changed:
            self._inside.append(threading.get_ident())

    def __exit__(self, *details: object) -> None:
        with self._changed:
            self._inside.remove(threading.get_ident())
            self._changed.notify_all()

    def is_free(self) -> bool:
        """Return True for a thread that need not wait."""
        return not self._inside or threading.get_ident() in self._inside

    def wait(self) -> None:
        """Wait until no other thread is inside."""
        with self._changed:
            self._changed.wait_for(self.is_free)


class Session:
    """The port of one pump. `hold`: keep it open between exchanges. `client`: an own one of the caller, instead of a new one. Raises as
    `open_pump`."""

    def __init__(self, port: str | None, hold: bool = True, client: Client | None = None) -> None:
        self.hold = hold
        self._lock = threading.RLock()
        self._stopping = Gate()
        self._depth = self._owner = 0
        self._client: Client = client or open_pump(port)
        if self._client.greeting is None:
            self._client.hello()
        self.port_url = self._client.port_url
        self.unique_id = self._client.unique_id
        self.name = str((self._client.greeting or {}).get("name") or "")
        self._greeted = self._client.opened_count
        self._last: PumpFacts | None = None
        self._recent_s = -RECENT_S
        if not hold:
            self._client.close()

    @contextmanager
    def opened(self) -> Iterator[Client]:
        """Yield the client for one exchange; other threads wait, and all of them for a stop."""
        if self._owner != threading.get_ident():
            self._stopping.wait()
        with self._lock:
            self._depth += 1
            self._owner = threading.get_ident()
            try:
                yield self._client
            finally:
                self._depth -= 1
                self._owner = self._owner if self._depth else 0
                if not self.hold and not self._depth:
                    self._client.close()

    def facts(self, client: Client) -> PumpFacts:
        """Return hello and status. Raises WrongDevice if another pump has come to the port since it was last open."""
        if not client.is_open() or client.opened_count != self._greeted:
            client.hello()
            self._greeted = client.opened_count
        if client.unique_id != self.unique_id:
            cause = f"another pump is on {self.port_url} now: {client.unique_id}, it was {self.unique_id}"
            raise WrongDevice(cause, "name the pump, or open it again")
        before, found = self._last, facts.ask(client)
        if before is not None and "program" in vars(before) and before.status.get("program_digest") == found.status.get("program_digest"):
            vars(found)["program"] = before.program  # the same digest is the same program: it is not read again
        self._last, self._recent_s = found, time.monotonic()
        return found

    def recent_facts(self, client: Client) -> PumpFacts:
        """Return the facts of the last two seconds on this connection once more, otherwise ask again."""
        same = client.is_open() and client.opened_count == self._greeted
        if self._last is not None and same and time.monotonic() - self._recent_s < RECENT_S:
            return self._last
        return self.facts(client)

    def forget(self) -> None:
        """Count the last facts as old: an order changes them."""
        self._recent_s = -RECENT_S

    def release(self) -> None:
        """Close the port until the next exchange, so that another program can use it."""
        with self._lock:
            self._client.close()

    def interject(self, line: bytes) -> None:
        """Write a bare line on the open port while another thread waits for an answer there; that thread skips the answer."""
        self._client.interject(line)

    def beside(self) -> Client:
        """Return a second client of the same port, for a stop that can't wait."""
        return Client(self.port_url)

    @contextmanager
    def stopping(self) -> Iterator[None]:
        """Let no other thread begin an exchange meanwhile."""
        with self._stopping:
            yield

    def try_lock(self, timeout_s: float) -> bool:
        """Return True if no exchange is under way, or the last one ended within this time; the caller then calls `unlock`."""
        return self._lock.acquire(timeout=timeout_s)

    def unlock(self) -> None:
        """End what `try_lock` began."""
        self._lock.release()

    def close(self) -> None:
        """Close the port."""
        self.release()
