"""A balance on a pseudo-terminal that prints what a test wants: answers by command, or lines by itself."""

import os
import pty
import re
import threading
import time
import tty
from collections.abc import Callable

Answer = bytes | Callable[[], bytes]


class FakeBalance:
    """`answers`: command (without line end) -> bytes. `prints`: chunks sent every `every_s`, again and again.

    An empty chunk ends them; silence follows.
    """

    def __init__(self, answers: dict[bytes, Answer] | None = None, prints: list[bytes] | None = None, every_s: float = 0.05) -> None:
        self.answers = answers or {}
        self.asked: list[bytes] = []
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        self.url = os.ttyname(self._slave)
        self._ended = threading.Event()
        work = (lambda: self._print(prints, every_s)) if prints else self._serve
        self._thread = threading.Thread(target=work, daemon=True)
        self._thread.start()

    def __enter__(self) -> "FakeBalance":
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        os.write(self._slave, b"\n")
        self._thread.join(2)
        os.close(self._master)
        os.close(self._slave)

    def _serve(self) -> None:
        pending = b""
        while not self._ended.is_set():
            pending += os.read(self._master, 256)
            *commands, pending = re.split(rb"[\r\n]+", pending)
            for command in filter(None, commands):
                self.asked.append(command)
                answer = self.answers.get(command, b"")
                os.write(self._master, answer() if callable(answer) else answer)

    def _print(self, lines: list[bytes], every_s: float) -> None:
        while True:
            for line in lines:
                if self._ended.wait(every_s if line else None):
                    return
                os.write(self._master, line)


def in_turn(*answers: bytes) -> Callable[[], bytes]:
    """Return one answer after the other, then the last one again and again."""
    left = list(answers)
    return lambda: left.pop(0) if len(left) > 1 else left[0]


def soon(seconds: float, answer: bytes) -> Callable[[], bytes]:
    def late() -> bytes:
        time.sleep(seconds)
        return answer

    return late
