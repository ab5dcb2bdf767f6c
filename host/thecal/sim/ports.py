"""The ends of the cable outside this process: a pseudo-terminal and a TCP port, both open at once, served by one thread.

The newest TCP client wins. The slave side of the pseudo-terminal stays open here, so a client that hangs up leaves no
error behind and the next one finds the port as it was.
"""

import os
import select
import selectors
import socket
import threading
import time
from collections.abc import Callable
from typing import Protocol

from thecal.sim.errors import SimulatorError
from thecal.sim.line import Connection

LOOPBACK = "127.0.0.1"
USB_PATIENCE_S = 0.5
_CHUNK_BYTES = 4096


class Instrument(Protocol):
    """The other end of the cable: the pump's line, or a balance."""

    plugged: bool

    def receive(self, data: bytes, speaker: Connection) -> None:
        """Receive bytes from a connection, which gets the answer."""

    def has_room(self) -> bool:
        """Return True if it takes more bytes at the moment."""

    def forget(self, speaker: Connection) -> None:
        """Close this connection."""


class Pseudoterminal:
    """A serial port in the file system (Linux and macOS)."""

    def __init__(self) -> None:
        import pty
        import tty

        self.master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self.master, False)
        self.path = os.ttyname(self._slave)

    def fileno(self) -> int:
        return self.master

    def receive(self) -> bytes | None:
        try:
            return os.read(self.master, _CHUNK_BYTES)
        except BlockingIOError:
            return b""

    def deliver(self, data: bytes) -> int:
        deadline_s = time.monotonic() + USB_PATIENCE_S
        poll = select.poll()
        poll.register(self.master, select.POLLOUT)
        sent = 0
        while sent < len(data):
            try:
                sent += os.write(self.master, data[sent:])
            except BlockingIOError:
                left_s = deadline_s - time.monotonic()
                if left_s <= 0 or not poll.poll(left_s * 1000):
                    break
        return sent

    def unplug(self) -> None:
        """Do nothing: a pseudo-terminal has no carrier; the line drops its bytes."""

    def close(self) -> None:
        os.close(self.master)
        os.close(self._slave)


class Client:
    """One TCP connection."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.settimeout(USB_PATIENCE_S)
        self._socket = connection

    def fileno(self) -> int:
        return self._socket.fileno()

    def receive(self) -> bytes | None:
        """Return bytes, or None when the client has gone."""
        try:
            return self._socket.recv(_CHUNK_BYTES) or None
        except TimeoutError:
            return b""
        except OSError:
            return None

    def deliver(self, data: bytes) -> int:
        deadline_s = time.monotonic() + USB_PATIENCE_S
        sent = 0
        while sent < len(data) and time.monotonic() < deadline_s:
            try:
                sent += self._socket.send(data[sent:])
            except OSError:
                break
        return sent

    def unplug(self) -> None:
        """End the connection; the serving thread sees that and closes it."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            return

    def close(self) -> None:
        self._socket.close()


class Ports:
    """Open both ports on a line and serve them until `close`. `path` is None without pseudo-terminals.

    `host`: the address on which the socket listens. Raises SimulatorError if it is none of this computer.
    """

    def __init__(self, line: Instrument, host: str = LOOPBACK) -> None:
        self._line = line
        self._listener, self.url = _listening(host)
        self._selector = selectors.DefaultSelector()
        self._wake_here, self._wake_there = socket.socketpair()
        self._client: Client | None = None
        self._terminal = _terminal()
        self.path = self._terminal.path if self._terminal else None
        self._watch(self._wake_here, self._leave)
        self._watch(self._listener, self._accept)
        if self._terminal:
            self._watch(self._terminal, self._read_terminal)
        self._running = True
        self._thread = threading.Thread(target=self._serve, name="pump ports", daemon=True)
        self._thread.start()

    def broadcast(self, data: bytes) -> None:
        """Send to every connection; bytes that none takes are lost."""
        for end in (self._terminal, self._client):
            if end is not None:
                end.deliver(data)

    def close(self) -> None:
        self._wake_there.send(b".")
        self._thread.join()
        self._drop_client()
        self._selector.close()
        for end in (self._listener, self._wake_here, self._wake_there, self._terminal):
            if end is not None:
                end.close()

    def _watch(self, source: socket.socket | Pseudoterminal | Client, action: Callable[[], None]) -> None:
        self._selector.register(source, selectors.EVENT_READ, action)

    def _serve(self) -> None:
        while self._running:
            for key, _ in self._selector.select():
                key.data()
            while self._running and not self._line.has_room():
                time.sleep(0.01)  # USB holds the host back as long as the pump does not read

    def _leave(self) -> None:
        self._running = False

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        self._drop_client()
        if not self._line.plugged:
            connection.close()
            return
        self._client = Client(connection)
        self._watch(self._client, self._read_client)

    def _read_client(self) -> None:
        client = self._client
        data = client.receive() if client else b""
        if client is None or data is None:
            self._drop_client()
        elif data:
            self._line.receive(data, client)

    def _read_terminal(self) -> None:
        data = self._terminal.receive() if self._terminal else None
        if data and self._terminal:
            self._line.receive(data, self._terminal)

    def _drop_client(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            self._selector.unregister(client)
            self._line.forget(client)
            client.close()


def _listening(host: str) -> tuple[socket.socket, str]:
    """Open a socket on a free port; return it with its URL for a client on this computer."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.create_server(address[:2], family=family)
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else "no such host"
        raise SimulatorError(f"no port opens on {host}: {why}", "name an address of this computer, like 127.0.0.1") from None
    found, port = listener.getsockname()[:2]
    here = {"0.0.0.0": LOOPBACK, "::": "::1"}.get(found, found)
    return listener, f"socket://[{here}]:{port}" if ":" in here else f"socket://{here}:{port}"


def _terminal() -> Pseudoterminal | None:
    try:
        return Pseudoterminal()
    except ImportError:  # no pseudo-terminals on this system
        return None
