"""Find a stock MicroPython for RPI_PICO. The project contains none, nor a way to make one."""

import os
import sys
from pathlib import Path

from platformdirs import user_cache_path


def find_uf2() -> Path | None:
    """Return the file of THECAL_UF2, else the newest name in the user's cache folder."""
    named = os.environ.get("THECAL_UF2")
    candidates = [Path(named)] if named else sorted(user_cache_path("thecal").glob("*.uf2"), reverse=True)
    return next((file for file in candidates if file.is_file()), None)


if __name__ == "__main__":
    file = find_uf2()
    if file is None:
        sys.exit("The emulated RP2040 needs a stock MicroPython UF2 for RPI_PICO: make test-emu THECAL_UF2=/path/to/firmware.uf2")
    print(f"MicroPython: {file}")
