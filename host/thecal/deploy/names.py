"""The names that the files of a pump bring which are loaded later, as a few more files for the chip.

MicroPython keeps every name that it has met, for good. The names of a file that is loaded and freed again stay behind in the middle of
the memory, one group for each file, and no large gap is left after a day. These files have them all: a pump imports them
at the end of power-up, so that the names lie together.
"""

from __future__ import annotations

import keyword
from collections.abc import Iterable

PATHS = tuple(f"/hal/rp2/names{number}.py" for number in range(4))  # four, because one takes 0.2 s to import
_HEAD_BYTES = 4  # 'M', version, features, bits of a small integer


def sources(later: Iterable[bytes], known: Iterable[bytes]) -> dict[str, bytes]:
    """Return the sources of functions that are never called: together they have every name of the .mpy files that come `later`, without
    those that a pump knows from others."""
    found = sorted(set().union(*map(names_of, later)).difference(*map(names_of, known)))
    return {path: _source(found[number :: len(PATHS)]) for number, path in enumerate(PATHS)}


def _source(found: list[str]) -> bytes:
    return "\n".join(["def names(x):", *(f"    {_use(name)}" for name in found), "    pass", ""]).encode()


def _use(name: str) -> str:
    """Return a statement whose code has this name. A text that is no name is one in MicroPython up to ten letters."""
    if not all(part.isidentifier() and not keyword.iskeyword(part) for part in name.split(".")):
        return f"x({name!r})"
    return f"import {name}" if "." in name else f"x.{name}"


def names_of(mpy: bytes) -> set[str]:
    """Return the names of a compiled file that MicroPython has not in the table that all of its versions share."""
    at = _HEAD_BYTES
    count, at = _number(mpy, at)
    _, at = _number(mpy, at)  # of objects
    found = set()
    for _ in range(count):
        length, at = _number(mpy, at)
        if not length & 1:
            found.add(mpy[at : at + (length >> 1)].decode())
            at += (length >> 1) + 1
    return found


def _number(mpy: bytes, at: int) -> tuple[int, int]:
    """Return an unsigned number of seven bits a byte, and where the next one is."""
    number = 0
    while True:
        byte, at = mpy[at], at + 1
        number = number << 7 | byte & 127
        if byte < 128:
            return number, at
