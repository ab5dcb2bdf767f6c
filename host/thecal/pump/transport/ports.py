"""Choose a port: the named one, otherwise THECAL_PORT, otherwise the only pump."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from thecal.pump.transport import registry

USB_IDS = ((0x2E8A, 0x0005),)
LOOK_AGAIN_S = 0.2


class Candidate:
    """A port that may have a pump. `origin`: "named", "usb" or "simulator"; `serial_number`: "" if unknown."""

    def __init__(self, port_url: str, origin: str, serial_number: str = "") -> None:
        self.port_url = port_url
        self.origin = origin
        self.serial_number = serial_number


def named(port_url: str | None) -> Candidate | None:
    """Return the port of the command line or of THECAL_PORT; None if neither names one."""
    chosen = port_url or os.environ.get("THECAL_PORT")
    return Candidate(chosen, "named") if chosen else None


def candidates() -> list[Candidate]:
    """Return boards on USB by their numbers, then the simulators of this computer. Opens nothing."""
    return usb_boards() + simulators()


def awaited(patience_s: float, waiting: Callable[[], None]) -> list[Candidate]:
    """Return `candidates`; if there is none, call `waiting` once and look again for `patience_s`: a simulator or a board that was just
    started needs a moment."""
    found, until_s = candidates(), time.monotonic() + patience_s
    if not found:
        waiting()
    while not found and time.monotonic() < until_s:
        time.sleep(LOOK_AGAIN_S)
        found = candidates()
    return found


def usb_boards() -> list[Candidate]:
    """Return the boards on USB with an id of ours."""
    from serial.tools import list_ports

    boards = [port for port in list_ports.comports() if (port.vid, port.pid) in USB_IDS]
    return [Candidate(port.device, "usb", port.serial_number or "") for port in boards]


def simulators() -> list[Candidate]:
    """Return the pseudo-terminal of a simulator, otherwise its socket."""
    return [Candidate(str(entry.get("port") or entry.get("socket")), "simulator") for entry in registry.entries()]
