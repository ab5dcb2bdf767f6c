"""Programs with a line and a concentration, and pumps with two concentrations in their line."""

from pumpcore.motion.dose import Calibration
from pumpcore.program import packing as programs
from support.programs import constant, resuming, with_settings
from support.pump.running import BENCH, UnitPump, Watched, ready

PAIR = Calibration(BENCH["calibration"]["volume_nl"], BENCH["calibration"]["steps"])
LINE_NL = 339_000
LOW_NL, HIGH_NL = 305_100, 372_900
RATE = 3_600_000  # 1 ul a second: the line takes 339 s


def drug(ng: int, rate_nl: int = RATE, fluid: str = "dye", nl: int = 1_000_000, **more: object) -> programs.Program:
    """Return a constant program of `ng` in `nl` with a line."""
    return content(constant(rate_nl), ng, fluid, nl, **more)


def content(made: programs.Program, ng: int, fluid: str = "dye", nl: int = 1_000_000, **more: object) -> programs.Program:
    made.fluid = fluid
    made.concentration = (ng, nl if ng else 0)
    return with_settings(resuming(made), **{"line_day": 20_000, "tubing_nl": 140_000, "catheter_nl": 199_000, **more})


def bridge(pump: UnitPump) -> dict:
    return pump.ask("bridge.start", token=pump.token())


def bridged(pump: UnitPump) -> dict:
    reply = bridge(pump)
    assert "result" in reply, reply
    pump.advance(0.001)
    return reply["result"]


def changed(old: programs.Program, new: programs.Program, run_s: int = 30) -> Watched:
    """Return a stopped pump that delivered `old` and has `new` active."""
    pump = ready(old)
    pump.call("start")
    pump.advance(run_s)
    pump.call("stop")
    pump.upload(new)
    return pump


def prime(pump: UnitPump, rate_nl: int = 36_000_000, again: int = 0) -> None:
    pump.call("bolus.prime", token=pump.token(), rate_nl=rate_nl, again=again)
    pump.advance(60)


def refill(pump: UnitPump) -> None:
    """Fill the reservoir up to 15 mL."""
    left_nl = pump.call("status")["therapy"]["reservoir"]["left_nl"] or 0
    pump.call("reservoir.refill", token=pump.token(), measured_nl=left_nl, filled_nl=15_000_000 - left_nl)


def line(pump: UnitPump) -> dict | None:
    return pump.call("status")["therapy"]["line"]
