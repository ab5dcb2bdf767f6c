"""The battery of a simulated bench's clock chip: a file next to the flash keeps its time from the last save.

In real time the chip runs on while no simulator runs, at the wall's pace whatever `--speed` was. In virtual time it waits, because only
the control port advances time, and equal inputs must give an equal run.
"""

from __future__ import annotations

import json
from pathlib import Path


def path_of(image_file: Path) -> Path:
    """Return the clock file of this flash."""
    return image_file.with_name(image_file.name + ".clock")


def load(image_file: Path, host_utc_s: int | None) -> int | None:
    """Return the chip's UTC now; None when it was never set. `host_utc_s`: this computer's UTC, None in virtual time. ValueError when
    the file is damaged.

    A computer whose clock was set back since adds nothing.
    """
    path = path_of(image_file)
    if not path.exists():
        return None
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        utc_s, saved_at_s = kept["utc_s"], kept["host_utc_s"]
    except (OSError, ValueError, KeyError, TypeError):
        raise ValueError(str(path)) from None
    if type(utc_s) is not int or type(saved_at_s) is not int or not 0 < utc_s < 1 << 32:
        raise ValueError(str(path))
    return utc_s if host_utc_s is None else utc_s + max(0, host_utc_s - saved_at_s)


def save(image_file: Path, utc_s: int | None, host_utc_s: int) -> None:
    """Save the chip's time; a chip that was never set leaves no file. Raises OSError."""
    path = path_of(image_file)
    if utc_s is None:
        path.unlink(missing_ok=True)
        return
    fresh = path.with_name(path.name + ".new")
    fresh.write_text(json.dumps({"utc_s": utc_s, "host_utc_s": host_utc_s}), encoding="utf-8")
    fresh.replace(path)
