"""One time axis through all boots: milliseconds since 1970 by the pump's own clock.

Within a boot the axis follows the uptime, so it never jumps when the clock is set. If the clock moved by more than drift explains, it
was wrong before: earlier times follow the newer clock. A boot without known time is placed after the previous one and marked.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from statistics import median_low
from typing import Any

from pumpcore.units import MS_PER_S
from thecal.history.rows import Row

UNKNOWN_GAP_MS = 60_000  # drawn between two boots of which one does not know the time
DRIFT_S = 300  # a clock set by less had only drifted
FIRST_UTC_S, LAST_UTC_S = 1_577_836_800, (1 << 32) - 1  # 2020: no clock of a pump was set before
MOST_OFFSET_S = 64_800  # 18 h, the limit of the pump


@dataclass
class Boot:
    """One power-up: `begin_ms` is uptime 0 on the axis; `known` whether that is the pump's clock, `corrected_s` how much later
    the axis is than that clock was, because it was set afterwards; `moved_ms` how much the boot was shifted so as not to
    overlap the one before. `ran_ms` is how long it ran, by the powered-on time that the next one found, at most a lease short."""

    number: int
    last_uptime_ms: int = 0
    ran_ms: int = 0
    begin_ms: int = 0
    known: bool = False
    corrected_s: int = 0
    moved_ms: int = 0


class Axis:
    """Built from the rows of both rings, in any order within a boot, and the status if there is one."""

    def __init__(self, rows: Iterable[Row], status: dict[str, Any] | None) -> None:
        stamped = list(rows)
        if status is not None:
            stamped.append({**{name: status[name] for name in ("uptime_ms", "utc_s")}, "boot": status["boot"], "event": "status"})
        groups: dict[int, list[Row]] = {}
        for one in stamped:
            groups.setdefault(one["boot"], []).append(one)
        self.boots = {number: boot_of(number, groups[number]) for number in sorted(groups)}
        self._measure([one for one in stamped if one["event"] == "boot"])
        self._correct([one for one in stamped if one["event"] == "clock_set"])
        self._lay_out()

    def ran_until_ms(self, at_ms: int) -> int:
        """Return until when the boot of a moment is known to have run; at most a lease short."""
        begun = [boot for boot in self.boots.values() if boot.begin_ms <= at_ms]
        return begun[-1].begin_ms + begun[-1].ran_ms if begun else at_ms

    def _measure(self, boots: list[Row]) -> None:
        """Return the length of each boot from the next one's record, because a boot's last record may be minutes older."""
        powered_on_s = {one["boot"]: one["powered_on_s"] for one in boots}
        for number, following in pairwise(self.boots):
            boot = self.boots[number]
            told = number in powered_on_s and following in powered_on_s
            ran_ms = (powered_on_s[following] - powered_on_s[number]) * MS_PER_S if told else 0
            boot.ran_ms = max(boot.last_uptime_ms, ran_ms)

    def _correct(self, sets: list[Row]) -> None:
        """Correct earlier boots by a clock that was set afterwards."""
        for one in sets:
            by_s = one["new_utc_s"] - one["old_utc_s"]
            if abs(by_s) <= DRIFT_S or not (is_time(one["old_utc_s"]) and is_time(one["new_utc_s"])):
                continue
            for boot in self.boots.values():
                if boot.known and boot.number < one["boot"]:
                    boot.corrected_s += by_s
                    boot.begin_ms += by_s * MS_PER_S

    def _lay_out(self) -> None:
        """Place boots after each other; those without a time go after the previous one, or before the first with a time."""
        boots = list(self.boots.values())
        for boot in boots:  # repeated changes of the clock may have moved it anywhere
            boot.known = boot.known and is_time(boot.begin_ms // MS_PER_S + boot.last_uptime_ms // MS_PER_S)
        first = next((index for index, boot in enumerate(boots) if boot.known), 0)
        end_ms = boots[first].begin_ms
        for boot in reversed(boots[:first]):
            boot.begin_ms = end_ms - UNKNOWN_GAP_MS - max(boot.ran_ms, boot.last_uptime_ms)
            end_ms = boot.begin_ms
        for before, boot in pairwise(boots[first:]):
            end_ms = before.begin_ms + before.last_uptime_ms
            if not boot.known:
                boot.begin_ms = before.begin_ms + max(before.ran_ms, before.last_uptime_ms) + UNKNOWN_GAP_MS
            elif boot.begin_ms < end_ms:
                boot.moved_ms = end_ms - boot.begin_ms
                boot.begin_ms = end_ms

    def at_ms(self, boot: int, uptime_ms: int) -> int:
        """Return the place of an uptime of a boot on the axis, in ms."""
        return self.boots[boot].begin_ms + uptime_ms

    def of(self, row: Row) -> int:
        """Return the place of a record on the axis, in ms."""
        return self.at_ms(row["boot"], row["uptime_ms"])

    def known(self, boot: int) -> bool:
        """Return True if this boot knew the time of day."""
        return self.boots[boot].known


def boot_of(number: int, rows: list[Row]) -> Boot:
    """Return the offset of the boot. A record cuts UTC to whole seconds, so the largest difference to the uptime is the best. The clock
    counts as it was last set in this boot."""
    boot = Boot(number, max(one["uptime_ms"] for one in rows))
    sets = [one for one in rows if one["event"] == "clock_set"]
    since_ms = max((one["uptime_ms"] for one in sets), default=-1)
    bases = [one["utc_s"] * MS_PER_S - one["uptime_ms"] for one in rows if is_time(one["utc_s"]) and one["uptime_ms"] > since_ms]
    sets = [one for one in sets if is_time(one["new_utc_s"])]
    if not bases and sets:
        newest = max(sets, key=lambda one: one["uptime_ms"])
        bases = [newest["new_utc_s"] * MS_PER_S - newest["uptime_ms"]]
    if bases:
        middle_ms = median_low(bases)  # a stamp far from the others is not this boot's clock
        boot.begin_ms, boot.known = max(base for base in bases if abs(base - middle_ms) <= DRIFT_S * MS_PER_S), True
        told = [one for one in rows if is_time(one["utc_s"]) and one["event"] != "status"]
        boot.corrected_s = 0 if not told else round((boot.begin_ms + told[0]["uptime_ms"]) / MS_PER_S) - told[0]["utc_s"]
    return boot


def is_time(utc_s: int) -> bool:
    """Return True if a pump's clock can have this value."""
    return FIRST_UTC_S <= utc_s <= LAST_UTC_S


class Offsets:
    """Local time minus UTC by place on the axis: as set, and as it changed by itself."""

    def __init__(self, axis: Axis, events: Iterable[Row], status: dict[str, Any] | None) -> None:
        rows = list(events)
        sets = [(axis.of(one), one["offset_s"]) for one in rows if one["event"] == "clock_set"]
        changes = [(one["transition_utc_s"] * MS_PER_S, one["new_offset_s"]) for one in rows if one["event"] == "offset_changed"]
        self._sets = sorted(one for one in (*sets, *changes) if abs(one[1]) <= MOST_OFFSET_S)
        self._else_s: int | None = (status or {}).get("offset_s")

    def at(self, at_ms: int) -> int:
        """Return the offset in force; before the first known one, that one."""
        found = [offset_s for set_ms, offset_s in self._sets if set_ms <= at_ms]
        if found:
            return found[-1]
        return self._sets[0][1] if self._sets else self._else_s or 0

    def known(self) -> bool:
        """Return True if any record or the status names an offset."""
        return bool(self._sets) or self._else_s is not None
