"""A bolus by itself: what stands where a program and its basal would be while the pump primes or is calibrated."""

from app.basal import Basal
from pumpcore import bolus as boluses
from pumpcore.bolus import Bolus
from pumpcore.calibration import Calibration
from pumpcore.ceilings import Ceilings
from pumpcore.dose import Accumulator
from pumpcore.plan import Program
from pumpcore.schedule import NEVER_S

if 0:  # for the type checker alone
    from app.types import Setup

STATES = {boluses.PRIMING: "priming", boluses.CALIBRATION: "calibrating"}


class NoBasal(Basal):
    """The basal source of a span that is only a bolus: nothing is due, ever. `kept` is the remainder of the program that does
    not run meanwhile; it goes through the ledger as it is."""

    program = None
    week = None

    def __init__(self, bolus: Bolus, calibration: Calibration, kept: int) -> None:
        self.accumulator = Accumulator(bolus.rate_seconds_s, calibration)
        self._kept = kept

    def entry_at(self, second_s: int) -> int:
        return 0

    def rate_nl(self, entry: int) -> int:
        return 0

    def until_change_s(self, second_s: int) -> int:
        return NEVER_S

    def skip(self, from_s: int, duration_s: int) -> int:
        return 0

    def remainder_in(self, rate_nl: int, duration_s: int) -> int:
        return self._kept

    def owed_steps(self, rate_nl: int, duration_s: int) -> int:
        return 0


def ceilings(setup: "Setup", rate_seconds_s: int) -> Ceilings:
    """The bench's own ceilings, tightened by nothing, with rates per `rate_seconds_s`."""
    return Ceilings(setup.bench, setup.calibration, Program("", "", rate_seconds_s, []))
