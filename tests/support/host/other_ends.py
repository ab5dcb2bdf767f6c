"""What may be at the other end of a cable instead of a pump, at a real pseudo-terminal."""

import os
import select
import threading
from collections.abc import Callable
from types import TracebackType

Answer = Callable[[bytes], bytes]
_POLL_S = 0.05


def silent(data: bytes) -> bytes:
    return b""


def echo(data: bytes) -> bytes:
    """A plug with its ends tied together, a modem."""
    return data


def prompt(data: bytes) -> bytes:
    """A board with a bare MicroPython: echoes what is typed and complains."""
    said = data.replace(b"\n", b"\r\n")
    name = data.split(b"\n")[0].strip().decode(errors="replace")[:10]
    return said + f"Traceback (most recent call last):\r\n  NameError: name '{name}' isn't defined\r\n>>> ".encode()


def garbage(data: bytes) -> bytes:
    """Another baud rate, another device."""
    return b"\xf8\x80\xfe\x00\x8f\xc3 +GPS,12.7,FIX\r\n\xff\xf0"


class OtherEnd:
    """A pseudo-terminal whose far end answers everything with `answer`. Open `port_url`."""

    def __init__(self, answer: Answer) -> None:
        import pty
        import tty

        self._answer = answer
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        self.port_url = os.ttyname(self._slave)
        self.heard = b""
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def __enter__(self) -> "OtherEnd":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._closing.set()
        self._thread.join(5)
        os.close(self._master)
        os.close(self._slave)

    def _serve(self) -> None:
        while not self._closing.is_set():
            if select.select([self._master], [], [], _POLL_S)[0]:
                data = os.read(self._master, 4096)
                self.heard += data
                os.write(self._master, self._answer(data)[:2000])
