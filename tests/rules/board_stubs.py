"""Lays the board's type stubs out as the folder that mypy wants.

The stub packages install as loose files beside the libraries, where mypy does not look for them; what mypy takes is one
folder that replaces its own description of the standard library.
"""

import shutil
from importlib.metadata import files
from pathlib import Path

STUB_PACKAGES = ("micropython-stdlib-stubs", "micropython-rp2-rpi_pico-stubs")


def lay_out(folder: Path) -> int:
    """Replace `folder` with the stubs of the installed packages; returns how many files that is."""
    shutil.rmtree(folder, ignore_errors=True)
    count = 0
    for package in STUB_PACKAGES:
        for file in files(package) or []:
            if file.parts[0].endswith(".dist-info") or file.parts[0] == "..":
                continue
            target = folder / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(str(file.locate()), target)
            count += 1
    return count
