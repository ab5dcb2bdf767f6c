"""The `--json` documents of therapy modes, of the clock, and of their verbs; see verbs.py."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from pumpcore.wire import replies
from pumpcore.wire.replies import REPLIES
from thecal.cli.schema.of_replies import Shape, repeats


class Open(BaseModel):
    """A document with keys that depend on the pump's data; every name ends with its unit."""

    model_config = ConfigDict(extra="allow")


class Unsent(Shape):
    """The order that a dry run did not send: command and params, without the token."""

    dry_run: Literal[True]
    method: str
    params: dict[str, int | str]


class Clock(Shape):
    """The error of the pump's clock against this computer's; null if unknown."""

    error_s: float | None
    uncertain_s: float
    drift_ppm: float | None
    set_ago_s: int | None
    text: str | None = None


@repeats(replies.RESERVOIR)
class Reservoir(Shape):
    """The least volume left, and its uncertainty (`spread_nl`); null before the first refill report."""


@repeats(replies.DRUG)
class Drug(Shape):
    """A drug and its concentration: `ng` in `nl`; 0 in 0: a fluid in volumes."""


@repeats(replies.LINE)
class Line(Shape):
    """Two solutions in the line (ng in nl; 0 in 0: unknown): what a start `needs` ("bridge", "prime", ""), the `phase` of a running
    bridge ("old", "uncertain", ""), the measured range of the line's volume, and the least and greatest position of the front."""


@repeats(replies.PROTOCOL_NOW)
class ProtocolNow(Shape):
    """Where a protocol is: the stage (0 the first; null while it waits), the pass of its loop, the seconds left; see PROTOCOL.md."""


@repeats(replies.TEMPORARY)
class Temporary(Shape):
    """A rate (nl per the program's seconds), or numerator / denominator of the basal, for a time."""


@repeats(replies.THERAPY, without="line")
class Therapy(Shape):
    """The live values of the program's settings. `demand_on` is 0 or 1; `demand_barred` is the fault that would refuse a demand bolus
    now, "" if none."""


@repeats(REPLIES["temporary.start"], REPLIES["temporary.cancel"])
class TemporaryOrdered(Shape):
    """The answer to `temporary` and its cancellation."""

    settled: bool | None = None


@repeats(REPLIES["bridge.start"])
class Bridged(Shape):
    """The basal x `numerator` / `denominator` up to `old_until_steps`, then the lower of that and the basal up to `new_from_steps`."""

    settled: bool | None = None


class Refilled(Open):
    """`left_nl` is the volume from here on; with `blocks` the next start needs a reason."""

    blocks: int | bool | None = Field(None)


class ClockTold(Clock):
    """`thecal clock`: the pump's time and its error."""

    utc_s: int | None = None
    utc_fraction_ms: int | None = None
    offset_s: int | None = None
    transition_utc_s: int | None = None
    transition_offset_s: int | None = None
    clock_set_utc_s: int | None = None


class Forecast(Open):
    """The forecast: rate changes, doses, allowed boluses, reservoir, digest."""


class Limits(Open):
    """Every limit by layer, and the limit that binds."""


class Bench(Open):
    """The bench and its ceilings; after `set` the old and the new ones: `rate_nl` per `rate_seconds_s`, volumes per hour and 24 hours."""


class BenchFinding(Shape):
    """A mistake that one of the electrical rules E1 to E14 found. `net` is empty if none is meant; `cure` says what to do."""

    rule: str
    net: str
    parts: list[str]
    numbers: str
    cure: str
    text: str


class BenchCheck(Shape):
    """`thecal bench check`: exit code 2 if there is a finding. `figures`: how many of the parts' figures are read, computed, unread,
    defined or measured; empty for a simulated rig."""

    bench: str
    target: str
    findings: list[BenchFinding]
    figures: dict[str, int]


class Compare(Open):
    """Forecast and journal, minute by minute."""


class Read(Open):
    """All data of the pump."""

    program: dict[str, Any] | None = None


VERBS: dict[str, Any] = {
    "forecast": Forecast,
    "limits": Limits,
    "bench": BenchCheck | Bench | Unsent,
    "clock": ClockTold,
    "temporary": TemporaryOrdered | Unsent,
    "bridge": Bridged | Unsent,
    "refill": Refilled | Unsent,
    "read": Read,
    "compare": Compare,
}
