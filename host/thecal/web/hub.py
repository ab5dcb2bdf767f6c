"""News for the browsers: each sees the newest view of each pump, and every alarm; a slow one skips old views and delays nobody."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from pydantic import BaseModel

HEARTBEAT_S = 5.0
MOST_LISTENERS = 64
MOST_WAITING = 200


class Listener:
    """The news that one browser has not got yet."""

    def __init__(self) -> None:
        self.views: dict[str, str] = {}
        self.others: deque[str] = deque(maxlen=MOST_WAITING)
        self.ready = asyncio.Event()

    def take(self) -> list[str]:
        """Return everything that waits, and forget it."""
        found = [*self.views.values(), *self.others]
        self.views, self.others = {}, deque(maxlen=MOST_WAITING)
        self.ready.clear()
        return found


class Hub:
    """Carries events from the pollers' threads to the listeners in the loop of the server."""

    def __init__(self) -> None:
        self._listeners: set[Listener] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended = False

    def runs_in(self, loop: asyncio.AbstractEventLoop) -> None:
        """Name the loop of the server."""
        self._loop = loop

    def view(self, pump: str, shape: BaseModel) -> None:
        """Send a pump's newest view; it replaces an older one that still waits. From any thread."""
        self._send(pump, event("pump", shape.model_dump_json()))

    def news(self, kind: str, shape: BaseModel | dict[str, Any]) -> None:
        """Send something that must not be skipped. From any thread."""
        text = shape.model_dump_json() if isinstance(shape, BaseModel) else json.dumps(shape)
        self._send("", event(kind, text))

    def close(self) -> None:
        """End every stream. In the loop."""
        self._ended = True
        for one in self._listeners:
            one.ready.set()

    def full(self) -> bool:
        """Return True if no further listener is taken."""
        return len(self._listeners) >= MOST_LISTENERS

    async def listen(self, first: list[str]) -> AsyncIterator[str]:
        """Yield events: first these, then the news; a comment after each 5 s of silence."""
        listener = Listener()
        self._listeners.add(listener)
        try:
            yield "retry: 2000\n\n" + "".join(first)
            while not self._ended:
                try:
                    await asyncio.wait_for(listener.ready.wait(), HEARTBEAT_S)
                except TimeoutError:
                    yield ": still here\n\n"
                    continue
                yield "".join(listener.take())
        finally:
            self._listeners.discard(listener)

    def _send(self, pump: str, text: str) -> None:
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has just been closed: the server ends
                self._loop.call_soon_threadsafe(self._spread, pump, text)

    def _spread(self, pump: str, text: str) -> None:
        for one in self._listeners:
            if pump:
                one.views[pump] = text
            else:
                one.others.append(text)
            one.ready.set()


def event(kind: str, data: str) -> str:
    """Return one server-sent event."""
    return f"event: {kind}\ndata: {data}\n\n"
