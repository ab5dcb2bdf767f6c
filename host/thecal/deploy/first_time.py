"""A board without MicroPython: its boot drive takes a UF2, and a board with a prompt appears on USB."""

from __future__ import annotations

import time
from pathlib import Path

from thecal.deploy import boot_drive, finding, uf2
from thecal.errors import BadInput, LinkLost, NoPump, PortBusy
from thecal.pump.transport.ports import Candidate, named, usb_boards
from thecal.terminal.console import confirm, talk


def drive_of(port_url: str | None, usb_serial: str | None, place: Path | None) -> Path | None:
    """Return the boot drive to use: the named one, otherwise the only one if no board is named and none is there.

    None if it is not needed. Raises BadInput if the board is ambiguous.
    """
    if place is not None:
        return boot_drive.named(place)
    mounted = boot_drive.drives() if named(port_url) is None and not usb_serial else []
    boards = usb_boards() if mounted else []
    if len(mounted) + len(boards) > 1 and mounted:
        listed = ", ".join([*map(str, mounted), *(board.port_url for board in boards)])
        raise BadInput(f"several boards found: {listed}", "name one: PORT=..., ID=... or BOOT_DRIVE=...")
    return mounted[0] if mounted else None


def give_micropython(drive: Path, image: uf2.Uf2, yes: bool, port_url: str | None) -> Candidate:
    """Ask, copy the UF2, and wait for the board; `port_url` names its port, otherwise it is the new one on USB."""
    before = {board.port_url for board in usb_boards()}
    confirm("Put this MicroPython on the board?", yes)
    boot_drive.install(image, drive)
    talk("waiting for the board to start")
    expected = named(port_url)
    deadline_s = time.monotonic() + finding.APPEARS_WITHIN_S
    while time.monotonic() < deadline_s:
        new = [expected] if expected else [board for board in usb_boards() if board.port_url not in before]
        try:
            if len(new) == 1 and finding.has_prompt(new[0].port_url):
                return new[0]
        except (NoPump, PortBusy, LinkLost):
            pass
        time.sleep(finding.POLL_S)
    raise NoPump(
        "the board did not start with MicroPython", "plug it in again; if its boot drive appears again, the UF2 is not for this board"
    )


def describe(drive: Path, image: uf2.Uf2) -> str:
    return f"MicroPython {image.name} ({len(image.data)} bytes, SHA-256 {image.sha256}) to {drive}"
