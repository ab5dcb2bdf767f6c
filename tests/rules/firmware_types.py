"""mypy over the firmware against the board's stubs: `python firmware_types.py`, from the root of the checkout.

The firmware can't import what only a checker needs (MicroPython has no `typing`): what main.py hands over is called `object`,
and an attribute that is filled in later begins as `None`. What mypy says about those two alone is left out and counted;
everything else is reported.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

from board_stubs import lay_out

TYPINGS = Path("build", "typings")
LEFT_OUT = re.compile(
    r'error: ("(object|None)" (has no attribute |not callable)'
    r'|.*has incompatible type "object"; expected |.*, variable has type "None"\))'
)
FLAGS = ("--platform", "linux", "--explicit-package-bases", "--no-strict-optional", "--disable-error-code", "var-annotated")


def check(sources: str = "firmware", cache: str = ".mypy_cache/firmware") -> tuple[list[str], int]:
    """(complaints, how many of them say only that an object is handed over or filled in later)."""
    lay_out(TYPINGS)
    flags = [*FLAGS, "--custom-typeshed-dir", str(TYPINGS), "--cache-dir", cache, "--no-error-summary", sources]
    environment = {**os.environ, "MYPYPATH": f"{TYPINGS}{os.pathsep}{sources}"}
    done = subprocess.run([sys.executable, "-m", "mypy", *flags], env=environment, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1) or done.stderr:
        raise RuntimeError(f"mypy itself failed ({done.returncode}): {done.stderr or done.stdout}")
    lines = done.stdout.splitlines()
    kept = [line for line in lines if not LEFT_OUT.search(line)]
    return kept, len(lines) - len(kept)


def main() -> int:
    complaints, left_out = check(*sys.argv[1:])
    print(*complaints, sep="\n", end="\n" if complaints else "")
    errors = sum(": error: " in line for line in complaints)
    print(f"{errors} errors" if errors else f"no errors ({left_out} uses of what is handed over or filled in later not looked into)")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
