"""The turn at a pump's port: one exchange of this server at a time, and none of them while a STOP is under way."""

from __future__ import annotations

import threading
import time
from collections import deque
from types import TracebackType

from thecal.errors import Failed
from thecal.pump.steering import StopNotes

KEPT = 1000
STOP_MOST_S = 3.0  # a STOP beside another program gives up after 2 s


class Turn:
    """A lock for the exchanges of the server. A STOP waits for none of them: it opens the port beside whoever has it, as `thecal stop`
    does. The exchanges that follow wait for the STOP, so that none of them reads its answer. `held_s`: the last exchanges, in seconds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._free = threading.Event()
        self._free.set()
        self._under_way = 0
        self.stops = 0  # all that ever began
        self._counting = threading.Lock()
        self._since_s = 0.0
        self.held_s: deque[float] = deque(maxlen=KEPT)

    def __enter__(self) -> Turn:
        self._free.wait(STOP_MOST_S)
        self._lock.acquire()
        self._since_s = time.monotonic()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.held_s.append(time.monotonic() - self._since_s)
        self._lock.release()

    def stop_begins(self) -> None:
        """Let no further exchange begin."""
        with self._counting:
            self.stops += 1
            self._under_way += 1
            self._free.clear()

    def stop_ends(self) -> None:
        """Let the exchanges go on."""
        with self._counting:
            self._under_way -= 1
            if not self._under_way:
                self._free.set()


class OrderTurn:
    """The turn of an order: it raises Failed after a STOP that came since `arm`, so that nothing moves after that STOP. A `thecal stop` of
    this computer counts too."""

    def __init__(self, turn: Turn, port_url: str) -> None:
        self._turn, self._port_url = turn, port_url
        self.arm()

    def arm(self) -> None:
        """Begin to watch for a STOP."""
        self._stops, self._notes = self._turn.stops, StopNotes(self._port_url)

    def __enter__(self) -> OrderTurn:
        self._turn.__enter__()
        if self._turn.stops != self._stops or self._notes.changed():
            self._turn.__exit__(None, None, None)
            raise Failed("STOP was pressed meanwhile: nothing more was sent", "see what the pump does, then order again")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._turn.__exit__(kind, error, trace)
