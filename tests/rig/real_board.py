"""A pump on a real serial port, as far as it can be handled from outside: bytes and patience."""

from __future__ import annotations

import time


class RealBoard:
    """What scenarios without a `needs` mark use of a pump. The board keeps its journal and program between scenarios."""

    socket_url = ""

    def __init__(self, port: str) -> None:
        self.port_url = port

    def advance_by(self, duration_ms: int) -> None:
        time.sleep(duration_ms / 1000)

    def now_ms(self) -> int:
        return time.monotonic_ns() // 1_000_000

    def wait_until_idle(self) -> None:
        time.sleep(0.2)

    def guest_error(self) -> str | None:
        return None

    def close(self) -> None:
        """The board stays as it is."""
