"""Start the server: its sockets, its certificate, and the words that it prints."""

from __future__ import annotations

import ssl
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from thecal.errors import BadInput, Failed
from thecal.web.app import application
from thecal.web.fleet import Fleet
from thecal.web.guard import Rules
from thecal.web.hosts import LOOPBACK, Hosts
from thecal.web.notify import Notifier
from thecal.web.server import Server
from thecal.web.sessions import Sessions

# A STOP needs the interpreter at once, also while a chart is computed in another thread.
SWITCH_S = 0.0005
GRACE_S = 1
PATIENCE_S, LOOK_EVERY_S = 5.0, 0.5  # a pump may be busy with another program for a moment


@dataclass(frozen=True)
class How:
    """The options of `thecal serve`."""

    ports: list[str]
    http_port: int
    host: str
    certificate: Path | None
    key: Path | None
    notify: list[str]

    @property
    def local(self) -> bool:
        """Return True if only this computer can reach the server."""
        return self.host in LOOPBACK

    def check(self) -> None:
        """Raise BadInput for options that do not fit."""
        given = [one for one in (self.certificate, self.key) if one is not None]
        if len(given) == 1 or (not given and not self.local):
            raise BadInput("other computers need an encrypted page", "give --tls-cert FILE and --tls-key FILE with --host")
        if not given:
            return
        try:
            ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(given[0], given[1])
        except OSError as error:  # an SSLError is one
            raise BadInput(f"--tls-cert {given[0]}: {error.strerror or error}", "name a PEM file and its key") from None


def made(how: How) -> Server:
    """Return the server of these options. Raises BadInput."""
    how.check()
    hosts = Hosts(how.host, how.http_port, how.certificate is not None)
    return Server(Fleet(how.ports, Notifier(how.notify)), Rules(hosts, Sessions(), login=not how.local))


def check_keys(server: Server) -> None:
    """Look for pumps. Raises Failed if other computers could reach pumps and none of them has keys."""
    until_s = time.monotonic() + (PATIENCE_S if server.rules.login else 0.0)
    while True:
        server.fleet.find()
        for pump in server.fleet.all():
            pump.settle()
        found = any(pump.keys == "set" for pump in server.fleet.all())
        if found or time.monotonic() >= until_s:
            break
        time.sleep(LOOK_EVERY_S)
    if server.rules.login and not found:
        server.fleet.end()
        raise Failed("no pump with keys is here, and other computers would reach it", "set keys first: thecal key new")


def serve(server: Server, how: How) -> None:
    """Run until Ctrl-C. Raises BadInput if the port is taken."""
    import uvicorn

    sys.setswitchinterval(SWITCH_S)
    options: dict[str, Any] = {"host": how.host, "port": how.http_port, "log_level": "warning", "access_log": False}
    if how.certificate is not None:
        options |= {"ssl_certfile": how.certificate, "ssl_keyfile": how.key}
    config = uvicorn.Config(
        application(server), server_header=False, date_header=True, timeout_graceful_shutdown=GRACE_S, ws="none", **options
    )
    try:
        uvicorn.Server(config).run()
    except SystemExit:
        raise BadInput(f"port {how.http_port} of {how.host} can't be opened", "another program has it; choose --port-http") from None
