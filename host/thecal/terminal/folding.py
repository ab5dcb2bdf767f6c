"""Fold tables that are wider than the terminal, so that every line fits and every value keeps its head."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Sequence
from typing import TextIO

Cells = Sequence[str]
INDENT = 2
LEAST_TEXT = 16  # cells for a text next to its label; with fewer, it goes below


def width_cells(stream: TextIO | None = None) -> int | None:
    """Return the width of a line of `stream` (default: stdout): COLUMNS, otherwise the terminal's; None if it is not a terminal."""
    told = os.environ.get("COLUMNS", "")
    if told.isdigit() and int(told):
        return int(told)
    return shutil.get_terminal_size().columns if (stream or sys.stdout).isatty() else None


def folded(line: str, indent: int, stream: TextIO) -> str:
    """Fold a line of running text between words, if the terminal is narrower; the further lines are indented. A word stays whole."""
    width = width_cells(stream)
    if width is None or len(line) <= width:
        return line
    begin = line[: len(line) - len(line.lstrip())]
    return textwrap.fill(
        line.strip(), width, initial_indent=begin, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False
    )


def wrapped(first: str, text: str, width: int, indent: int) -> list[str]:
    """Return `first` followed by a text, whose further lines are indented to its begin. A text with a word that has no room there goes
    below; only a word that is longer than the terminal is cut."""
    longest = max(map(len, text.split()), default=0)
    if first.strip() and width - indent < longest <= width - INDENT:
        return [first.rstrip(), *wrapped(" " * INDENT, text, width, INDENT)]
    lines = textwrap.wrap(text, max(1, width - indent), break_on_hyphens=False) or [""]
    return [(first.ljust(indent) + lines[0]).rstrip(), *[" " * indent + line for line in lines[1:]]]


def pairs(table: Sequence[Cells], gap: str, width: int) -> list[str]:
    """Format labels with their texts; further cells of a row join into one text."""
    label = max(len(row[0]) for row in table) + len(gap)
    if width - label >= LEAST_TEXT:
        return [line for row in table for line in wrapped(row[0], gap.join(cell for cell in row[1:] if cell), width, label)]
    return [line for row in table for line in [*wrapped("", row[0], width, 0), *wrapped("", gap.join(row[1:]), width, INDENT)]]


def lined_heads(table: Sequence[Cells]) -> list[Cells]:
    """Return the table with the words of its heads below each other, no wider than their columns."""
    widths = [max(max(map(len, column[1:]), default=1), *map(len, column[0].split() or [""])) for column in zip(*table, strict=True)]
    heads = [textwrap.wrap(head, max(1, width)) for head, width in zip(table[0], widths, strict=True)]
    high = max(map(len, heads))
    lines = [tuple(([""] * (high - len(head)) + head)[line] for head in heads) for line in range(high)]
    return [*lines, *table[1:]]


def stacked(table: Sequence[Cells], gap: str, width: int) -> list[str]:
    """Format rows below each other: the first cell, then each further one after its head."""
    heads, found = table[0], []
    label = min(INDENT + max(map(len, heads[1:])) + len(gap), max(INDENT, width - LEAST_TEXT))
    for row in table[1:]:
        found += wrapped("", row[0], width, 0)
        for head, cell in zip(heads[1:], row[1:], strict=True):
            if not cell:
                continue
            first = " " * INDENT + head
            if len(first) + len(gap) > label and head:
                found += wrapped("", first.strip(), width, INDENT)
                first = ""
            found += wrapped(first, cell, width, label)
    return found


def text(words: str, stream: TextIO) -> str:
    """Fold the lines of a text that are longer than the terminal; further lines are indented by two more."""
    if width_cells(stream) is None:
        return words
    lines = words.split("\n")
    return "\n".join(folded(line, len(line) - len(line.lstrip()) + INDENT, stream) for line in lines)
