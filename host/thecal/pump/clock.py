"""The pump's clock: its error against this computer's clock, and how to set it.

A clock chip reports whole seconds, so each reading carries its uncertainty.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

from pumpcore.units import S_PER_MINUTE
from thecal.errors import Failed
from thecal.pump.transport import registry
from thecal.quantities.amounts import clock_text, span
from thecal.terminal.console import talk

if TYPE_CHECKING:
    from thecal.pump.client import Client

FIRST_HOST_S, END_HOST_S = 1_704_067_200, 4_102_444_800  # 2024 to 2099: a computer's clock elsewhere was never set
WARN_S = 2.0  # the largest step that a running pump's clock accepts
WARN_PPM = 100.0
TELLABLE_PPM = 50.0
MOST_PPM = 10_000.0  # more is not drift: the clock was set to another time
SET_WITHIN_S = 0.05  # how well a clock is set: the line's delay and the loop's turn
CHIP_HALF_S = 0.5


def host_s() -> float:
    """Return UTC seconds by this computer's clock."""
    return time.time()


def host_problem() -> str:
    """Return the reason why this computer's clock must be wrong; "" if it may be right."""
    now_s = host_s()
    if FIRST_HOST_S <= now_s < END_HOST_S:
        return ""
    when = "before 2024" if now_s < FIRST_HOST_S else "past 2099"
    return f"this computer's clock is at {stamp(now_s)}, {when}"


def stamp(utc_s: float) -> str:
    """Format UTC seconds to the minute."""
    try:
        return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(utc_s))
    except (OverflowError, ValueError, OSError):
        return f"{utc_s:.0f} s since 1970"


def check_host(otherwise: str = "") -> None:
    """Raise Failed if this computer's clock must be wrong, so that no pump is set from it. `otherwise`: another remedy."""
    problem = host_problem()
    if problem:
        raise Failed(f"{problem}: nothing was set", "; ".join(filter(None, ("set this computer's clock first", otherwise))))


def next_second() -> int:
    """Sleep until the next full second of this computer's clock; return it as UTC seconds."""
    time.sleep(1 - host_s() % 1)
    return round(host_s())


class Looked(NamedTuple):
    """A status, and the reading of the pump's clock in it."""

    status: dict[str, Any]
    reading: Reading


def read(client: Client) -> Looked:
    """Ask for a status."""
    asked_s = host_s()
    status = client.status()
    reading = Reading(status, asked_s, host_s())
    reading.own_time = reading.error_s is not None and abs(reading.error_s) > WARN_S and lives_by_itself(client.port_url)
    return Looked(status, reading)


def lives_by_itself(port_url: str) -> bool:
    """Return True for a simulated pump with its own time."""
    entries = [entry for entry in registry.entries() if port_url in (entry.get("port"), entry.get("socket"))]
    return any(entry.get("virtual") or entry.get("speed") != 1 for entry in entries)


def tell(reading: Reading) -> None:
    """Print one line about the clock to stderr."""
    talk(f"clock {reading.text()}")
    if reading.warning():
        talk(reading.warning())


def next_change(status: dict[str, Any]) -> str:
    """Describe the next change of the pump's offset."""
    at_s = status.get("transition_utc_s")
    if not at_s:
        return "the pump knows no change of local time"
    behind_s = status["transition_offset_s"]
    by_min = (behind_s - status["offset_s"]) / S_PER_MINUTE
    return f"local time changes by {by_min:+.0f} min to {clock_text(at_s, behind_s)}"


class Reading:
    """The error of the pump's clock: `error_s` (pump minus host) plus or minus `uncertain_s`; None if unknown."""

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
        """Compute the drift since a host set the clock, when it was right."""
        set_utc_s = status.get("clock_set_utc_s")
        if not set_utc_s or host_s <= set_utc_s or self.error_s is None:
            return
        self.set_ago_s = round(host_s - set_utc_s)
        self.uncertain_ppm = (self.uncertain_s + SET_WITHIN_S) * 1e6 / (host_s - set_utc_s)
        drift_ppm = self.error_s * 1e6 / (host_s - set_utc_s)
        if self.uncertain_ppm <= TELLABLE_PPM and abs(drift_ppm) <= MOST_PPM:
            self.drift_ppm = drift_ppm

    def text(self) -> str:
        """ "+1.2 s, drift 3 ppm since it was set 4 d 2 h ago"; "+1 s" for a chip that reports whole seconds."""
        if self.error_s is None:
            return "unknown"
        if self.own_time:
            return f"{self.error_s:+.0f} s: a simulated pump with its own time"
        digits = 0 if self.uncertain_s >= CHIP_HALF_S else 1
        said = f"{self.error_s:+.{digits}f} s".replace("-0 s", "+0 s").replace("-0.0 s", "+0.0 s")
        if not self.set_ago_s:
            return said
        ago = f"set {span(self.set_ago_s)} ago"
        if self.drift_ppm is None:
            return f"{said}, {ago}"
        return f"{said}, drift {self.drift_ppm:.0f} ppm since it was {ago}"

    def warning(self) -> str:
        """Return the remedy for a clock that is off or drifts; "" if it is right."""
        if self.own_time:
            return ""
        if host_problem():
            return f"{host_problem()}: set it"
        if self.error_s is not None and abs(self.error_s) > WARN_S + self.uncertain_s:
            return f"the pump's clock is {self.error_s:+.0f} s off: set it with `thecal clock --set` (while running by at most 2 s)"
        if self.drift_ppm is not None and abs(self.drift_ppm) > WARN_PPM + self.uncertain_ppm:
            return f"the pump's clock drifts by {self.drift_ppm:.0f} ppm: set it more often, or check its clock chip"
        return ""

    def as_dict(self) -> dict[str, Any]:
        """Return the reading for `--json`: error and uncertainty in s, drift in ppm."""
        return {
            "error_s": self.error_s if self.error_s is None else round(self.error_s, 3),
            "uncertain_s": round(self.uncertain_s, 3),
            "drift_ppm": self.drift_ppm if self.drift_ppm is None else round(self.drift_ppm, 1),
            "set_ago_s": self.set_ago_s,
        }
