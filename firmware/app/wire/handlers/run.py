"""Handlers of run.start and bolus.prime: the motor without a program."""

from app.delivery.basal import STATES, ceilings
from app.pump import Pump
from app.records.store import StoreError
from app.wire.handlers.bolus import check_holds, check_room, repeated, reply
from app.wire.handlers.start import check_supply, check_tank
from pumpcore.faults.faults import RUNS_MEND, Refusal
from pumpcore.limits.order_limits import check_bolus_rate, check_bolus_time, check_rounding
from pumpcore.orders import bolus as boluses
from pumpcore.orders.bolus import PRIMING, Bolus
from pumpcore.units import const

if 0:  # for the type checker alone
    from app.types import Calibration

# --- priming -----------------------------------------------------------------------------------------------------------------
# The store keeps whether the line was primed for this program and this filling of the reservoir (R8).

_NAME = const("primed")


def line_nl(pump: Pump) -> int:
    """Return the volume of the line by the active program; 0 if it gives none."""
    return pump.setup.program.line_nl() if pump.setup.program else 0


def _filling(pump: Pump) -> bytes:
    """Return bytes that differ after another program was activated or the reservoir refilled."""
    tank = pump.setup.tank
    return bytes.fromhex(pump.setup.digest) + (tank.token if tank is not None else bytes(8))


def primed(pump: Pump) -> bool:
    """Return True if the line was primed, or if the store is damaged: then a person must confirm."""
    try:
        return pump.setup.store.load(_NAME) == _filling(pump)
    except StoreError:
        return True


def mark(pump: Pump) -> None:
    """Store that the line was primed, before the first step: a power cut loses a priming and never repeats it. OSError, StoreError."""
    pump.setup.store.save(_NAME, _filling(pump))


# --- run_start ---------------------------------------------------------------------------------------------------------------


def run_start(pump: Pump, params: dict) -> dict:
    """Order a bolus alone, for priming or calibration; needs a bench and no program. At most once (R8).

    `steps` for a calibration, `volume_nl` for priming; the other one is 0. `law` "angle": this run is by angle. `hold_s`: the motor stays
    energised so long after its end. Refusals `not_stopped`, `alarm_active`, `in_maintenance`, `supply_off`, `supply_high`,
    `primed_already`, and those of bolus.start.
    """
    token = params["token"]
    asked = "steps" if params["purpose"] == boluses.CALIBRATION else "volume_nl"
    known = repeated(pump, token, params["purpose"], params[asked], params["rate_nl"])
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
    if pump.delivery.motion.law is not None:
        pump.delivery.motion.law.asked = params.get("law") == "angle"
    if bolus.purpose == boluses.PRIMING and line_nl(pump):
        mark(pump)
        pump.setup.mended("primed", pump.alarms.clear_name)
    _order(pump, bolus, params.get("hold_s", 0))
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
        from app.programs import lines

        lines.recount(pump)


def _check_ceilings(pump: Pump, bolus: Bolus) -> None:
    """Check against the bench's ceilings; earlier deliveries count, whatever they were for (R5)."""
    binding = ceilings(pump.setup, bolus.rate_seconds_s)
    check_bolus_rate(bolus, 0, binding, bolus.rate_seconds_s)
    pump.delivery.leases.windows.move_to(pump.book.powered_on_s() // 60)
    check_room(pump, binding, bolus)


def _order(pump: Pump, bolus: Bolus, hold_s: int) -> None:
    if hold_s:
        pump.journal.append("run_held", (bytes.fromhex(bolus.token), hold_s))
    values = (
        bytes.fromhex(bolus.token), boluses.PURPOSES.index(bolus.purpose), bolus.volume_nl, bolus.steps,
        bolus.rate_nl, bolus.rate_seconds_s, pump.position_steps(), pump.book.powered_on_s(),
    )
    pump.journal.append("run_ordered", values)
    bolus.begins_at_ms = pump.board.clock.uptime_ms()
    pump.remember(bolus)
    pump.delivery.order_alone(bolus, STATES[bolus.purpose], hold_s)


# --- bolus_prime -------------------------------------------------------------------------------------------------------------


def bolus_prime(pump: Pump, params: dict) -> dict:
    """Fill the line of the active program once, while nothing runs; again only with `again` (R8). Replies like `run.start`.

    `rate_nl` is per the program's seconds. Refusals `no_line`, `primed_already`, and those of a run.
    """
    volume_nl = line_nl(pump)
    if not volume_nl:
        raise Refusal("no_line", rule="R7", asked=1, limit=0, nearest=0)
    order = {"token": params["token"], "purpose": PRIMING, "volume_nl": volume_nl, "steps": 0, "rate_nl": params["rate_nl"]}
    order["rate_seconds_s"] = pump.setup.program.rate_seconds_s
    order["again"] = params["again"]
    return run_start(pump, order)
