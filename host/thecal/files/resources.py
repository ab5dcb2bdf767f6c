"""Find the data files of the host: the firmware for pumps, and the bench files.

A wheel contains them in the package; an editable install finds them in the checkout next to `host/`.
"""

from pathlib import Path

from thecal.errors import Failed

PACKAGE = Path(__file__).resolve().parents[1]
CHECKOUT = PACKAGE.parents[1]
DATA = PACKAGE / "data"  # templates, the shipped drug libraries, the page of a report


def firmware_folder() -> Path:
    """Return the folder that is deployed to a pump (`main.py`, `pumpcore/`, `app/`, `hal/`)."""
    return _folder("_firmware", "firmware")


def hardware_folder() -> Path:
    """Return the folder of the bench files that come with thecal."""
    return _folder("_hardware", "hardware")


def _folder(packaged_name: str, checkout_name: str) -> Path:
    for folder in (PACKAGE / packaged_name, CHECKOUT / checkout_name):
        if folder.is_dir():
            return folder
    raise Failed(f"thecal's {checkout_name} files are missing next to {PACKAGE}", "install thecal again")
