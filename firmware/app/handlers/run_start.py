"""run.start: orders a bolus by itself, for priming or for a calibration; needs a bench and no program. At most once (R8)."""

from app.handlers.beginning import check_supply, check_tank
from app.handlers.ordering import check_holds, check_room, repeated, reply
from app.handlers.priming import line_nl, mark, primed
from app.pump import Pump
from app.run import STATES, ceilings
from pumpcore import bolus as boluses
from pumpcore.bolus import Bolus
from pumpcore.faults import RUNS_MEND, Refusal
from pumpcore.order_limits import check_bolus_rate, check_bolus_time, check_rounding

if 0:  # for the type checker alone
    from app.types import Calibration


def run_start(pump: Pump, params: dict) -> dict:
    """`steps` for a calibration, `volume_nl` for priming; the other one is 0. Refusals `not_stopped`, `alarm_active`,
    `in_maintenance`, `supply_off`, and those of bolus.start."""
    token = params["token"]
    asked = "steps" if params["purpose"] == boluses.CALIBRATION else "volume_nl"
    known = repeated(pump, token, (params["purpose"], params[asked], params["rate_nl"]))
    if known is not None:
        return reply(known)
    other = "steps" if asked == "volume_nl" else "volume_nl"
    if not params[asked] or params[other]:
        raise Refusal("bad_params", parameter=asked if not params[asked] else other)
    pump.tokens.check(token, pump.board.clock.uptime_ms())
    _check_state(pump)
    lost = "line" in pump.setup.damaged or "primed" in pump.setup.damaged
    if params["purpose"] == boluses.PRIMING and line_nl(pump) and not lost and primed(pump) and not params.get("again"):
        raise Refusal("primed_already", rule="R8", asked_nl=params["volume_nl"], limit_nl=0, nearest_nl=0)
    bolus = _made(params, pump.setup.calibration)
    check_bolus_time(bolus)
    check_holds(pump, bolus, pump.position_steps())
    _check_ceilings(pump, bolus)
    pump.tokens.use(token)
    if bolus.purpose == boluses.PRIMING and line_nl(pump):
        mark(pump)
        pump.setup.mended("primed", pump.alarms.clear_name)
    _order(pump, bolus)
    return reply(bolus)


def _made(params: dict, calibration: "Calibration") -> Bolus:
    by_steps = params["purpose"] == boluses.CALIBRATION
    make = boluses.of_steps if by_steps else Bolus
    amount = params["steps"] if by_steps else params["volume_nl"]
    bolus = make(params["token"], amount, params["rate_nl"], params["rate_seconds_s"], calibration)
    if not by_steps:
        check_rounding(amount, calibration)
    bolus.purpose = params["purpose"]
    return bolus


def _check_state(pump: Pump) -> None:
    if pump.board.system.maintenance_requested:
        raise Refusal("in_maintenance")
    if pump.alarms.stopping(RUNS_MEND):
        raise Refusal("alarm_active", alarms=pump.alarms.stopping())
    if not pump.idle():
        raise Refusal("not_stopped", state=pump.state())
    check_supply(pump)
    check_tank(pump)
    if pump.setup.line is not None:
        pump.setup.load_lines()
        from app import lines

        lines.recount(pump)


def _check_ceilings(pump: Pump, bolus: Bolus) -> None:
    """The bench's ceilings; what was delivered before counts, whatever it was for (R5)."""
    binding = ceilings(pump.setup, bolus.rate_seconds_s)
    check_bolus_rate(bolus, 0, binding, bolus.rate_seconds_s)
    pump.delivery.leases.windows.move_to(pump.book.powered_on_s() // 60)
    check_room(pump, binding, bolus)


def _order(pump: Pump, bolus: Bolus) -> None:
    values = (
        bytes.fromhex(bolus.token), boluses.PURPOSES.index(bolus.purpose), bolus.volume_nl, bolus.steps,
        bolus.rate_nl, bolus.rate_seconds_s, pump.position_steps(), pump.book.powered_on_s(),
    )
    pump.journal.append("run_ordered", values)
    bolus.begins_at_ms = pump.board.clock.uptime_ms()
    pump.remember(bolus)
    pump.delivery.order_alone(bolus, STATES[bolus.purpose])
