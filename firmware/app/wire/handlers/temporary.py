"""Handlers of temporary.start and temporary.cancel."""

from app.pump import Pump
from app.wire.handlers.bolus import check_running, check_temporary, fastest_nl
from pumpcore.faults.faults import Refusal
from pumpcore.limits.order_limits import check_temporary_form, check_temporary_rate, check_temporary_windows
from pumpcore.orders.bolus import Temporary
from pumpcore.units import MS_PER_S, ceil_div

# --- temporary_start ---------------------------------------------------------------------------------------------------------


def temporary_start(pump: Pump, params: dict) -> dict:
    """Order a rate or a part of the basal for a time, with a token; at most once (R5, R7, R8).

    Refusals `temporary_active`, `temporary_time`, `temporary_pair`, and those of a rate.
    """
    delivery = pump.delivery
    made = Temporary(params["token"], params["rate_nl"], params["numerator"], params["denominator"], params["duration_s"])
    known = delivery.overlay.last
    if known is not None and known.token == made.token:
        if known.asked() != made.asked():
            raise Refusal("token_used", token=made.token)
        return _reply(known)
    pump.tokens.check(made.token, pump.board.clock.uptime_ms())
    check_running(pump)
    check_temporary(pump)
    check_temporary_form(made, delivery.span.basal.accumulator.modulus)
    _check_rate(pump, made)
    pump.tokens.use(made.token)
    pump.journal.append("temporary_ordered", (bytes.fromhex(made.token),) + made.asked())
    delivery.overlay.order(made)
    made.begins_at_ms = delivery.next_ms()
    return _reply(made)


def _reply(made: Temporary) -> dict:
    return {"token": made.token, "begins_at_ms": made.begins_at_ms, "ends_at_ms": made.begins_at_ms + made.duration_s * MS_PER_S}


def _check_rate(pump: Pump, made: Temporary) -> None:
    span, setup = pump.delivery.span, pump.setup
    known = span.basal.week is not None or not setup.program.needs_clock()
    basal_nl = span.basal.highest_nl(span.planned_s, made.duration_s) if known else setup.program.highest_rate_nl()
    highest_nl = ceil_div(made.of(basal_nl), made.parts())
    check_temporary_rate(highest_nl, fastest_nl(pump), setup.ceilings, setup.program.settings)
    check_temporary_windows(made, highest_nl, setup, pump.delivery.leases.windows.day_steps)


# --- temporary_cancel --------------------------------------------------------------------------------------------------------


def temporary_cancel(pump: Pump, params: dict) -> dict:
    """Return to the program's basal from the next slice on. Refusal `no_temporary`."""
    delivery = pump.delivery
    present = delivery.overlay.present
    if present is None or present.token != params["token"]:
        raise Refusal("no_temporary", rule="R8", token=params["token"], asked=1, limit=0, nearest=0)
    return {"token": present.token, "ends_at_ms": delivery.overlay.cancel(delivery.span, delivery.next_ms())}
