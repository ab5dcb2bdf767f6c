"""The names to which the server answers. A page of another name that resolves to this computer gets no answer."""

from __future__ import annotations

import ipaddress
import re
import socket

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
ANY = ("0.0.0.0", "::")


class Hosts:
    """`address`: the one that the server listens on. On all addresses, an address in figures is allowed: no name server can change it."""

    def __init__(self, address: str, port: int, secure: bool) -> None:
        self.secure, self.port = secure, port
        self._any = address in ANY
        self._address = f"[{address}]" if ":" in address and address not in ANY else address
        self._names = {*LOOPBACK} if self._any or self._address in LOOPBACK else set()
        if not self._any:
            self._names.add(self._address.lower())
        if self._address not in LOOPBACK:
            names = (socket.gethostname(), socket.getfqdn(), f"{socket.gethostname()}.local")
            self._names |= {name.lower() for name in names if name.lower() != "localhost"}

    def allows(self, host: str) -> bool:
        """Return True if a Host header names this server."""
        found = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?", host)
        if not found:
            return False
        name, port = found[1].lower(), int(found[2] or (443 if self.secure else 80))
        return port == self.port and (name in self._names or (self._any and is_address(name)))

    def origin(self, host: str) -> str:
        """Return the Origin of a page of this server at that Host."""
        return f"{'https' if self.secure else 'http'}://{host}"

    def url(self) -> str:
        """Return the address to type."""
        name = socket.gethostname() if self._any else self._address
        return f"{'https' if self.secure else 'http'}://{name}:{self.port}/"


def is_address(name: str) -> bool:
    """Return True for an IP address, in brackets if it is version 6."""
    try:
        return bool(ipaddress.ip_address(name.strip("[]")))
    except ValueError:
        return False
