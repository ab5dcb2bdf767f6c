"""File systems for the emulated board, as `make flash` leaves them: compiled firmware, library, bench, manifest."""

from __future__ import annotations

import functools
from typing import Any

from pumpcore.flash import slots
from thecal.deploy import pack
from thecal.deploy.build import Built, build
from thecal.deploy.files import MANIFEST_PATH
from thecal.deploy.marks import marked
from thecal.files.bench import payload
from thecal.files.resources import firmware_folder
from thecal.sim.guest.image import BENCH_PATH, format_image

Bench = dict[str, Any]


@functools.cache
def compiled() -> Built:
    """Return what is deployed, compiled once a process."""
    return build(firmware_folder())


@functools.cache
def loose() -> Built:
    """Return the same as single files: code at the prompt can use their names."""
    return build(firmware_folder(), in_units=False)


def commissioned(bench: Bench, changed: bool = False) -> bytes:
    """Return a pump with this bench: an image of the file system, 352 blocks of 4 KiB. `changed`: one file differs from the manifest."""
    built = compiled()
    extra = {pack.PATH: built.files[pack.PATH] + b"\0"} if changed else {}
    return format_image({**built.files, **extra, **marked(BENCH_PATH, slots.pack(1, payload(bench))), MANIFEST_PATH: built.manifest})


def parts() -> bytes:
    """Return the firmware without main.py."""
    return format_image({path: data for path, data in loose().files.items() if path != "/main.py"})
