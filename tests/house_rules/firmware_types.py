"""mypy over the firmware against the board's stubs: `python firmware_types.py`, from the root of the checkout.

Every complaint of mypy counts. MicroPython has no `typing`, so names for the checker are in `.pyi` files beside the sources
(`hal/ports.pyi`, `app/types.pyi`, `pumpcore/shapes.pyi`), imported below `if 0:`, which every compiler leaves out.
"""

import os
import subprocess
import sys
from pathlib import Path

from board_stubs import lay_out

TYPINGS = Path("build", "typings")
FITS = Path(__file__).parent / "hal_fits.py"
TESTS = FITS.parents[1]  # the unit tests' board is in support/pump
FLAGS = ("--platform", "linux", "--explicit-package-bases", "--no-strict-optional")


def check(sources: str = "firmware", cache: str = ".mypy_cache/firmware") -> list[str]:
    """Return mypy's complaints about the files below `sources`, the firmware's folder or a copy of it, and about each hal's fit."""
    lay_out(TYPINGS)
    files = [sources, str(FITS)] if Path(sources, "hal").is_dir() else [sources]
    flags = [*FLAGS, "--custom-typeshed-dir", str(TYPINGS), "--cache-dir", cache, "--no-error-summary", *files]
    environment = {**os.environ, "MYPYPATH": os.pathsep.join([str(TYPINGS), sources, str(TESTS), str(FITS.parent)])}
    done = subprocess.run([sys.executable, "-m", "mypy", *flags], env=environment, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1) or done.stderr:
        raise RuntimeError(f"mypy itself failed ({done.returncode}): {done.stderr or done.stdout}")
    return done.stdout.splitlines()


def main() -> int:
    complaints = check(*sys.argv[1:])
    print(*complaints, sep="\n", end="\n" if complaints else "")
    errors = sum(": error: " in line for line in complaints)
    print(f"{errors} errors" if errors else "no errors")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
