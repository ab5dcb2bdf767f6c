"""`thecal watch`: poll the status. It opens the port for each poll, so that another `thecal stop` always gets through."""

from __future__ import annotations

import json
import os
import sys
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from thecal.cli.options import AsJson, Port, Pump
from thecal.cli.typed import one_port
from thecal.errors import InAlarm, LinkLost, NoPump, PortBusy, WrongDevice
from thecal.terminal.console import data, talk

if TYPE_CHECKING:
    from thecal.reports.live.live import LiveView
    from thecal.reports.live.past import Past

INTERVAL_S = 1.0


def watch(
    pump: Pump = None,
    port: Port = None,
    interval_s: Annotated[
        float, typer.Option("--interval", min=0.1, max=86_400, metavar="SECONDS", help="Seconds between two readings.")
    ] = INTERVAL_S,
    count: Annotated[int, typer.Option("--count", min=0, metavar="NUMBER", help="Number of readings; 0 = until Ctrl-C.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Show the pump's state until Ctrl-C: live in a terminal, line by line in a pipe. Exits with 5 if the pump is in alarm at the end."""
    from thecal.pump.opening import choose

    port_url = choose(one_port(pump, port))
    live = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    watching = JsonLines() if as_json else Table() if live else Lines()
    try:
        watching.follow(port_url, interval_s, count)
    except KeyboardInterrupt:  # how a watch ends
        talk("")
    if watching.state == "alarm":
        raise typer.Exit(InAlarm.exit_code)


class JsonLines:
    """Print the pump's status as JSON, one line per reading. `state`: the pump's at the last one."""

    state = ""

    def follow(self, port_url: str, interval_s: float, count: int) -> None:
        """Poll until `count` readings (0 = for ever). The first must succeed; later lost links are reported and the watch continues."""
        looks = 0
        while True:
            looks += 1
            self.look(port_url, first=looks == 1)
            if looks == count:
                return
            time.sleep(interval_s)

    def look(self, port_url: str, first: bool) -> None:
        from thecal.pump.client import Client

        try:
            with Client(port_url) as client:
                if first:
                    client.hello()
                reply = client.status()
                self.learn(client, reply)
        except (LinkLost, NoPump, PortBusy) as error:
            if first or isinstance(error, WrongDevice):
                raise
            self.trouble(error.cause)
            return
        self.state = reply["state"]
        self.show(reply)
        sys.stdout.flush()

    def learn(self, client: Any, reply: dict[str, Any]) -> None:
        """Ask more while the port is open; nothing here."""

    def show(self, reply: dict[str, Any]) -> None:
        data(json.dumps(reply))

    def trouble(self, cause: str) -> None:
        talk(f"{cause}; still watching")


class Lines(JsonLines):
    """Print one line of text per reading, for a pipe or a log."""

    def __init__(self) -> None:
        from thecal.reports.live.past import Past

        self.past: Past = Past()

    def learn(self, client: Any, reply: dict[str, Any]) -> None:
        self.past.look(client, reply)

    def show(self, reply: dict[str, Any]) -> None:
        from thecal.reports.live.view import one_line

        data(one_line(reply, self.past))


class Table(Lines):
    """Update a table in place, in a terminal."""

    def follow(self, port_url: str, interval_s: float, count: int) -> None:
        from thecal.reports.live.live import LiveView

        self.view: LiveView = LiveView()
        with self.view:
            super().follow(port_url, interval_s, count)

    def show(self, reply: dict[str, Any]) -> None:
        self.view.show(reply, self.past)

    def trouble(self, cause: str) -> None:
        self.view.trouble(cause)
