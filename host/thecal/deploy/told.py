"""mpremote as it is, but that it says how far a copy has come: it draws its bar for a terminal only, and here it has none.

`python -m thecal.deploy.told WORDS` is `mpremote WORDS`.
"""

from __future__ import annotations

import sys

_PROGRESS = "progress:"


def tell(done_bytes: int, total_bytes: int, op: str = "copying") -> None:
    """In the place of mpremote's bar."""
    print(_PROGRESS, done_bytes, total_bytes)


def parse(line: str) -> int | None:
    """Bytes of the present file that have arrived, of a line that `tell` printed; None of any other one."""
    words = line.split()
    return int(words[1]) if len(words) == 3 and words[0] == _PROGRESS and words[1].isdecimal() else None


def main() -> int:
    """Runs mpremote; its exit code."""
    from mpremote import commands
    from mpremote import main as mpremote

    if hasattr(commands, "show_progress_bar"):  # a version without it tells the begin of each copy only
        commands.show_progress_bar = tell
    code: int = mpremote.main()
    return code


if __name__ == "__main__":
    sys.exit(main())
