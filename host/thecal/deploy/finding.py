"""Find the board to flash and identify its device: by our own `hello` first, so that looking never disturbs a running pump."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from thecal.errors import BadInput, LinkLost, NoPump, PortBusy, Refused
from thecal.pump import client
from thecal.pump.opening import UNFIT
from thecal.pump.opening import look as look_at
from thecal.pump.transport.link import Link
from thecal.pump.transport.ports import Candidate, named, usb_boards

PROMPT_WAIT_S = 1.0
APPEARS_WITHIN_S = 30.0
POLL_S = 0.2
CTRL_B = b"\r\x02"  # at MicroPython's prompts, raw or not: show the friendly one; to a pump of ours a line that is no frame
PROMPT = b">>> "
DO_NONE = "plug the board in, name its port (PORT=...), or hold BOOTSEL while plugging it in when it has no MicroPython yet"


@dataclass(frozen=True)
class Seen:
    """The device on a port: a pump (`hello` is not None), a pump that can't run its firmware (`unfit`: the reason), a prompt, or none of
    them."""

    hello: dict[str, Any] | None = None
    status: dict[str, Any] | None = None
    prompt: bool = False
    unfit: str = ""


def choose(port_url: str | None, usb_serial: str | None) -> Candidate:
    """Return the named board, otherwise the only one on USB. Raises NoPump if there is none, BadInput if there are several."""
    chosen = named(port_url) if port_url or not usb_serial else None
    if chosen is not None:
        return next((board for board in usb_boards() if same_port(board.port_url, chosen.port_url)), chosen)
    found = [board for board in usb_boards() if not usb_serial or same_serial(board.serial_number, usb_serial)]
    if not found and usb_serial:
        raise NoPump(f"no board with the USB serial number {usb_serial}{present()}", "plug it in, or name another: ID=...")
    if not found:
        raise NoPump("no board found on USB", DO_NONE)
    if len(found) > 1:
        raise BadInput(f"{len(found)} boards found: {'; '.join(map(introduce, found))}", "name one: PORT=... or ID=...")
    return found[0]


def present() -> str:
    """Return the other boards, for an error."""
    listed = ", ".join(f"{board.serial_number or 'without one'} ({board.port_url})" for board in usb_boards())
    return f"; there is {listed}" if listed else ""


def introduce(board: Candidate) -> str:
    """Return port, serial number, and the pump's name if it is one."""
    seen = look_at(board)
    hello, fault = seen.get("hello"), (seen.get("error") or {}).get("fault")
    what = f"pump on bench {hello.get('bench')}" if hello else f"pump that reports {fault}" if fault else "not a pump that answers"
    return f"{board.port_url} (ID={board.serial_number}, {what})"


def same_port(one: str, other: str) -> bool:
    """Compare ports, also if one is a link to the other, as in /dev/serial/by-id."""
    return one == other or ("://" not in other and os.path.realpath(one) == os.path.realpath(other))


def same_serial(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()


def look(port_url: str) -> Seen:
    """Send `hello`; if no pump answers, look for a prompt, without stopping a program. Raises the errors of opening the port."""
    with client.Client(port_url) as pump:
        try:
            hello = pump.ask("hello", {}, client.FIRST_PATIENCE_S)
        except LinkLost:
            hello = None
        except Refused as refused:
            if refused.fault not in UNFIT:
                raise
            return Seen(unfit=refused.cause)
        if hello is not None:
            return Seen(hello, pump.status())
    return Seen(prompt=has_prompt(port_url))


def has_prompt(port_url: str) -> bool:
    """Return True if MicroPython's prompt answers; a running program continues."""
    with Link(port_url) as link:
        link.write(CTRL_B)
        deadline_s = time.monotonic() + PROMPT_WAIT_S
        while time.monotonic() < deadline_s and not link.partial().endswith(PROMPT):
            link.read_line(time.monotonic() + POLL_S)
        return link.partial().endswith(PROMPT)


def await_port(board: Candidate, reached: Callable[[str], bool]) -> str:
    """Waits until the board is on USB again and `reached(port)` holds; its port, which may have another name now.

    NoPump when it did not come.
    """
    deadline_s = time.monotonic() + APPEARS_WITHIN_S
    while True:
        port_url = port_of(board)
        try:
            if port_url and reached(port_url):
                return port_url
        except (NoPump, PortBusy, LinkLost, Refused):
            pass
        if time.monotonic() > deadline_s:
            cause = f"the board on {board.port_url} did not come back within {APPEARS_WITHIN_S:g} s"
            raise NoPump(cause, "unplug it, plug it in again and flash again")
        time.sleep(POLL_S)


def port_of(board: Candidate) -> str:
    """Return the present port of the board; "" while it is away. A board named by its port keeps that one."""
    if not board.serial_number:
        return board.port_url
    return next((each.port_url for each in usb_boards() if same_serial(each.serial_number, board.serial_number)), "")
