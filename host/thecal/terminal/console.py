"""Output of the commands: data on stdout, other text on stderr, JSON on request, colour only in a terminal.

Every text becomes printable here: text from a pump, a file or a balance can't move the cursor or hide other text.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterable, Sequence

from thecal.errors import Failed
from thecal.terminal import folding

PROGRESS_AFTER_S = 2.0
PROGRESS_EVERY_S = 0.1
BAR_CELLS = 30


RED, PLAIN = "\x1b[31;1m", "\x1b[0m"
ALERT = f"\0{os.urandom(8).hex()}\0"  # the mark that `alert` puts around a text; random, so that no other text contains it


def data(text: str) -> None:
    """Print on stdout; fold running text to the terminal, not JSON."""
    print(for_terminal(text if ALERT in text or text.startswith(("{", "[")) else folding.text(text, sys.stdout)))


def talk(text: str) -> None:
    """Print on stderr, folded to the terminal."""
    print(for_terminal(text if ALERT in text else folding.text(text, sys.stderr)), file=sys.stderr)


def for_terminal(text: str) -> str:
    """Return lines of printable letters; the only control codes are those of `alert`."""
    if text.isprintable():
        return text
    parts = ["\n".join(map(printable, part.split("\n"))) for part in text.split(ALERT)]
    return "".join(f"{RED}{part}{PLAIN}" if number % 2 else part for number, part in enumerate(parts))


def emit_json(value: object) -> None:
    """Print one document on stdout; names contain their units. Unprintable letters become \\uXXXX."""
    text = json.dumps(value, indent=2, ensure_ascii=not unicode_output())
    print("\n".join(line if line.isprintable() else "".join(map(escaped, line)) for line in text.split("\n")))


def escaped(letter: str) -> str:
    """Escape a letter for JSON text."""
    return letter if letter.isprintable() else json.dumps(letter)[1:-1]


def unicode_output() -> bool:
    return (getattr(sys.stdout, "encoding", None) or "").lower().replace("-", "").startswith("utf")


def alert(text: str) -> str:
    """Make a text red for `data` and `talk`, if the terminal shows colours and NO_COLOR is not set."""
    coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return f"{ALERT}{text}{ALERT}" if coloured else text


def columns(rows: Iterable[Sequence[str]], gap: str = "  ") -> str:
    """Format rows of text, each column as wide as its widest cell; in a narrow terminal wrap the text after the first column."""
    cells = [[printable(cell) for cell in row] for row in rows]
    lines, width = aligned(cells, gap), folding.width_cells()
    return "\n".join(lines if fits(lines, width) else folding.pairs(cells, gap, width or 0))


def headed(rows: Iterable[Sequence[str]], gap: str = "  ") -> str:
    """Format rows below their heads; in a narrow terminal wrap the heads, or put each cell on its own line."""
    cells = [[printable(cell) for cell in row] for row in rows]
    lines, width = aligned(cells, gap), folding.width_cells()
    for nearer in (gap, " "):
        if not fits(lines, width):
            lines = aligned(folding.lined_heads(cells), nearer)
    return "\n".join(lines if fits(lines, width) else folding.stacked(cells, gap, width or 0))


def aligned(cells: Sequence[Sequence[str]], gap: str) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [gap.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in cells]
    return [line.rstrip() for line in lines]


def fits(lines: list[str], width: int | None) -> bool:
    return width is None or max(map(len, lines), default=0) <= width


def printable(text: str) -> str:
    """Replace control characters, line ends, and letters that hide or reverse others (Unicode's Cc, Cf, Cs, Zl, Zp) by "?"."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def confirm(question: str, yes: bool) -> None:
    """Ask on stderr; `yes` answers in advance. Raises Failed if the answer is no, or stdin gives none."""
    if yes:
        return
    sys.stderr.write(for_terminal(f"{question} [y/N] "))
    sys.stderr.flush()
    answer = sys.stdin.readline()
    if not answer.endswith("\n"):
        talk("")
    if not answer:
        raise Failed("no answer on stdin, nothing was changed", "answer y, or add --yes after you have read the review")
    if answer.strip().lower() not in ("y", "yes"):
        raise Failed("not confirmed, nothing was changed")


class Progress:
    """A progress bar on stderr for work of more than two seconds; nothing if stderr is not a terminal."""

    def __init__(self, label: str) -> None:
        self.label = label
        self._begin_s = self._shown_s = time.monotonic()
        self._visible = False

    def update(self, done: int, total: int) -> None:
        """Show `done` of `total`; both in the same unit."""
        now_s = time.monotonic()
        if now_s - self._begin_s < PROGRESS_AFTER_S or now_s - self._shown_s < PROGRESS_EVERY_S or not sys.stderr.isatty():
            return
        part = min(1.0, done / total) if total else 1.0
        bar = ("#" * int(part * BAR_CELLS)).ljust(BAR_CELLS, ".")
        sys.stderr.write(f"\r{self.label} [{bar}] {part:4.0%}")
        sys.stderr.flush()
        self._shown_s, self._visible = now_s, True

    def close(self) -> None:
        if self._visible:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
