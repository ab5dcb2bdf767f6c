"""The pump's clock from this computer: local time with its next change, and how far the pump's clock is from ours.

A clock chip tells whole seconds, so what is said of the clock carries the uncertainty of how it was read.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pumpcore.schedule import Zone
from pumpcore.units import S_PER_DAY, S_PER_MINUTE
from thecal.console import talk
from thecal.errors import BadInput
from thecal.quantities import shown
from thecal.transport import registry

if TYPE_CHECKING:
    from thecal.client import Client

LOOK_AHEAD_DAYS = 400
WARN_S = 2.0  # what a running pump's clock may still be moved by
WARN_PPM = 100.0
TELLABLE_PPM = 50.0
MOST_PPM = 10_000.0  # more is no drift: somebody set another time
SET_WITHIN_S = 0.05  # how well a clock is set: the line's delay and the loop's turn
CHIP_HALF_S = 0.5

OffsetAt = Callable[[int], int]


def offset_of(zone: str | None) -> OffsetAt:
    """UTC seconds -> local time minus UTC, in a named zone or in this computer's own. BadInput for a name that there is not."""
    if zone is None:
        return lambda utc_s: time.localtime(utc_s).tm_gmtoff
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        found = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadInput(f"--zone: {shown(zone)} is not a time zone", "write one like Europe/Berlin, America/New_York or UTC") from error

    def offset_at(utc_s: int) -> int:
        offset = datetime.fromtimestamp(utc_s, UTC).astimezone(found).utcoffset()
        return round(offset.total_seconds()) if offset else 0

    return offset_at


def local_time(offset_at: OffsetAt, utc_s: int) -> Zone:
    """The offset at `utc_s` and its next change within 400 days; a transition of 0 when there is none."""
    offset_s = offset_at(utc_s)
    for behind_s in range(utc_s + S_PER_DAY, utc_s + LOOK_AHEAD_DAYS * S_PER_DAY, S_PER_DAY):
        if offset_at(behind_s) != offset_s:
            at_s = first_change(offset_at, behind_s - S_PER_DAY, behind_s)
            return Zone(offset_s, at_s, offset_at(at_s))
    return Zone(offset_s)


def first_change(offset_at: OffsetAt, before_s: int, behind_s: int) -> int:
    """The first second with another offset than `before_s`, in (before_s, behind_s]."""
    old_s = offset_at(before_s)
    while behind_s - before_s > 1:
        middle_s = (before_s + behind_s) // 2
        if offset_at(middle_s) == old_s:
            before_s = middle_s
        else:
            behind_s = middle_s
    return behind_s


def set_clock(client: Client, zone: str | None, status: dict[str, Any]) -> dict[str, Any]:
    """Sets the pump's clock at the beginning of a second of ours, so that it is right to the line's delay."""
    offset_at = offset_of(zone)
    time.sleep(1 - time.time() % 1)
    utc_s = round(time.time())
    local = local_time(offset_at, utc_s)
    if "transition_utc_s" not in status:  # an older firmware knows no transition
        local = Zone(local.offset_s)
    return client.clock_set(utc_s, *local.values())


def set_before_start(client: Client, zone: str | None, status: dict[str, Any]) -> None:
    """Sets the clock of a stopped pump and says so: it stays set when the start is refused."""
    from thecal.status_text import clock_text

    if status["state"] == "stopped":
        told = set_clock(client, zone, status)
        talk(f"clock set to {clock_text(told['utc_s'], told['offset_s'])}")


def read(client: Client) -> tuple[dict[str, Any], Reading]:
    """A status, and what it says of the pump's clock."""
    asked_s = time.time()
    status = client.status()
    reading = Reading(status, asked_s, time.time())
    reading.own_time = reading.error_s is not None and abs(reading.error_s) > WARN_S and lives_by_itself(client.port_url)
    return status, reading


def lives_by_itself(port_url: str) -> bool:
    """Whether it is a simulated pump whose time does not pass as ours."""
    entries = [entry for entry in registry.entries() if port_url in (entry.get("port"), entry.get("socket"))]
    return any(entry.get("virtual") or entry.get("speed") != 1 for entry in entries)


