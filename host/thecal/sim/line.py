"""The USB line of the pump: one stream of bytes each way, for any connection.

The output goes to the connection that sent last. With the cable out, or the pump without power, bytes are lost. The guest's side is
`take`, `send`, `waiting`; the cable's side is `receive` and the connections.
"""

import threading
from typing import Protocol

OUTPUT_KEPT_BYTES = 1 << 20
INPUT_LIMIT_BYTES = 16_384


class Connection(Protocol):
    """An end of the cable that takes the pump's output."""

    def deliver(self, data: bytes) -> int:
        """Block at most as long as USB would; return the number of bytes sent."""

    def unplug(self) -> None:
        """Take the cable out."""


class LocalConnection:
    """The end in this process: output waits here until it is read."""

    def __init__(self) -> None:
        self._output = bytearray()

    def deliver(self, data: bytes) -> int:
        room = OUTPUT_KEPT_BYTES - len(self._output)
        self._output += data[:room]
        return min(len(data), room)

    def unplug(self) -> None:
        """Keep delivered bytes readable."""

    def take(self) -> bytes:
        data = bytes(self._output)
        self._output.clear()
        return data

    def holds_data(self) -> bool:
        return bool(self._output)


class Line:
    """`condition`: the timeline's; an arriving byte wakes a waiting guest."""

    def __init__(self, condition: threading.Condition) -> None:
        self._condition = condition
        self._input = bytearray()
        self.local = LocalConnection()
        self._speaker: Connection = self.local
        self._budget_in: int | None = None
        self._budget_out: int | None = None
        self.plugged = True
        self.powered = False
        self.hung_up = False
        self.lost_bytes = 0

    # -- the guest's side

    def waiting(self) -> int:
        return len(self._input)

    def is_ready(self) -> bool:
        """Return True if a read would return at once: input is there, or none will ever come."""
        return bool(self._input) or self.hung_up

    def take(self, size_bytes: int) -> bytes | None:
        """Return input; None if there is none now, b"" when the simulator wants the guest to end."""
        if not self._input:
            return b"" if self.hung_up else None
        with self._condition:
            data = bytes(self._input[:size_bytes])
            del self._input[:size_bytes]
            self._condition.notify_all()
        return data

    def send(self, data: bytes) -> None:
        """Send output; bytes that the other end does not take in time are lost."""
        with self._condition:
            allowed = self._spend("_budget_out", data) if self.plugged else b""
            speaker = self._speaker
        delivered = speaker.deliver(allowed) if allowed else 0
        with self._condition:
            self.lost_bytes += len(data) - delivered
            self._condition.notify_all()
        self._unplug_when_spent()

    # -- the cable's side

    def receive(self, data: bytes, speaker: Connection) -> None:
        """Receive bytes from a connection, which gets the output from now on."""
        with self._condition:
            allowed = self._spend("_budget_in", data) if self.plugged and self.powered else b""
            self._input += allowed
            self._speaker = speaker
            self.lost_bytes += len(data) - len(allowed)
            self._condition.notify_all()
        self._unplug_when_spent()

    def has_room(self) -> bool:
        return len(self._input) < INPUT_LIMIT_BYTES

    def forget(self, speaker: Connection) -> None:
        """Close this connection."""
        with self._condition:
            if self._speaker is speaker:
                self._speaker = self.local

    def power(self, on: bool) -> None:
        """Drop unread input at power-off."""
        with self._condition:
            self.powered = on
            self.hung_up = False
            self._input.clear()

    def hang_up(self) -> None:
        """Tell the guest that no input will ever come."""
        with self._condition:
            self.hung_up = True
            self._condition.notify_all()

    def pull(self, after_received: int | None = None, after_sent: int | None = None) -> None:
        """Disconnect the cable: at once, or after so many more bytes to the pump or from it."""
        with self._condition:
            self._budget_in, self._budget_out = after_received, after_sent
            if after_received is None and after_sent is None:
                self._budget_in = 0
        self._unplug_when_spent()

    def plug(self) -> None:
        with self._condition:
            self._budget_in = self._budget_out = None
            self.plugged = True

    def _spend(self, budget: str, data: bytes) -> bytes:
        left = getattr(self, budget)
        if left is None:
            return data
        setattr(self, budget, max(0, left - len(data)))
        return data[:left]

    def _unplug_when_spent(self) -> None:
        with self._condition:
            if not self.plugged or 0 not in (self._budget_in, self._budget_out):
                return
            self.plugged = False
            speaker = self._speaker
        speaker.unplug()
