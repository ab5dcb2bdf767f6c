"""Serve an emulated board's USB line on a pseudo-terminal and a TCP port, from a thread of its own.

With a speed, time follows the wall clock as far as the machine can. Without one, time stands still until `run_for` or until bytes arrive:
then the board runs until it has answered them and sleeps again.
"""

from __future__ import annotations

import threading
import time

from support.emulator.board import EmulatedBoard
from thecal.sim.line import Line
from thecal.sim.ports import Ports

_SLICE_NS = 2_000_000
_CHUNK_BYTES = 4096
_IDLE_WAIT_S = 0.05
_ANSWER_LIMIT_S = 20.0


class LivePorts:
    """Open the ports at once and serve until `close`. `speed` None: time moves only for bytes and `run_for`."""

    def __init__(self, board: EmulatedBoard, speed: float | None = None) -> None:
        self.speed = speed
        self._board = board
        self._condition = threading.Condition()
        self.line = Line(self._condition)
        self.line.power(True)
        self._ports = Ports(self.line)
        self._running = True
        self.error: BaseException | None = None
        board.on_output = self.line.send
        board.before_run = self._take
        self._thread = threading.Thread(target=self._serve, name="emulated board", daemon=True)
        self._thread.start()

    @property
    def path(self) -> str | None:
        return self._ports.path

    @property
    def url(self) -> str:
        return self._ports.url

    def close(self) -> None:
        with self._condition:
            self._running = False
            self._condition.notify_all()
        self._thread.join()
        self._ports.close()

    def settle(self) -> None:
        """Return when the board has answered everything that has arrived."""
        with self._board.lock:
            while self.line.waiting() and self._board.has_power():
                self._board.run_until_quiet(_ANSWER_LIMIT_S)

    def _take(self) -> None:
        """Hand arrived bytes to the board; called before every stretch that it runs."""
        if self.line.waiting() and self._board.has_power():
            data = self.line.take(_CHUNK_BYTES)
            if data:
                self._board.write(data)

    def _serve(self) -> None:
        try:
            while self._running:
                if self.speed is None:
                    self._serve_bytes()
                else:
                    self._follow_the_clock(self.speed)
        except BaseException as error:
            self.error = error

    def _serve_bytes(self) -> None:
        with self._condition:
            self._condition.wait_for(lambda: not self._running or self.line.waiting() > 0, _IDLE_WAIT_S)
        if self._running and self.line.waiting():
            with self._board.lock:
                if self._board.has_power():
                    self._board.run_until_quiet(_ANSWER_LIMIT_S)

    def _follow_the_clock(self, speed: float) -> None:
        """Run one stretch: up to the wall clock, at most a slice of emulated time without a look at the line."""
        begun_s, begun_ns = time.monotonic(), self._board.now_ns()
        while self._running and self.speed == speed:
            due_ns = begun_ns + round((time.monotonic() - begun_s) * speed * 1e9)
            with self._board.lock:
                now_ns = self._board.now_ns()
                if now_ns < due_ns:
                    self._board.run_until_ns(min(due_ns, now_ns + _SLICE_NS))
            if due_ns - now_ns > 1_000_000_000:  # the machine is slower than real time: drop the lost time
                begun_s, begun_ns = time.monotonic(), self._board.now_ns()
            if now_ns >= due_ns:
                with self._condition:
                    self._condition.wait(0.001)
