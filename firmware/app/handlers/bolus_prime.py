"""bolus.prime: fills the line of the active program once, while nothing runs; again only when somebody says so (R8)."""

from app.handlers.priming import line_nl
from app.handlers.run_start import run_start
from app.pump import Pump
from pumpcore.bolus import PRIMING
from pumpcore.faults import Refusal


def bolus_prime(pump: Pump, params: dict) -> dict:
    """Answers as `run.start`. Refusals `no_line`, `primed_already`, and those of a run. `rate_nl` is per the program's seconds."""
    volume_nl = line_nl(pump)
    if not volume_nl:
        raise Refusal("no_line", rule="R7", asked=1, limit=0, nearest=0)
    order = {"token": params["token"], "purpose": PRIMING, "volume_nl": volume_nl, "steps": 0, "rate_nl": params["rate_nl"]}
    order["rate_seconds_s"] = pump.setup.program.rate_seconds_s
    order["again"] = params["again"]
    return run_start(pump, order)
