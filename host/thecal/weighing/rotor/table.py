"""The pump's table of its rotor on the host: made from what was learned, packed and read by the pump's own code."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

from pumpcore.bench import learned
from pumpcore.faults.fault_texts import sentence
from pumpcore.faults.faults import Refusal
from thecal.errors import Failed
from thecal.weighing.rotor import prices, worth
from thecal.weighing.rotor.fit import Learned
from thecal.weighing.rotor.record import Conditions
from thecal.weighing.rotor.shape import Turn


def table_of(found: Learned, conditions: Conditions) -> learned.Learned:
    """Return the pump's table of a shape that was learned under these conditions."""
    volumes = prices.volumes_of(found.shape, conditions.turn)
    one = empty(conditions)
    one.volumes = tuple(volumes)
    one.deviation_nl = -int(-found.shape.rms_nl() // 1)
    one.backflow_nl = prices.backflow_nl(volumes, conditions.turn)
    one.residual_ug = round(found.residual_mg * 1000)
    one.lag_ms = round(found.lag_s * 1000)
    return one


def empty(conditions: Conditions) -> learned.Learned:
    """Return a table of an even head: the pump can check everything but the volumes before anything is weighed."""
    one = learned.Learned()
    one.bins, one.turns, one.turns_steps = prices.BINS, conditions.turns, conditions.turns_steps
    one.utc_s, one.bench, one.tube, one.lot = conditions.begun_utc_s, conditions.bench, conditions.tube, conditions.lot
    edges = [prices.PARTS * one.turns_steps * edge // one.bins for edge in range(one.bins + 1)]
    one.volumes = tuple(after - before for before, after in pairwise(edges))
    return one


def packed_of(one: learned.Learned) -> bytes:
    """Return the bytes for the pump. Raises Failed if a value is out of range; nothing was sent."""
    try:
        return learned.pack(one)
    except Refusal as refusal:
        raise Failed(f"these weights give no table: {sentence(refusal)}", "check balance and outlet, then weigh again") from None


def decoded(text: str | None) -> learned.Learned | None:
    """Unpack the table of a `rotor.read`; None for none."""
    return learned.unpack(base64.b64decode(text)) if text else None


@dataclass(frozen=True)
class Stored:
    """A table with the pair that a turn costs now."""

    table: learned.Learned
    volume_nl: int
    steps: int

    @property
    def turn(self) -> Turn:
        """Return the head's geometry with the present pair."""
        return Turn(self.table.turns, self.table.turns_steps, self.table.turns_steps * self.volume_nl / self.steps)

    def outlook(self) -> worth.Outlook:
        """Return how plain dosing and this table do over two minutes at 100 uL/h."""
        ahead: Any = partial(prices.deviation_nl, list(self.table.volumes), self.turn)
        return worth.outlook_of(ahead, self.turn, self.table.deviation_nl)