def tell(client: Client) -> None:
    """One line about the clock on stderr, at every contact that has no better place for it."""
    _, reading = read(client)
    talk(f"clock {reading.text()}")
    if reading.warning():
        talk(reading.warning())


def next_change(status: dict[str, Any]) -> str:
    """When the pump will change its offset by itself, in words."""
    from thecal.status_text import clock_text

    at_s = status.get("transition_utc_s")
    if not at_s:
        return "no change of local time is known to the pump"
    behind_s = status["transition_offset_s"]
    by_min = (behind_s - status["offset_s"]) / S_PER_MINUTE
    return f"local time changes by {by_min:+.0f} min to {clock_text(at_s, behind_s)}"


class Reading:
    """How far the pump's clock is from ours: `error_s` (pump minus host) give or take `uncertain_s`; None when unknown."""

    def __init__(self, status: dict[str, Any], asked_s: float, answered_s: float) -> None:
        self.error_s: float | None = None
        self.drift_ppm: float | None = None
        self.uncertain_ppm = 0.0
        self.set_ago_s = 0
        self.own_time = False
        self.uncertain_s = (answered_s - asked_s) / 2
        fraction_ms = status.get("utc_fraction_ms")
        if fraction_ms is None:
            self.uncertain_s += CHIP_HALF_S
        if status.get("utc_s"):
            host_s = (asked_s + answered_s) / 2
            self.error_s = status["utc_s"] + (CHIP_HALF_S if fraction_ms is None else fraction_ms / 1000) - host_s
            self._count_drift(status, host_s)

    def _count_drift(self, status: dict[str, Any], host_s: float) -> None:
        """From when a host set the clock: it was right then."""
        set_utc_s = status.get("clock_set_utc_s")
        if not set_utc_s or host_s <= set_utc_s or self.error_s is None:
            return
        self.set_ago_s = round(host_s - set_utc_s)
        self.uncertain_ppm = (self.uncertain_s + SET_WITHIN_S) * 1e6 / (host_s - set_utc_s)
        drift_ppm = self.error_s * 1e6 / (host_s - set_utc_s)
        if self.uncertain_ppm <= TELLABLE_PPM and abs(drift_ppm) <= MOST_PPM:
            self.drift_ppm = drift_ppm

    def text(self) -> str:
        """ "+1.2 s, drift 3 ppm since it was set 4 d 2 h ago"; of a chip that tells whole seconds "+1 s"."""
        from thecal.status_text import span

        if self.error_s is None:
            return "unknown"
        if self.own_time:
            return f"{self.error_s:+.0f} s: a simulated pump whose time passes by itself"
        digits = 0 if self.uncertain_s >= CHIP_HALF_S else 1
        said = f"{self.error_s:+.{digits}f} s".replace("-0 s", "+0 s").replace("-0.0 s", "+0.0 s")
        if not self.set_ago_s:
            return said
        ago = f"set {span(self.set_ago_s)} ago"
        if self.drift_ppm is None:
            return f"{said}, {ago}"
        return f"{said}, drift {self.drift_ppm:.0f} ppm since it was {ago}"

    def warning(self) -> str:
        """What to do about a clock that is off or drifts; "" when it is right."""
        if self.own_time:
            return ""
        if self.error_s is not None and abs(self.error_s) > WARN_S + self.uncertain_s:
            return f"the pump's clock is {self.error_s:+.0f} s off: set it with `thecal clock --set` (while running by at most 2 s)"
        if self.drift_ppm is not None and abs(self.drift_ppm) > WARN_PPM + self.uncertain_ppm:
            return f"the pump's clock drifts by {self.drift_ppm:.0f} ppm: set it more often, or check its clock chip"
        return ""

    def as_dict(self) -> dict[str, Any]:
        return {
            "error_s": self.error_s if self.error_s is None else round(self.error_s, 3),
            "uncertain_s": round(self.uncertain_s, 3),
            "drift_ppm": self.drift_ppm if self.drift_ppm is None else round(self.drift_ppm, 1),
            "set_ago_s": self.set_ago_s,
        }
