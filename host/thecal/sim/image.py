"""Makes the flash image of a commissioned pump: firmware, library, bench and, last, the manifest."""

import functools
import importlib.util
from pathlib import Path

from thecal.resources import firmware_folder
from thecal.sim.bench import Bench, payload
from thecal.sim.errors import SimulatorError, WasiError
from thecal.sim.filesystem import FileSystem
from thecal.sim.flash import IMAGE_BYTES, FlashChip

BENCH_PATH = "/store/bench.a"
MANIFEST_PATH = "/manifest"
_LIBRARY = "adafruit_motor"
_LIBRARY_FILES = ("stepper.py",)

Files = dict[str, bytes]


def firmware_files(folder: Path) -> Files:
    """Everything under `firmware/` that is deployed, by its path on the pump."""
    files = {
        "/" + file.relative_to(folder).as_posix(): file.read_bytes()
        for file in sorted(folder.rglob("*.py"))
        if "__pycache__" not in file.parts
    }
    if "/main.py" not in files:
        raise SimulatorError(f"{folder} holds no firmware (main.py is missing)", "name the firmware folder")
    return files


def library_files() -> Files:
    """The motor library as it is installed here, for `/lib`; outside the release digest."""
    spec = importlib.util.find_spec(_LIBRARY)
    folders = (spec.submodule_search_locations or []) if spec else []
    for folder in map(Path, folders):
        if all((folder / name).is_file() for name in _LIBRARY_FILES):
            return {f"/lib/{_LIBRARY}/{name}": (folder / name).read_bytes() for name in _LIBRARY_FILES}
    raise SimulatorError("adafruit_motor is not installed", "pip install adafruit-circuitpython-motor")


def build(firmware: Path, bench: Bench, extra: Files | None = None) -> bytes:
    """A flash image that boots as a commissioned pump with this bench; `extra` files are added as they are."""
    from pumpcore import slots

    files = {**firmware_files(firmware), **library_files(), BENCH_PATH: slots.pack(1, payload(bench)), **(extra or {})}
    return format_image({**files, MANIFEST_PATH: manifest_of(firmware)})


def manifest_of(firmware: Path | None) -> bytes:
    """The manifest that a pump with this firmware (None: the one that came with thecal) carries."""
    from pumpcore import manifest

    return manifest.build(firmware_files(firmware or firmware_folder()))


def format_image(files: Files) -> bytes:
    """A freshly formatted file system that holds these files, written in the given order."""
    return _formatted(tuple(files.items()))


@functools.lru_cache(maxsize=8)
def _formatted(files: tuple[tuple[str, bytes], ...]) -> bytes:
    chip = FlashChip(b"\xff" * IMAGE_BYTES)
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


def read_file(image: bytes, path: str) -> bytes | None:
    """A file out of an image, None when it is not there."""
    flash = FileSystem(FlashChip(image))
    try:
        flash.mount()
        return flash.read_file(path)
    except WasiError:
        return None
