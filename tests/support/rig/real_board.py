"""A pump on a real serial port, as far as it can be handled from outside: bytes and patience."""

from __future__ import annotations

import time

import serial

from thecal.pump.client import Client

QUIET_S = 0.3
FIRST_ANSWER_S = 5.0


class RealBoard:
    """The interface of a pump for scenarios without a `needs` mark. The board keeps journal and program between scenarios.

    Each scenario begins with a stopped pump without an alarm that can be acknowledged.
    """

    socket_url = ""
    shares_its_port = False

    def __init__(self, port: str) -> None:
        self.port_url = port
        self._raw: serial.Serial | None = None
        with Client(port, FIRST_ANSWER_S) as client:
            client.stop()
            for number in client.status()["alarms"]:
                client.ack(number)

    def write(self, line: bytes) -> None:
        """Write past every tool; nobody else may have the port open."""
        self._raw = serial.Serial(self.port_url, timeout=FIRST_ANSWER_S, exclusive=True)
        self._raw.write(line)

    def read(self) -> bytes:
        """Return everything until it is quiet."""
        assert self._raw is not None, "nothing was said"
        with self._raw as port:
            said = port.read(1)
            port.timeout = QUIET_S
            while more := port.read(4096):
                said += more
        return bytes(said)

    def advance_by(self, duration_ms: int) -> None:
        time.sleep(duration_ms / 1000)

    def now_ms(self) -> int:
        return time.monotonic_ns() // 1_000_000

    def wait_until_idle(self) -> None:
        time.sleep(0.2)

    def guest_error(self) -> str | None:
        return None

    def close(self) -> None:
        """Do nothing: the board stays as it is."""
