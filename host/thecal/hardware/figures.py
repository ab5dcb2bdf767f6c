"""A figure of the parts library: a number or a range, with the state that says how far to trust it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

READ, COMPUTED, UNREAD, DEFINED, MEASURED = "read", "computed", "unread", "defined", "measured"
STATES = (READ, COMPUTED, UNREAD, DEFINED, MEASURED)
TO_MEASURE = "measure"
# state -> the key that says where the figure comes from
ORIGIN = {READ: ("source",), COMPUTED: ("how",), UNREAD: ("why", "how")}


@dataclass(frozen=True)
class Figure:
    """Whole numbers from `low` to `high`, in the unit that its name ends with. Both are None if the builder must measure it.

    `state` is one of STATES. `source` is an id of sources.toml (read), or a sentence (computed, unread, measured).
    """

    low: int | None
    high: int | None
    state: str
    source: str = ""

    @property
    def value(self) -> int:
        """Return the one value. Raises ValueError if it is a range, or not known."""
        if self.low is None or self.low != self.high:
            raise ValueError(f"{self} is not one value")
        return self.low

    @property
    def known(self) -> bool:
        """Return False if the builder must measure it first."""
        return self.low is not None

    def __str__(self) -> str:
        if self.low is None:
            return "not measured yet"
        return f"{self.low:,}" if self.low == self.high else f"{self.low:,} to {self.high:,}"


def figure(raw: Any) -> Figure:
    """Return the figure that a library file writes. Raises ValueError with the form to write instead."""
    if isinstance(raw, Figure):
        return raw
    if _whole(raw):
        return Figure(raw, raw, DEFINED)
    if not isinstance(raw, dict):
        raise ValueError(f'{raw!r} is not a figure: write a whole number, or {{ read = 5_500, source = "..." }}')
    states = [state for state in ORIGIN if state in raw]
    if len(states) != 1:
        raise ValueError("a figure has exactly one of read, computed, unread")
    return _figure(raw, states[0])


def _figure(raw: dict[str, Any], state: str) -> Figure:
    allowed = ORIGIN[state]
    origins = [key for key in allowed if isinstance(raw.get(key), str) and raw[key].strip()]
    if len(origins) != 1 or set(raw) != {state, *origins}:
        raise ValueError(f"a figure that is {state} has exactly one other key, a text: {' or '.join(allowed)}")
    if state == UNREAD and raw[state] == TO_MEASURE:
        if origins != ["how"]:
            raise ValueError('a figure to measure says how: { unread = "measure", how = "..." }')
        return Figure(None, None, UNREAD, raw["how"])
    low, high = bounds(raw[state])
    if state == UNREAD and low == high:
        raise ValueError('an unread figure is a range, [low, high], or "measure"')
    return Figure(low, high, state, raw[origins[0]])


def bounds(raw: Any) -> tuple[int, int]:
    """Return (low, high) of a whole number or of a list of two. Raises ValueError."""
    pair = raw if isinstance(raw, list) else [raw, raw]
    if len(pair) != 2 or not all(_whole(one) for one in pair) or pair[0] > pair[1]:
        raise ValueError(f"{raw!r} is neither a whole number nor a range [low, high]")
    return pair[0], pair[1]


def _whole(raw: Any) -> bool:
    return isinstance(raw, int) and not isinstance(raw, bool)
