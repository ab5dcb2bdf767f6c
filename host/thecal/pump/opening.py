"""From a port's name to an open client whose pump has answered `hello`."""

from __future__ import annotations

import os
from typing import Any

from thecal.errors import BadInput, LinkLost, NoPump, PortBusy, ThecalError, WrongDevice
from thecal.pump import clock
from thecal.pump.client import Client
from thecal.pump.transport import names, registry
from thecal.pump.transport.ports import Candidate, candidates, named, usb_boards

LOOK_TIMEOUT_S = 1.0
UNFIT = ("firmware_incomplete", "internal")  # main.py's only answers if it can't run the pump


def choose(port_url: str | None) -> str:
    """Return the named port, otherwise the default one, otherwise the only pump. Raises NoPump, or BadInput if there are several."""
    return chosen(port_url).port_url


def chosen(port_url: str | None) -> Candidate:
    """Return the port that `choose` returns, with its facts."""
    return named(port_url) or only()


def only() -> Candidate:
    """Return the port of the only pump. Raises NoPump, or BadInput if there are several."""
    found = candidates()
    if len(found) > 1:
        looks = [(candidate, look(candidate)) for candidate in found]
        found = [candidate for candidate, about in looks if may_be_pump(about)] or [
            candidate for candidate, about in looks if is_unfit(about)
        ]
    if not found:
        raise NoPump("no pump found", "plug one in, name its port with --port, or start a simulated one: `thecal sim`")
    if len(found) > 1:
        known = {one.port_url: one.name for one in names.known()}
        listed = ", ".join(known.get(candidate.port_url, candidate.port_url) for candidate in found)
        raise BadInput(f"{len(found)} pumps found: {listed}", "name one: --port PORT, or THECAL_PORT=PORT")
    return found[0]


def may_be_pump(about: dict[str, Any]) -> bool:
    """Return True if a pump answered, or if another program holds the port: the wanted pump may be there."""
    return "hello" in about or about["error"]["error"] == PortBusy.__name__


def is_unfit(about: dict[str, Any]) -> bool:
    """Return True if the pump answered that it can't run its firmware."""
    return about.get("error", {}).get("fault") in UNFIT


def open_pump(port_url: str | None) -> Client:
    """Return a client whose pump has answered `hello` in our protocol."""
    wanted = chosen(port_url)
    client = Client(wanted.port_url)
    try:
        check_name(wanted, client.hello())
    except BaseException as error:
        client.close()
        lost = lost_pump(client.port_url) if isinstance(error, LinkLost | NoPump) else None
        if lost is not None:
            raise lost from None
        raise
    return client


def check_name(wanted: Candidate, hello: dict[str, Any]) -> None:
    """Learn the name in a greeting. Raises WrongDevice if it is not the one by which the user chose the pump."""
    names.learn(hello, wanted.port_url)
    now = str(hello.get("name", ""))
    if wanted.name and now != wanted.name:
        called = f'is now called "{now}"' if now else "has no name any more"
        raise WrongDevice(f'the pump that was "{wanted.name}" {called}', "name it anew, or another one: `thecal find` lists the pumps")


def lost_pump(port_url: str) -> NoPump | None:
    """Return the error for a silent board that was a pump when this computer flashed it; None for any other port.

    MicroPython formats a flash that it can't mount, including firmware, journal and ledger. Only the host can notice that.
    """
    serial_number = next((board.serial_number for board in usb_boards() if board.port_url == port_url), "")
    known = registry.known_pump(serial_number) if serial_number else None
    if known is None:
        return None
    cause = f"{port_url} was the pump {serial_number} (bench {known.get('bench')}), and no pump answers now: its flash may be lost"
    return NoPump(cause, "flash it again: thecal flash --bench FILE; its data is in the backup of the last flash")


def look(candidate: Candidate) -> dict[str, Any]:
    """Return the `hello` of a port, or the `error` instead."""
    about: dict[str, Any] = {
        "port_url": candidate.port_url,
        "origin": candidate.origin,
        "usb_serial": candidate.serial_number,
    }
    try:
        with Client(candidate.port_url, LOOK_TIMEOUT_S, LOOK_TIMEOUT_S) as client:
            about["hello"] = client.hello()
            names.learn(about["hello"], candidate.port_url)
            _, reading = clock.read(client)
            about["clock"] = {**reading.as_dict(), "text": reading.text()}
    except ThecalError as error:
        lost = lost_pump(candidate.port_url) if isinstance(error, LinkLost | NoPump) else None
        about["error"] = (lost or error).as_dict()
    return about


def a_pump(port: str | None) -> Client | None:
    """Open the pump if there is one; None if none was named and none is found."""
    try:
        return open_pump(port)
    except NoPump:
        if port or os.environ.get("THECAL_PORT"):  # the config file's pump may be away
            raise
        return None
