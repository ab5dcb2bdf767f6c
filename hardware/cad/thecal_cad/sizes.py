# SPDX-License-Identifier: CERN-OHL-P-2.0
"""Read sizes.toml. Needs nothing but Python."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import SimpleNamespace

FOLDER = Path(__file__).resolve().parents[1]
STATES = {"read": "source", "computed": "how", "chosen": "why", "unread": "measure"}


class BadSizes(ValueError):
    """A size of sizes.toml has no state, no reason or no meaning."""


@dataclass(frozen=True)
class Size:
    """One size in millimetres; `why` is its source, our reason, or how to measure it."""

    name: str
    mm: float
    state: str
    fits: str
    why: str


def _size(name: str, table: dict) -> Size:
    if not isinstance(table, dict):
        raise BadSizes(f"{name}: a bare number says neither what it fits nor where it is from")
    states = [state for state in STATES if state in table]
    if len(states) != 1 or set(table) != {states[0], STATES[states[0]], "fits"}:
        raise BadSizes(f"{name}: give one of {', '.join(f'{state} with {reason}' for state, reason in STATES.items())}, and fits")
    state = states[0]
    mm = table[state]
    if not isinstance(mm, float) or mm < 0 or not table["fits"].strip() or not table[STATES[state]].strip():
        raise BadSizes(f"{name}: a size is a decimal number, 0 or more, with words beside it")
    return Size(name, mm, state, table["fits"], table[STATES[state]])


def every_size(file: Path = FOLDER / "sizes.toml") -> list[Size]:
    """Return all sizes in the order of the file. Raises BadSizes naming the size."""
    tables = tomllib.loads(file.read_text(encoding="utf-8"))
    return [_size(f"{group}.{key}", table) for group, sizes in tables.items() for key, table in sizes.items()]


@cache
def load(file: Path = FOLDER / "sizes.toml") -> SimpleNamespace:
    """Return the sizes as `sizes.board.length`, in millimetres. Raises BadSizes naming the size."""
    groups: dict[str, dict[str, float]] = {}
    for size in every_size(file):
        group, _, key = size.name.partition(".")
        groups.setdefault(group, {})[key] = size.mm
    return SimpleNamespace(**{group: SimpleNamespace(**values) for group, values in groups.items()})
