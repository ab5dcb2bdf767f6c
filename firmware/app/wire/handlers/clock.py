"""Handler of clock.set."""

from app.pump import Pump
from app.wire.handlers.bolus import check_temporary, fastest_nl
from pumpcore.faults.faults import Refusal
from pumpcore.program.schedule import Zone
from pumpcore.units import const

LARGEST_STEP_S = const(2)
# Leases and slices that are queued were planned with the transition known before.
SETTLED_AHEAD_S = const(120)


def clock_set(pump: Pump, params: dict) -> dict:
    """Set the clock. While running: refusals `clock_step` with the difference, `clock_transition`, `temporary_active`, `bolus_active`."""
    wall, utc_s, idle = pump.book.wall, params["utc_s"], pump.idle()
    zone = Zone(params["offset_s"], params["transition_utc_s"], params["transition_offset_s"] if params["transition_utc_s"] else 0)
    old_utc_s = wall.utc_s()
    by_s = utc_s - old_utc_s
    _check_ahead(zone.transition_utc_s, utc_s)
    if wall.known() and not idle:
        _check_small(by_s, zone.offset_s - wall.zone.offset_at_s(old_utc_s))
        _check_settled(wall.zone, zone, old_utc_s)
    values, another = (old_utc_s, utc_s, zone.offset_s), zone.values() != wall.zone.values()
    if wall.known() and pump.delivery.span is not None and (by_s or another):
        _check_judged(pump)
    if idle:
        pump.journal.append("clock_set", values)
    wall.set(utc_s, zone)
    pump.alarms.clear_name("offset_damaged")
    if not idle:  # one durable operation in a turn
        pump.journal.post("clock_set", values)
    if another and zone.transition_utc_s:
        pump.journal.post("transition_set", (zone.transition_utc_s, zone.transition_offset_s))
    pump.delivery.shift_wall(by_s)
    told = wall.describe()
    told["old_utc_s"] = old_utc_s
    return told


def _check_small(shift_s: int, offset_by_s: int) -> None:
    if abs(shift_s) > LARGEST_STEP_S or offset_by_s:
        nearest_s = max(-LARGEST_STEP_S, min(LARGEST_STEP_S, shift_s))
        raise Refusal("clock_step", rule="R11", asked_s=shift_s, asked_offset_by_s=offset_by_s, limit_s=LARGEST_STEP_S, nearest_s=nearest_s)


def _check_ahead(transition_utc_s: int, least_utc_s: int) -> None:
    if 0 < transition_utc_s <= least_utc_s:
        detail = {"limit_utc_s": least_utc_s, "nearest_utc_s": least_utc_s + 1}
        raise Refusal("clock_transition", rule="R11", asked_utc_s=transition_utc_s, **detail)


def _check_settled(old: Zone, new: Zone, utc_s: int) -> None:
    """What is planned already must not move while running: neither the old transition nor the new one may be near."""
    if old.values() != new.values():
        for zone in (old, new):
            if not zone.passed(utc_s):
                _check_ahead(zone.transition_utc_s, utc_s + SETTLED_AHEAD_S)


def _check_judged(pump: Pump) -> None:
    """An order was judged beside the basal of its time: refuse if the schedule could bring a higher one that does not fit."""
    delivery, setup = pump.delivery, pump.setup
    present, live = delivery.overlay.present, delivery.orders.live()
    if delivery.span.alone or not setup.program.needs_clock() or not (present or live):
        return
    if present is not None and present.numerator > present.denominator:
        check_temporary(pump)
    basal_nl = max(setup.program.highest_rate_nl(), present.rate_nl if present is not None else 0)
    if basal_nl + fastest_nl(pump) > min(setup.ceilings.rate_nl, setup.ceilings.motor_nl):
        raise Refusal("bolus_active", token=live[0].token)
