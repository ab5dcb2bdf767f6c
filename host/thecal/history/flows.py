"""The rates between the anchors of the two curves, as planned and as made."""

from __future__ import annotations

from fractions import Fraction
from typing import Protocol

from pumpcore.units import MS_PER_S, S_PER_DAY
from thecal.history.now import Now
from thecal.history.parts import Flow

LONGEST_UNSEEN_MS = 400 * S_PER_DAY * MS_PER_S  # entries of a longer time are not drawn one by one


class Overlay(Protocol):
    """A temporary rate or a bridge: the flow instead of a basal, per the program's seconds."""

    def of(self, basal_nl: int | Fraction) -> Fraction:
        """Return the rate instead of a basal of `basal_nl`, in nl per the program's seconds."""


class Flows:
    """`planned` and `made` are those that have ended; `plan_from` and `made_from` (moment, basal) begin those that last."""

    def __init__(self, now: Now) -> None:
        self._now = now
        self.planned: list[Flow] = []
        self.made: list[Flow] = []
        self.overlay: Overlay | None = None
        self.plan_from: tuple[int, int] | None = None
        self.made_from: tuple[int, int] | None = None

    def flowing(self, basal_nl: int | Fraction) -> int | Fraction:
        """Return the basal, or the flow instead of it."""
        return basal_nl if self.overlay is None else self.overlay.of(basal_nl)

    def flow(self, from_ms: int, to_ms: int, basal_nl: int) -> Flow:
        """Return the flow of a basal, or of the overlay, between two moments."""
        return Flow(from_ms, to_ms, self.flowing(basal_nl))

    def flows(self, from_ms: int, to_ms: int, basal_nl: int) -> list[Flow]:
        """Return the flow of a basal between two moments; of a protocol one for each stage, and several for a ramp."""
        known, place = self._now.prescribed, self._now.place()
        if known is None or place is None:
            return [self.flow(from_ms, to_ms, basal_nl)]
        return [Flow(one.from_ms, one.to_ms, self.flowing(one.rate_nl)) for one in known.between(place, from_ms, to_ms)]

    def overlay_is(self, overlay: Overlay | None, at_ms: int) -> None:
        """Run this instead of the basal from here on; None: the basal again."""
        plan, made = self.plan_from, self.made_from
        self.end(at_ms)
        self.overlay = overlay
        self.plan_from, self.made_from = ((max(at_ms, one[0]), one[1]) if one else None for one in (plan, made))
        if self._now.stretch is not None:
            self._now.stretch.overlaid = True

    def plan_ends(self, at_ms: int) -> None:
        """End the planned flow that lasts."""
        if self.plan_from is not None and at_ms > self.plan_from[0]:
            self.planned += self._scheduled(self.plan_from[0], at_ms, self.plan_from[1])
        self.plan_from = None

    def made_ends(self, at_ms: int) -> None:
        """End the made flow that lasts."""
        if self.made_from is not None and at_ms > self.made_from[0]:
            self.made += self.flows(self.made_from[0], at_ms, self.made_from[1])
        self.made_from = None

    def end(self, at_ms: int) -> None:
        """End both flows."""
        self.plan_ends(at_ms)
        self.made_ends(at_ms)

    def _scheduled(self, from_ms: int, to_ms: int, rate_nl: int) -> list[Flow]:
        """Return one flow, or those of the schedule if an entry may have begun unseen, in a pause or with the power off."""
        stretch, known = self._now.stretch, self._now.prescribed
        if self._now.place() is not None:
            return self.flows(from_ms, to_ms, rate_nl)
        unseen = stretch is not None and (stretch.cut or stretch.paused) and to_ms - from_ms <= LONGEST_UNSEEN_MS
        if not unseen or stretch is None or known is None or stretch.digest != known.digest or not stretch.from_utc_s:
            return [self.flow(from_ms, to_ms, rate_nl)]
        if known.program.protocol is not None:
            return [self.flow(from_ms, to_ms, rate_nl)]
        flows, at_ms = [], from_ms
        for part_s, part_nl in known.pieces(stretch.from_utc_s + self._now.offset_s(from_ms), (to_ms - from_ms) // 1000 + 1):
            flows.append(self.flow(at_ms, min(to_ms, at_ms + part_s * 1000), part_nl))
            at_ms += part_s * 1000
        return [flow for flow in flows if flow.to_ms > flow.from_ms]
