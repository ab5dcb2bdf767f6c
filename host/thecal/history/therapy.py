"""The therapy records of the journal besides basal and boluses: temporary rates, bridges, refills, confirmed soft limits."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from pumpcore.orders.bolus import CANCELLED, DONE, ENDS
from thecal.history.flows import Flows
from thecal.history.now import Now
from thecal.history.rows import Row
from thecal.history.tally import Tally

# an order begins with the next slice: 2.5 to 6.5 s after its record
SLICE_AHEAD_MS = 4_500
PASSED, STOPPED = "passed", ENDS[3]


@dataclass
class TemporaryLine:
    """A rate per the program's seconds, or if that is 0 the part `numerator` / `denominator` of the basal, for `duration_s`. `ended` is
    empty while it waits or runs, otherwise done, cancelled, cut, stopped or fault."""

    token: str
    ordered_ms: int
    rate_nl: int
    numerator: int
    denominator: int
    duration_s: int
    digest: str
    ended_ms: int | None = None
    ended: str = ""

    def of(self, basal_nl: int | Fraction) -> Fraction:
        """Return the flow instead of this basal."""
        return Fraction(basal_nl) * self.numerator / self.denominator if self.denominator else Fraction(self.rate_nl)


@dataclass
class BridgeLine:
    """The basal times `numerator` / `denominator` until `near_ms`, then the lower of that and the basal until the front has passed.
    `ended` is empty while it runs, otherwise passed, stopped or cut."""

    token: str
    from_ms: int
    line_nl: int
    numerator: int
    denominator: int
    near_ms: int | None = None
    ended_ms: int | None = None
    ended: str = ""

    def of(self, basal_nl: int | Fraction) -> Fraction:
        """Return the flow instead of this basal."""
        part = Fraction(self.numerator, max(1, self.denominator))
        return basal_nl * (part if self.near_ms is None else min(part, Fraction(1)))


@dataclass
class Refill:
    """`blocks` 1: out of tolerance; the pump refuses a start until it has a `reason`."""

    at_ms: int
    expected_nl: int
    uncertain_nl: int
    measured_nl: int
    filled_nl: int
    delivered_nl: int
    blocks: int
    reason: str = ""
    acknowledged_ms: int | None = None


@dataclass
class Override:
    """A confirmed soft limit that the activated program exceeds. `asked` and `limit` are nl (a rate: per the program's seconds; a
    concentration: ng per ml)."""

    at_ms: int
    what: str
    asked: int
    limit: int
    library_version: int
    digest: str


@dataclass
class Refused:
    """Refused presses of the bolus button; `count` since the last such record."""

    at_ms: int
    fault: int
    count: int
    wait_s: int


class TherapyBook:
    """Read these records; a temporary rate or a bridge sets the rates between the anchors while it runs. `dose` is the last record of
    what a bolus is for."""

    def __init__(self, now: Now, flows: Flows, tally: Tally) -> None:
        self._now, self._flows, self._tally = now, flows, tally
        self.temporaries: list[TemporaryLine] = []
        self.bridges: list[BridgeLine] = []
        self.refills: list[Refill] = []
        self.overrides: list[Override] = []
        self.refused: list[Refused] = []
        self.activated: list[tuple[int, str]] = []
        self.changed: list[tuple[int, str]] = []
        self.dose: Row | None = None

    # -- boluses

    def on_dose(self, row: Row, _: int) -> None:
        """Keep what the next `bolus_ordered` is for."""
        self.dose = row

    def on_extended_paused(self, row: Row, at_ms: int) -> None:
        """Let an extended bolus wait."""
        if row["token"] in self._now.boluses:
            self._now.boluses[row["token"]].waits_ms.append((at_ms, None))

    def on_extended_resumed(self, row: Row, at_ms: int) -> None:
        """End its wait."""
        line = self._now.boluses.get(row["token"])
        if line is not None and line.waits_ms:
            line.waits_ms[-1] = (line.waits_ms[-1][0], at_ms)

    def on_demand_refused(self, row: Row, at_ms: int) -> None:
        """Note demand boluses that came too early at the button."""
        self.refused.append(Refused(at_ms, row["fault"], row["count"], row["wait_s"]))

    # -- instead of the basal

    def on_temporary_ordered(self, row: Row, at_ms: int) -> None:
        """Run the temporary rate from the next slice on."""
        digest = self._now.run.digest if self._now.run else ""
        values = (row["rate_nl"], row["numerator"], row["denominator"], row["duration_s"])
        self.temporaries.append(TemporaryLine(row["token"], at_ms, *values, digest))
        self._flows.overlay_is(self.temporaries[-1], at_ms + SLICE_AHEAD_MS)
        self._tally.begins_vaguely = True

    def on_temporary_ended(self, row: Row, at_ms: int) -> None:
        """Return to the basal."""
        if not self.temporaries or self.temporaries[-1].ended:
            return
        ran = at_ms > self.temporaries[-1].ordered_ms + 2 * SLICE_AHEAD_MS
        self._temporary_ends(str(row["reason"]), at_ms)
        if ran and row["reason"] in (DONE, CANCELLED):  # recorded when its last step is due; otherwise it includes the queued steps
            self._tally.plan_at(at_ms, row["ordered_steps"])

    def _temporary_ends(self, ended: str, at_ms: int) -> None:
        last = self.temporaries[-1]
        last.ended, last.ended_ms = ended, at_ms
        self._flows.overlay_is(None, at_ms)

    def on_bridge_started(self, row: Row, at_ms: int) -> None:
        """Run the bridge instead of the basal."""
        values = (row["line_nl"], row["numerator"], row["denominator"])
        self.bridges.append(BridgeLine(row["token"], at_ms, *values))
        self._flows.overlay_is(self.bridges[-1], at_ms)

    def on_front_near(self, row: Row, at_ms: int) -> None:
        """Run the bridge's second ratio from here on."""
        self._tally.plan_at(at_ms, row["ordered_steps"])
        if self.bridges and self.bridges[-1].near_ms is None:
            self._flows.overlay_is(self._flows.overlay, at_ms)  # the flow so far had the first ratio
            self.bridges[-1].near_ms = at_ms

    def on_front_passed(self, row: Row, at_ms: int) -> None:
        """Return to the basal."""
        if self.bridges and not self.bridges[-1].ended:
            self._bridge_ends(PASSED, at_ms)
            self._tally.plan_at(at_ms, row["ordered_steps"])

    def _bridge_ends(self, ended: str, at_ms: int) -> None:
        last = self.bridges[-1]
        last.ended, last.ended_ms = ended, at_ms
        self._flows.overlay_is(None, at_ms)

    def overlays_end(self, ended: str, at_ms: int) -> None:
        """End the temporary rate or bridge at a stop or power cut."""
        if self.temporaries and not self.temporaries[-1].ended:
            self._temporary_ends(ended, at_ms)
        if self.bridges and not self.bridges[-1].ended:
            self._bridge_ends(ended, at_ms)

    # -- reports and confirmations

    def on_refilled(self, row: Row, at_ms: int) -> None:
        """Note a refill."""
        names = ("expected_nl", "uncertain_nl", "measured_nl", "filled_nl", "delivered_nl", "blocks")
        self.refills.append(Refill(at_ms, *(row[name] for name in names)))

    def on_refill_acknowledged(self, row: Row, at_ms: int) -> None:
        """Note the reason of the last refill."""
        if self.refills:
            self.refills[-1].reason, self.refills[-1].acknowledged_ms = str(row["reason"]), at_ms

    def on_override(self, row: Row, at_ms: int) -> None:
        """Note a soft limit that was confirmed."""
        digest = self.activated[-1][1] if self.activated else ""
        self.overrides.append(Override(at_ms, str(row["what"]), row["asked_nl"], row["limit_nl"], row["library_version"], digest))

    def on_program_changed(self, row: Row, at_ms: int) -> None:
        """Assign the run to another program from here on; its first entry follows."""
        self.changed.append((at_ms, row["digest"]))
        self._tally.plan_at(at_ms, row["ordered_steps"])
        if self._now.run is not None:
            self._now.run.digest = row["digest"]
