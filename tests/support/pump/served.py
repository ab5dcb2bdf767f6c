"""The unit tests' pump behind a socket."""

import socket
import threading

from support.pump.running import Watched, blank_image


class Served(threading.Thread):
    """The unit tests' pump on a TCP port; every read lets `step_s` of its time pass first."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.pump = Watched(blank_image())
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self._listener.getsockname()[1]

    def run(self) -> None:
        connection, _ = self._listener.accept()
        with connection:
            while data := connection.recv(4096):
                self.pump.advance(0.7)
                connection.sendall(self.pump.line(data))

    def close(self) -> None:
        self._listener.close()
