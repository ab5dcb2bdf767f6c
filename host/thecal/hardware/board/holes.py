"""Holes of a perforated board by name: a row's letter and a column's number, `A1` at the top left of the front. After row Z comes AA."""

from __future__ import annotations

import re
import string
from itertools import pairwise

PITCH_MM = 2.54

# Column and row, both from 1; the front of the board is up, USB and terminals as in the picture of the front.
Hole = tuple[int, int]

_NAME = re.compile(r"^(A?[A-Z])([1-9][0-9]?)$")
_LETTERS = len(string.ascii_uppercase)


def parse(name: str) -> Hole:
    """Return (column, row) of a name like `C17`. Raises ValueError if it is none."""
    found = _NAME.match(name)
    if found is None:
        raise ValueError(f"{name} is not a hole: write the row's letter and the column's number, like C17")
    letters, column = found.groups()
    row = string.ascii_uppercase.index(letters[-1]) + 1
    return int(column), row + _LETTERS * (len(letters) - 1)


def row_name(row: int) -> str:
    """Return the letter of a row: A to Z, then AA to AZ."""
    turn, letter = divmod(row - 1, _LETTERS)
    return "A" * turn + string.ascii_uppercase[letter]


def name(hole: Hole) -> str:
    """Return the name of a hole, the reverse of `parse`."""
    column, row = hole
    return f"{row_name(row)}{column}"


def along(corners: list[Hole]) -> list[Hole]:
    """Return every hole under a wire that runs straight from corner to corner. Raises ValueError for a slanted piece or a single corner."""
    if len(corners) < 2:
        raise ValueError("a wire has two ends")
    found = [corners[0]]
    for start, end in pairwise(corners):
        across, down = end[0] - start[0], end[1] - start[1]
        if (across == 0) == (down == 0):
            raise ValueError(f"{name(start)} to {name(end)} does not run along one row or one column")
        steps = abs(across) + abs(down)
        found += [(start[0] + across * step // steps, start[1] + down * step // steps) for step in range(1, steps + 1)]
    return found
