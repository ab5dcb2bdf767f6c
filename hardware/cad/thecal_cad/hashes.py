# SPDX-License-Identifier: CERN-OHL-P-2.0
"""made.json: what the committed parts were made from. Needs nothing but Python."""

import hashlib
import json
from pathlib import Path

from thecal_cad.sizes import FOLDER

MADE = "made.json"
LICENCE = "CERN-OHL-P-2.0"


def sources(folder: Path = FOLDER) -> list[str]:
    """Return the files that decide what the parts look like: the sizes, the pins and the scripts."""
    scripts = sorted(file.relative_to(folder).as_posix() for file in (folder / "thecal_cad").glob("*.py"))
    return ["sizes.toml", "requirements.txt", *scripts]


def outputs(folder: Path = FOLDER) -> list[str]:
    """Return the made files."""
    return sorted(file.relative_to(folder).as_posix() for kind in ("step", "stl", "png") for file in folder.glob(f"{kind}/*.{kind}"))


def digest(file: Path) -> str:
    """Return the SHA-256 of the file."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def record(folder: Path = FOLDER) -> dict:
    """Return the content of made.json for the files as they are now."""
    listed = {"made_from": sources(folder), "made": outputs(folder)}
    hashes = {title: {name: digest(folder / name) for name in names} for title, names in listed.items()}
    return {"SPDX-License-Identifier": LICENCE, **hashes}


def write(folder: Path = FOLDER) -> None:
    """Write made.json."""
    (folder / MADE).write_text(json.dumps(record(folder), indent=2) + "\n", encoding="utf-8")


def differences(folder: Path = FOLDER) -> list[str]:
    """Return one line for each file that is not as made.json says; empty if all are."""
    old, new = json.loads((folder / MADE).read_text(encoding="utf-8")), record(folder)
    found = []
    for title in ("made_from", "made"):
        for name in sorted({*old[title], *new[title]}):
            before, now = old[title].get(name), new[title].get(name)
            if before != now:
                what = "is gone" if now is None else "is new" if before is None else "changed"
                found.append(f"{name} {what}: run make cad, commit what it writes")
    return found
