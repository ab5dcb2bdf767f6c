"""Makes the flash image of a commissioned pump: firmware, library, bench and, last, the manifest."""

import contextlib
import functools
import hashlib
from collections.abc import Iterable
from pathlib import Path

from thecal.deploy import marks
from thecal.deploy.files import MANIFEST_PATH, Files
from thecal.deploy.units import manifest_of, simulated_files
from thecal.files.bench import Bench, payload
from thecal.sim.errors import WasiError
from thecal.sim.guest.filesystem import FileSystem
from thecal.sim.guest.flash import BLOCK_BYTES, BLOCKS, IMAGE_BYTES, SIMULATED_BLOCKS, FlashChip

BENCH_PATH = "/store/bench.a"


def build(firmware: Path, bench: Bench, extra: Files | None = None, seed: int = 1) -> bytes:
    """Build a flash image that boots as a commissioned pump with this bench; `extra` files are added unchanged."""
    manifest = manifest_of(firmware)
    data = commissioned(bench, manifest, seed)
    files = {**simulated_files(firmware), **data, **(extra or {}), MANIFEST_PATH: manifest}
    return format_image(files, SIMULATED_BLOCKS)


def commissioned(bench: Bench, manifest: bytes, seed: int = 1) -> Files:
    """Return the files that make it a pump: the bench, and the journal's identity, derived so that a simulation can be repeated."""
    from pumpcore.flash import slots

    identity = hashlib.sha256(b"%d\n" % seed + payload(bench) + manifest).digest()[:16]
    held = marks.marked(BENCH_PATH, slots.pack(1, payload(bench)))
    return {**held, slots.IDENTITY_PATH: slots.pack_identity(identity, 0)}


def format_image(files: Files, blocks: int = BLOCKS) -> bytes:
    """Format a new file system with these files, written in the given order."""
    return _formatted(tuple(files.items()), blocks)


def grown(image: bytes) -> bytes:
    """Return an image with the board's blocks only, extended for a whole journal; any other one, and one without a file system,
    unchanged."""
    if len(image) != IMAGE_BYTES:
        return image
    chip = FlashChip(image.ljust(SIMULATED_BLOCKS * BLOCK_BYTES, b"\xff"))
    flash = FileSystem(chip, BLOCKS)
    try:
        flash.mount()
        flash.grow()
    except WasiError:
        return image
    return bytes(chip.buffer)


@functools.lru_cache(maxsize=2)
def _formatted(files: tuple[tuple[str, bytes], ...], blocks: int) -> bytes:
    chip = FlashChip(b"\xff" * (blocks * BLOCK_BYTES))
    flash = FileSystem(chip)
    flash.format()
    flash.mount()
    folders: set[str] = set()
    for path, data in files:
        _make_folders(flash, path, folders)
        flash.write_file(path, data)
    return bytes(chip.buffer)


def _make_folders(flash: FileSystem, path: str, made: set[str]) -> None:
    parts = path.strip("/").split("/")[:-1]
    for depth in range(1, len(parts) + 1):
        folder = "/" + "/".join(parts[:depth])
        if folder not in made:
            flash.make_folder(folder)
            made.add(folder)


def pump_name(image: bytes) -> str:
    """Return the name that the pump with this flash has; "" without one."""
    found = marks.counting("name", read_files(image, (*marks.slot_paths("name"), marks.mark_path("name"))))
    return found[1].decode() if found else ""


def read_file(image: bytes, path: str) -> bytes | None:
    """Return a file of an image, None if it is missing."""
    return read_files(image, (path,)).get(path)


def read_files(image: bytes, paths: Iterable[str]) -> Files:
    """Return those of these files that an image has; none if it has no file system."""
    flash, found = FileSystem(FlashChip(image)), {}
    with contextlib.suppress(WasiError):
        flash.mount()
        for path in paths:
            with contextlib.suppress(WasiError):
                found[path] = flash.read_file(path)
    return found
