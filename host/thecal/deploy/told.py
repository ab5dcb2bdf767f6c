"""Run mpremote with its progress of copies as plain lines: mpremote itself draws a bar in a terminal only.

`python -m thecal.deploy.told WORDS` is `mpremote WORDS`.
"""

from __future__ import annotations

import sys

_PROGRESS = "progress:"


def tell(done_bytes: int, total_bytes: int, op: str = "copying") -> None:
    """Replaces mpremote's bar."""
    print(_PROGRESS, done_bytes, total_bytes)


def parse(line: str) -> int | None:
    """Return the bytes of the present file so far, from a line that `tell` printed; None for any other line."""
    words = line.split()
    return int(words[1]) if len(words) == 3 and words[0] == _PROGRESS and words[1].isdecimal() else None


def main() -> int:
    """Run mpremote; return its exit code."""
    from mpremote import commands
    from mpremote import main as mpremote

    if hasattr(commands, "show_progress_bar"):  # a version without it reports only the begin of each copy
        commands.show_progress_bar = tell
    code: int = mpremote.main()
    return code


if __name__ == "__main__":
    sys.exit(main())
