"""The flash of a pump as `make flash` would leave it on a new board: compiled firmware, library, bench, manifest."""

from __future__ import annotations

from typing import Any

from thecal.resources import firmware_folder
from thecal.sim.image import build

Bench = dict[str, Any]


def commissioned(bench: Bench) -> bytes:
    """An image of the file system, 352 blocks of 4 KiB."""
    return build(firmware_folder(), bench)
