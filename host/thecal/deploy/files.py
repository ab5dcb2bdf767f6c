"""What is deployed to a pump, on every target: the firmware's sources, the motor library, the manifest."""

import importlib.util
from pathlib import Path

from pumpcore import manifest
from thecal.errors import Failed
from thecal.files.resources import firmware_folder

MANIFEST_PATH = "/manifest"
LIBRARY = "adafruit_motor"
_LIBRARY_FILES = ("stepper.py",)
# Below `firmware/`, and no pump imports it.
NOT_DEPLOYED = ("/pumpcore/wire/replies.py",)

Files = dict[str, bytes]


def firmware_files(folder: Path) -> Files:
    """Everything under `firmware/` that is deployed, by its path on the pump."""
    sources = {"/" + file.relative_to(folder).as_posix(): file for file in sorted(folder.rglob("*.py")) if "__pycache__" not in file.parts}
    files = {path: file.read_bytes() for path, file in sources.items() if path not in NOT_DEPLOYED}
    if "/main.py" not in files:
        raise Failed(f"{folder} holds no firmware (main.py is missing)", "name the firmware folder")
    return files


def library_files() -> Files:
    """The motor library as it is installed here, for `/lib`; outside the release digest."""
    spec = importlib.util.find_spec(LIBRARY)
    folders = (spec.submodule_search_locations or []) if spec else []
    for folder in map(Path, folders):
        if all((folder / name).is_file() for name in _LIBRARY_FILES):
            return {f"/lib/{LIBRARY}/{name}": (folder / name).read_bytes() for name in _LIBRARY_FILES}
    raise Failed("adafruit_motor is not installed", "pip install adafruit-circuitpython-motor")


def manifest_of(firmware: Path | None) -> bytes:
    """The manifest that a pump carries on which the sources lie as they are (None: those that came with thecal)."""
    return manifest.build(firmware_files(firmware or firmware_folder()), library=library_files())
