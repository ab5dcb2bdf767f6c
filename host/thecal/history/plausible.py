"""Ignore records that no pump can have written although their CRC is right, so that they do not falsify a sum.

A record is compared with its two neighbours in the same ring. Its gap is shown like any other gap.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from pumpcore.units import MS_PER_S
from thecal.history.rows import Row

HIGHEST_UPTIME_MS = ((1 << 32) - 1) * MS_PER_S  # a boot record has 32 bits for the total running time
LATE_MS = 3_600_000  # the longest delay of a record after its time
OPEN_STEPS = 3_000_000  # twice a lease of a minute at 25,000 steps a second
MOST_STEPS = 1 << 47  # 136 years at that rate
POSITIONS = ("delivered_steps", "position_steps", "leased_steps", "ordered_steps")
OF_A_BOLUS = ("bolus_ordered", "bolus_ended")  # their steps are no position


def split(rows: list[Row], status: dict[str, Any] | None = None) -> tuple[list[Row], list[str]]:
    """Return the plausible rows, and a line for each ignored one. `rows` are sorted by sequence number; `status` counts as the record
    after the last one."""
    kept: list[Row] = []
    left_out: list[str] = []
    following = behind_each(rows, status)
    before: tuple[Row | None, int | None] = None, None
    for one, behind in zip(rows, following, strict=True):
        why = impossible(before, one, behind)
        if why:
            left_out.append(f"record {one['sequence']} of {one['ring']} is ignored: {why}")
            continue
        kept.append(one)
        steps = position(one)
        before = one, before[1] if steps is None else steps
    return kept, left_out


Neighbour = tuple[dict[str, Any] | None, int | None]  # a record, and the nearest position on that side


def behind_each(rows: list[Row], status: dict[str, Any] | None) -> list[Neighbour]:
    """Return, for each row, the next row and the next known position."""
    found: list[Neighbour] = []
    next_row, steps = status, position(status)
    for one in reversed(rows):
        found.append((next_row, steps))
        own = position(one)
        next_row, steps = one, steps if own is None else own
    return found[::-1]


def impossible(before: Neighbour, one: Row, behind: Neighbour) -> str:
    """Return why no pump wrote `one` between these two; "" if a pump may have."""
    uptime_ms, steps = one["uptime_ms"], position(one)
    if uptime_ms > HIGHEST_UPTIME_MS:
        return f"an uptime of {uptime_ms // MS_PER_S} s is impossible"
    if any(value > MOST_STEPS for name, value in one.items() if name.endswith("_steps") and isinstance(value, int)):
        return "so many steps are impossible"
    if odd(boot_in(before[0]), one["boot"], boot_in(behind[0]), 0):
        return f"its boot {one['boot']} lies outside its neighbours'"
    if odd(time_in(before[0], one["boot"]), uptime_ms, time_in(behind[0], one["boot"]), LATE_MS):
        return f"its uptime of {uptime_ms // MS_PER_S} s lies outside its neighbours'"
    if steps is None:
        return ""
    if odd(before[1], steps, behind[1], OPEN_STEPS):
        return f"its position of {steps} steps lies outside its neighbours'"
    if any(abs(one[name] - steps) > OPEN_STEPS for name in POSITIONS if one["event"] != "run_ordered" and isinstance(one.get(name), int)):
        return "its counts of steps contradict each other"
    return ""


def odd(before: int | None, value: int, behind: int | None, slack: int) -> bool:
    """Return True if a value that never falls is beyond one neighbour while the neighbours agree. A missing neighbour agrees."""
    too_high = behind is not None and value > behind + slack and (before is None or before <= behind + slack)
    too_low = before is not None and value + slack < before and behind is not None and before <= behind + slack
    return too_high or too_low


def boot_in(row: dict[str, Any] | None) -> int | None:
    """Return the boot of a record, if there is one."""
    return None if row is None else int(row["boot"])


def time_in(row: dict[str, Any] | None, boot: int) -> int | None:
    """Return the uptime of a record in ms, if there is one and it is of this boot."""
    return int(row["uptime_ms"]) if row is not None and row["boot"] == boot else None


def position(row: dict[str, Any] | None) -> int | None:
    """Return the position in a record, in steps; None if it has none."""
    if row is None or row.get("event") in OF_A_BOLUS:
        return None
    return next((row[name] for name in POSITIONS if isinstance(row.get(name), int)), None)


def falls(rows: list[Row]) -> list[str]:
    """Return a line for each fall of the position by more than one lease: a pump never counts back."""
    known = [(one["sequence"], steps) for one in rows if (steps := position(one)) is not None]
    return [
        f"record {sequence}: the position falls from {high} to {low} steps"
        for (_, high), (sequence, low) in pairwise(known)
        if low + OPEN_STEPS < high
    ]
