"""`thecal watch`: poll the status. The port is opened for each poll, so that `thecal stop` next door always gets through."""

import json
import sys
import time
from typing import Annotated, Any

import typer

from thecal.commands.options import AsJson, Port
from thecal.console import data, talk
from thecal.errors import LinkLost, NoPump, PortBusy, WrongDevice

INTERVAL_S = 1.0


def watch(
    port: Port = None,
    interval_s: Annotated[float, typer.Option("--interval", min=0.1, max=86_400, help="Seconds between two looks.")] = INTERVAL_S,
    count: Annotated[int, typer.Option("--count", min=0, help="Looks to take; 0 = until Ctrl-C.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Show the pump's state line by line until Ctrl-C."""
    from thecal.connecting import choose

    port_url = choose(port)
    looks = 0
    try:
        while True:
            looks += 1
            poll(port_url, as_json, first=looks == 1)
            if looks == count:
                return
            time.sleep(interval_s)
    except KeyboardInterrupt:
        talk("")


def poll(port_url: str, as_json: bool, first: bool) -> None:
    """One look. The first must succeed; later a lost link is told and the watch goes on."""
    from thecal.client import Client

    try:
        with Client(port_url) as client:
            if first:
                client.hello()
            reply = client.status()
    except (LinkLost, NoPump, PortBusy) as error:
        if first or isinstance(error, WrongDevice):
            raise
        talk(f"{error.cause}; still watching")
        return
    show(reply, as_json)


def show(reply: dict[str, Any], as_json: bool) -> None:
    if as_json:
        data(json.dumps(reply))
    else:
        from thecal.status_text import short

        data(short(reply))
    sys.stdout.flush()
