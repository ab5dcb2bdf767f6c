"""The simulated balance's cable: its own pseudo-terminal and socket. A thread of its own sends what comes without being asked."""

from __future__ import annotations

import threading
import time

from thecal.sim.line import Connection
from thecal.sim.ports import Ports
from thecal.sim.world.balance import Pan
from thecal.sim.world.balance_talk import AGAIN, WHEN_STABLE, Talk

LOOK_S = 0.01
# send a line at least so often, also while virtual time stands still
STANDSTILL_S = 0.1
STABLE_WITHIN_NS = 40_000_000_000
_NS_PER_MS = 1_000_000


class BalanceLine:
    """Serves one pan until `close`. `lock` is the timeline's: looking at the pan moves the plant."""

    def __init__(self, pan: Pan, serial_number: str, lock: threading.RLock) -> None:
        self.plugged = True
        self.pan = pan
        self._talk = Talk(pan, serial_number)
        self._lock = lock
        self._pending = b""
        self._speaker: Connection | None = None
        self._goes_on = AGAIN if self._talk.prints else ""
        self._due_ns = 0
        self._due_by_wall_s = 0.0
        self._work = threading.Event()
        self._closing = False
        self.ports = Ports(self)
        self._thread = threading.Thread(target=self._serve, name="balance", daemon=True)
        self._thread.start()
        if self._goes_on:
            self._work.set()

    def close(self) -> None:
        self._closing = True
        self._work.set()
        self._thread.join()
        self.ports.close()

    # --- for the ports

    def has_room(self) -> bool:
        return True

    def forget(self, speaker: Connection) -> None:
        """Close this connection."""
        if self._speaker is speaker:
            self._speaker = None

    def receive(self, data: bytes, speaker: Connection) -> None:
        """Commands are answered at once; a new one ends what the last one had left to do."""
        commands, self._pending = self._talk.split(self._pending + data)
        for command in commands:
            with self._lock:
                answer, goes_on = self._talk.answer(command)
                if not self._talk.prints:
                    self._speaker, self._goes_on = speaker, goes_on
                    self._due_ns = self.pan.now_ns() + (STABLE_WITHIN_NS if goes_on == WHEN_STABLE else 0)
            if answer:
                speaker.deliver(answer)
            if goes_on:
                self._work.set()

    # --- output without a command

    def _serve(self) -> None:
        while not self._closing:
            self._work.wait()
            with self._lock:
                data = self._next()
                speaker = self._speaker
                if not self._goes_on and not self._closing:
                    self._work.clear()
            if data and self._talk.prints:
                self.ports.broadcast(data)
            elif data and speaker is not None:
                speaker.deliver(data)
            time.sleep(LOOK_S)

    def _next(self) -> bytes:
        """Return the line that is due by now; b"" if none. Skips lines that a slow computer has missed."""
        if self._goes_on == WHEN_STABLE:
            return self._stable_at_last()
        now_ns, wall_s = self.pan.now_ns(), time.monotonic()
        if self._goes_on != AGAIN or (now_ns < self._due_ns and wall_s < self._due_by_wall_s):
            return b""
        self._due_by_wall_s = wall_s + STANDSTILL_S
        step_ns = self.pan.options.update_ms * _NS_PER_MS
        self._due_ns = now_ns - now_ns % step_ns + step_ns
        return self._talk.weight()

    def _stable_at_last(self) -> bytes:
        if self._talk.is_stable():
            self._goes_on = ""
            return self._talk.weight()
        if self.pan.now_ns() < self._due_ns:
            return b""
        self._goes_on = ""
        return b"S I\r\n"
