"""Choose a port: the named one, otherwise THECAL_PORT or the config file, otherwise the only pump."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from thecal.errors import BadInput, NoPump
from thecal.files import config, toml_file
from thecal.pump.transport import names, registry

USB_IDS = ((0x2E8A, 0x0005),)
LOOK_AGAIN_S = 0.2


class Candidate:
    """A port that may have a pump. `origin`: "named", "usb" or "simulator"; `serial_number`, `name`: "" if unknown."""

    def __init__(self, port_url: str, origin: str, serial_number: str = "", name: str = "") -> None:
        self.port_url = port_url
        self.origin = origin
        self.serial_number = serial_number
        self.name = name


def named(port_url: str | None) -> Candidate | None:
    """Return the port of the command line, otherwise of THECAL_PORT or the config file; None if none names one. A pump's name gives the
    port of that pump. Opens nothing."""
    chosen = port_url or config.default("port")
    if chosen and names.is_name(chosen) and not os.path.exists(chosen):
        return by_name(chosen)
    return Candidate(chosen, "named") if chosen else None


def by_name(name: str) -> Candidate:
    """Return the port of the pump with this name. Raises NoPump if it is unknown or away, BadInput if two pumps have it."""
    called = names.called(name)
    if not called:
        near = toml_file.suggestion(name, [one.name for one in names.known()])
        raise NoPump(f'no pump is known as "{name}"', f"{near} `thecal find` learns the names of the pumps that are here".strip())
    if len(called) > 1:
        serials = " and ".join(one.unique_id for one in called)
        raise BadInput(f'{len(called)} pumps are called "{name}": {serials}', "name a port, and give one pump another name: thecal name")
    pump = called[0]
    for board in usb_boards():
        if board.serial_number.casefold() == pump.unique_id.casefold():
            return Candidate(board.port_url, "usb", board.serial_number, name)
    for entry in registry.entries():
        if str(entry.get("unique_id", "")).casefold() == pump.unique_id.casefold():
            return Candidate(_port_of(entry), "simulator", "", name)
    if "://" in pump.port_url:  # behind a network, where no list shows it
        return Candidate(pump.port_url, "named", "", name)
    raise NoPump(f'"{name}" (serial number {pump.unique_id}) is not here', "plug it in; `thecal find` lists the pumps that are here")


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
    return [Candidate(_port_of(entry), "simulator") for entry in registry.entries()]


def _port_of(entry: registry.Entry) -> str:
    return str(entry.get("port") or entry.get("socket"))
