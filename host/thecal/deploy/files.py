"""The files of a pump as they are kept here: the firmware's sources, and the motor library."""

import importlib.util
from pathlib import Path

from thecal.errors import Failed

MAIN = "/main.py"  # MicroPython runs only a main.py; everything else it imports
MANIFEST_PATH = "/manifest"
LIBRARY = "adafruit_motor"
_LIBRARY_FILES = ("stepper.py",)
# Below `firmware/`, and no pump imports it.
NOT_DEPLOYED = ("/pumpcore/wire/replies.py", "/pumpcore/bench/sensors.py")

Files = dict[str, bytes]


def module_of(path: str) -> str:
    """Return the module of a source: `app.pump` for `/app/pump.py`."""
    return path[1:-3].replace("/", ".").removesuffix(".__init__")


def firmware_files(folder: Path) -> Files:
    """Return the deployed files below `firmware/`, by their path on the pump."""
    sources = {"/" + file.relative_to(folder).as_posix(): file for file in sorted(folder.rglob("*.py")) if "__pycache__" not in file.parts}
    files = {path: file.read_bytes() for path, file in sources.items() if path not in NOT_DEPLOYED}
    if "/main.py" not in files:
        raise Failed(f"{folder} holds no firmware (main.py is missing)", "name the firmware folder")
    return files


def library_files() -> Files:
    """Return the motor library of this installation for `/lib`; not part of the release digest."""
    spec = importlib.util.find_spec(LIBRARY)
    folders = (spec.submodule_search_locations or []) if spec else []
    for folder in map(Path, folders):
        if all((folder / name).is_file() for name in _LIBRARY_FILES):
            return {f"/lib/{LIBRARY}/{name}": (folder / name).read_bytes() for name in _LIBRARY_FILES}
    raise Failed("adafruit_motor is not installed", "pip install adafruit-circuitpython-motor")
