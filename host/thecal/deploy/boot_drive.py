"""The drive that an RP2040 shows while its BOOTSEL button is held at power-up: a UF2 copied there is programmed."""

from __future__ import annotations

import os
import string
import sys
from pathlib import Path

from thecal.deploy.uf2 import Uf2
from thecal.errors import BadInput, Failed

MARK = "INFO_UF2.TXT"
BOARD = "RPI-RP2"


def drives() -> list[Path]:
    """Return the mounted boot drives."""
    return [place for place in _places() if _board(place) == BOARD]


def named(place: Path) -> Path:
    """BadInput unless this is the boot drive of an RP2040."""
    if _board(place) != BOARD:
        raise BadInput(f"{place} is not the boot drive of an RP2040", "hold BOOTSEL while plugging the board in; its drive is RPI-RP2")
    return place


def install(uf2: Uf2, drive: Path) -> None:
    """Copies a UF2 to the drive, whole. The board programs it by itself and starts anew; its files stay as they are."""
    target = drive / uf2.name
    try:
        file = target.open("wb")
        file.write(uf2.data)
    except OSError as error:
        raise Failed(f"{target} can't be written: {error.strerror}", "plug the board in again with BOOTSEL held") from None
    try:
        file.flush()
        os.fsync(file.fileno())
        file.close()
    except OSError:
        # the board restarts with its last block and takes the drive away under the file
        return


def _board(place: Path) -> str:
    """Return the Board-ID of a boot drive's mark, "" if there is none."""
    try:
        text = (place / MARK).read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("Board-ID:")), "")


def _places() -> list[Path]:
    """Return the places where this system mounts drives."""
    if sys.platform == "win32":
        return [Path(f"{letter}:\\") for letter in string.ascii_uppercase[3:]]
    if sys.platform == "darwin":
        return sorted(Path("/Volumes").glob("*"))
    mounts = Path("/proc/self/mounts")
    lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines() if mounts.exists() else []
    return [Path(words[1].replace("\\040", " ")) for words in map(str.split, lines) if len(words) > 2 and words[2] == "vfat"]
