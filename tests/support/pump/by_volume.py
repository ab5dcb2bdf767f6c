"""Unit pumps with a table of the rotor, watched by the plant's own count: what the motor has really brought, by fractions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from app.delivery.law import Law
from pumpcore.flash import ledger
from pumpcore.motion.rotor import PARTS, Rotor
from pumpcore.program.plan import Program
from support.models.rotor import exact_paid, prices_of
from support.programs import MONDAY_UTC_S, constant
from support.pump.running import BENCH, UnitPump

TURNS, TURNS_STEPS = 1, 3_200
NL_PER_STEP = Fraction(BENCH["calibration"]["volume_nl"], BENCH["calibration"]["steps"])


def rate_nl(rate_hz: float) -> int:
    """Return the rate per hour that is so many dose steps a second."""
    return int(rate_hz * NL_PER_STEP * 3600)


class TurnedPump(UnitPump):
    """A pump with a table, whose pins, guard, leases and flash are compared after every turn of the loop (R2, R3)."""

    prices: list[int]
    watching = False

    def give_table(self, prices: Sequence[int], zero_steps: int | None = 0) -> None:
        """Give Motion its table; `zero_steps` None: nobody knows the rotor's angle."""
        motion, setup = self.pump.delivery.motion, self.pump.setup
        self.law = setup.law = motion.law = Law(setup.bench)
        self.law.set_table(Rotor(prices, TURNS, TURNS_STEPS))
        if zero_steps is not None:
            self.law.set_phase(zero_steps)
        self.prices, self.zero_steps = list(prices), zero_steps or 0
        self.begun = motion.motor_steps(), motion.delivered_steps()
        if not self.watching:
            self._watch()

    @classmethod
    def turned(
        cls, rate: Callable[[float], float], program: Program | None = None, zero_steps: int | None = 0, **options: Any,
    ) -> TurnedPump:
        """Return a ready pump with the table of this head."""
        pump = cls.ready(program or constant(rate_nl(27.0)), MONDAY_UTC_S, **options)
        pump.give_table(prices_of(rate, 192, TURNS_STEPS), zero_steps)
        return pump

    def _watch(self) -> None:
        turn = self.pump.turn
        self.watching, self.turns_watched = True, 0

        def watched() -> None:
            turn()
            self.look()

        self.pump.turn = watched

    def motor_steps(self) -> int:
        """Return the motor's true position: the plant's pulses of this boot."""
        return self.pump.book.position_steps + self.plant_steps()

    def brought(self) -> Fraction:
        """Return the dose steps that the motor has really brought since it got its table, all of it by volume; in whole grains."""
        places = self.begun[0] - self.zero_steps, self.motor_steps() - self.zero_steps
        grains = [exact_paid(self.prices, TURNS, TURNS_STEPS, at) // 1 for at in places]
        return Fraction(grains[1] - grains[0], PARTS)

    def look(self) -> None:
        """Pins, guard and `motor_steps` agree; nothing beyond the lease; flash books what has come and what one step more can bring."""
        delivery = self.pump.delivery
        motion, span, record = delivery.motion, delivery.span, delivery.leases.files.record
        assert motion.motor_steps() == self.motor_steps()
        assert motion.delivered_steps() == motion.delivered_steps()
        if span is None or not span.planned_s:
            return
        self.turns_watched += 1
        lease = motion.path.motor(span.leased_steps)
        assert self.motor_steps() <= motion.path.motor_steps() <= lease
        assert motion.delivered_steps() <= span.leased_steps
        assert self.board.guard.allowance_steps + motion._guard_base >= motion.path.motor_steps()
        if record.state in (ledger.RUNNING, ledger.ALONE) and delivery.state != "limited":
            over = motion.path.delivered(lease + 1)
            assert motion.delivered_steps() <= over <= record.leased_steps

    def law_records(self) -> list[tuple[str, str]]:
        """Return (law, cause) of each record of a law, oldest first."""
        from pumpcore.wire import record_types as types

        return [
            (types.code_text("law", "law", one["law"]), types.code_text("law", "cause", one["cause"])) for one in self.records("law")
        ]
