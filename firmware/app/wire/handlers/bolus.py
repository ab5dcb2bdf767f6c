"""Handlers of bolus.start, demand, extended, cancel, and of the button: orders with a token, each at most once (R5, R7, R8)."""

from app.delivery.delivery import RUNS
from app.pump import Pump
from pumpcore.faults.faults import Refusal
from pumpcore.limits import order_limits
from pumpcore.limits.ceilings import DAY_BUCKETS, HOUR_BUCKETS, Ceilings
from pumpcore.limits.limits import highest_window_nl_s
from pumpcore.limits.order_limits import check_bolus_rate, check_extended_time
from pumpcore.orders import bolus as boluses
from pumpcore.orders.bolus import DEMAND, EXTENDED, LIVE, MANUAL, Bolus
from pumpcore.units import MS_PER_S, S_PER_DAY, S_PER_MINUTE, ceil_div
from pumpcore.wire.records import PURPOSES

if 0:  # for the type checker alone
    from app.types import Json, Settings, Windows

# --- ordering ----------------------------------------------------------------------------------------------------------------
# The checks before a bolus is journaled and begins (R5, R7, R8).


def repeated(pump: Pump, token: str, purpose: str, amount: int, rate_nl: int) -> Bolus | None:
    """Return the bolus that this token has already ordered, None if the token is free. `amount` is nl, or steps to calibrate.

    Refusal `token_used` if it ordered something else.
    """
    known = pump.find_bolus(token)
    if known is not None:
        its = known.steps if known.purpose == boluses.CALIBRATION else known.volume_nl
        if known.purpose != purpose or its != amount or known.rate_nl != rate_nl:
            raise Refusal("token_used", token=token)
    return known


def reply(bolus: Bolus) -> dict:
    """Return the answer to an order, the same however often it is asked."""
    return {"token": bolus.token, "ordered_steps": bolus.steps, "duration_s": bolus.duration_s, "begins_at_ms": bolus.begins_at_ms}


def order(pump: Pump, bolus: Bolus) -> dict:
    """Check `bolus`, journal it and order it.

    Refusals of `check_state`, `check_dose`, `check_tank`, `check_ceilings`, and `bolus_too_long`.
    """
    check_state(pump)
    order_limits.check_bolus_time(bolus)
    check_dose(pump, bolus)
    check_tank(pump, bolus)
    check_ceilings(pump, bolus)
    return write_down(pump, bolus)


def write_down(pump: Pump, bolus: Bolus) -> dict:
    """Count it, then journal it, then let it begin: a power cut in between loses a bolus and never repeats one."""
    pump.tokens.use(bolus.token)
    raw = bytes.fromhex(bolus.token)
    begins_ms = _begins_ms(pump, bolus)
    start_s = pump.book.powered_on_s() + ceil_div(max(0, begins_ms - pump.board.clock.uptime_ms()), MS_PER_S) + 1
    purpose = PURPOSES.index(bolus.purpose)
    pump.journal.append("dose", (raw, purpose, bolus.volume_nl, bolus.duration_s, start_s))
    pump.count(start_s, bolus.volume_nl, bolus.purpose == boluses.DEMAND)
    seconds_s = pump.setup.program.rate_seconds_s
    bolus.told = (ceil_div(bolus.rate_nl * seconds_s, bolus.rate_seconds_s), seconds_s)
    pump.journal.append("bolus_ordered", (raw, bolus.volume_nl, bolus.told[0], bolus.steps))
    bolus.begins_at_ms = begins_ms
    pump.delivery.orders.order(bolus)
    pump.remember(bolus)
    return reply(bolus)


def _begins_ms(pump: Pump, bolus: Bolus) -> int:
    """Return the uptime of its first slice: the next one; for an extended bolus, the first after the other bolus."""
    begins_ms, span, other = pump.delivery.next_ms(), pump.delivery.span, pump.delivery.orders.bolus
    if bolus.purpose != boluses.EXTENDED or other is None or other.state not in boluses.LIVE:
        return begins_ms
    cancelled = span.bolus is other and span.bolus_ends
    return max(begins_ms, span.at_ms(span.lease_end_s if cancelled else span.planned_s + other.rest_s()))


def check_running(pump: Pump) -> None:
    """Refusals `not_running`, `bridge_running`, `program_waits`."""
    if pump.delivery.state is not RUNS or pump.delivery.ends():
        raise Refusal("not_running")
    if pump.delivery.bridge is not None:
        pump.delivery.bridge.refuse(pump)
    if pump.delivery.takeover.waits:
        raise _one_at_a_time("program_waits", pump, pump.delivery.span.lease_end_s)


def check_temporary(pump: Pump) -> None:
    """Refusal `temporary_active` if one runs or waits."""
    present, span = pump.delivery.overlay.present, pump.delivery.span
    if present is not None:
        end_s = present.end_s or span.planned_s + present.duration_s  # 0 until it has begun
        raise _one_at_a_time("temporary_active", pump, end_s, token=present.token)


def _one_at_a_time(name: str, pump: Pump, end_s: int, **detail: "Json") -> Refusal:
    """Return the refusal of a second one, with the time until the first ends at pump second `end_s`."""
    wait_s = ceil_div(max(0, pump.delivery.span.at_ms(end_s) - pump.board.clock.uptime_ms()), MS_PER_S)
    return Refusal(name, rule="R7", asked=2, limit=1, nearest=1, wait_s=wait_s, **detail)


def check_state(pump: Pump) -> None:
    """Refusals of `check_running`, and `bolus_active`."""
    check_running(pump)
    present = pump.delivery.orders.bolus
    if present is not None and present.state in boluses.LIVE:
        raise Refusal("bolus_active", token=present.token)


def check_dose(pump: Pump, bolus: Bolus) -> None:
    """Check a dose against whole steps and the program's settings.

    Refusals `dose_rounded`, `bolus_above_max`, `library_soft`, `bolus_day`.
    """
    settings, now_s, asked_nl = pump.setup.program.settings, pump.book.powered_on_s(), bolus.volume_nl
    order_limits.check_rounding(asked_nl, pump.setup.calibration)
    order_limits.check_dose(settings, asked_nl)
    if settings is None:
        return
    limit_nl = settings.bolus_day_nl
    sum_nl = pump.doses.counted_nl(now_s, limit_nl)
    if limit_nl and sum_nl + asked_nl > limit_nl:
        detail = {"asked_nl": sum_nl + asked_nl, "limit_nl": limit_nl, "nearest_nl": max(0, limit_nl - sum_nl)}
        wait_s = pump.doses.room_s(now_s, asked_nl, limit_nl) if asked_nl <= limit_nl else S_PER_DAY
        raise Refusal("bolus_day", rule="R5", wait_s=wait_s, **detail)


def check_tank(pump: Pump, bolus: Bolus) -> None:
    """Refusals `reservoir_is_low`, `reservoir_holds_less`."""
    settings, tank, position = pump.setup.reservoir_settings(), pump.setup.tank, pump.delivery.span.leased_steps
    if settings is None:
        return
    if position >= tank.position_at(settings.low_nl):
        left_nl, asked_nl = tank.left_nl(position), bolus.volume_nl
        raise Refusal("reservoir_is_low", rule="R5", asked_nl=asked_nl, left_nl=left_nl, limit_nl=settings.low_nl, nearest_nl=0)
    check_holds(pump, bolus, position)


def check_holds(pump: Pump, bolus: Bolus, position_steps: int) -> None:
    """Refusal `reservoir_holds_less` if the watched reservoir would be empty before a bolus from this position on has ended."""
    settings = pump.setup.reservoir_settings()
    if settings is None:
        return
    rest = pump.setup.tank.position_at(settings.empty_nl) - position_steps - pump.delivery.leases.margin_steps
    if bolus.steps > rest:
        rest_nl = pump.setup.calibration.nl_for_steps(max(0, rest))
        raise Refusal("reservoir_holds_less", rule="R5", asked_nl=bolus.volume_nl, limit_nl=rest_nl, nearest_nl=rest_nl)


def check_ceilings(pump: Pump, bolus: Bolus) -> None:
    """Check basal plus bolus against the highest rate and both windows, over the bolus's whole length (R5, R7)."""
    span, ceilings = pump.delivery.span, pump.setup.ceilings
    basal_nl = beside_nl(pump, bolus.duration_s)
    order_limits.check_bolus_rate(bolus, basal_nl, ceilings, pump.setup.program.rate_seconds_s)
    check_room(pump, ceilings, bolus, (span.basal.plan_steps(span.planned_s, bolus.duration_s) + 1, basal_nl))


def beside_nl(pump: Pump, duration_s: int, any_hour: bool = False) -> int:
    """Return the highest basal beside a bolus, per the program's seconds, including a temporary rate that waits for its slice.

    It is the highest of the week while no clock is known, or with `any_hour`: the bolus may be paused for hours.
    """
    span, program, present = pump.delivery.span, pump.setup.program, pump.delivery.overlay.present
    known = span.basal.week is not None or not program.needs_clock()
    plain_nl = 0 if known else program.highest_rate_nl()
    basal_nl = max(plain_nl, span.basal.highest_nl(span.planned_s, duration_s))
    if present is not None:
        plain_nl = plain_nl if span.basal.temporary is present else basal_nl
        basal_nl = max(basal_nl, ceil_div(present.of(plain_nl), present.parts()))
    return max(basal_nl, program.highest_rate_nl()) if any_hour else basal_nl


def fastest_nl(pump: Pump) -> int:
    """Return the rate of the fastest bolus that runs or waits, in nl per the program's seconds."""
    seconds_s = pump.setup.program.rate_seconds_s
    return max([0] + [ceil_div(bolus.rate_nl * seconds_s, bolus.rate_seconds_s) for bolus in pump.delivery.orders.live()])


def check_room(pump: Pump, ceilings: Ceilings, bolus: Bolus, basal: tuple[int, int] = (0, 0)) -> None:
    """Refusals `hour_above_ceiling`, `day_above_ceiling` if a window lacks room at any lease of the bolus.

    `basal`: (steps of basal meanwhile, its highest rate in nl per the program's seconds).
    """
    windows, calibration = pump.delivery.leases.windows, pump.setup.calibration
    if not windows.full(ceilings, bolus.steps + basal[0]):
        return
    for name, minutes, used, limit in (
        ("hour", HOUR_BUCKETS, windows.hour_steps, ceilings.hour_steps), ("day", DAY_BUCKETS, windows.day_steps, ceilings.day_steps),
    ):
        beside = _most_beside(pump, basal, minutes * S_PER_MINUTE)
        asked = _fullest(windows, bolus, minutes, used, pump.book.powered_on_s() % S_PER_MINUTE) + beside
        if asked > limit:
            nearest = max(0, limit - used - beside)
            raise Refusal(
                name + "_above_ceiling", rule="R5", asked_nl=calibration.nl_for_steps(asked),
                limit_nl=calibration.nl_for_steps(limit), nearest_nl=calibration.nl_for_steps(nearest),
            )


def _most_beside(pump: Pump, basal: tuple[int, int], window_s: int) -> int:
    """Return the most steps of basal in one window."""
    steps, rate_nl = basal
    if not steps:
        return 0
    pair = pump.setup.calibration
    return min(steps, rate_nl * window_s * pair.steps // (pump.setup.program.rate_seconds_s * pair.volume_nl) + 1)


def _fullest(windows: "Windows", bolus: Bolus, minutes: int, used: int, gone_s: int) -> int:
    """Return the most steps in a window of `minutes` while the bolus runs: leased before (`used`) and of the bolus.

    A lease fills the bucket in which it begins, so a window holds the plan of its minutes. `gone_s` of the current minute are over; at the
    end of each minute the oldest bucket drops out.
    """
    fullest, at_s = 0, S_PER_MINUTE - gone_s
    for ago in range(minutes - 1, -1, -1):
        fullest = max(fullest, used + min(bolus.steps, bolus.accumulator.peek(bolus.rate_nl, at_s)))
        if at_s >= bolus.duration_s:
            return fullest
        used -= windows.steps_ago(ago)
        at_s += S_PER_MINUTE
    return max(fullest, min(bolus.steps, bolus.accumulator.peek(bolus.rate_nl, minutes * S_PER_MINUTE) + 1))


# --- bolus_start -------------------------------------------------------------------------------------------------------------


def bolus_start(pump: Pump, params: dict) -> dict:
    """Order a manual bolus, at most once across retries and resets (R8). `begins_at_ms` is the uptime of its first slice.

    Refusals `token_...`, `bolus_too_small`, `bolus_too_short`, and those of `order`.
    """
    token, volume_nl, rate_nl = params["token"], params["volume_nl"], params["rate_nl"]
    known = repeated(pump, token, MANUAL, volume_nl, rate_nl)
    if known is not None:
        return reply(known)
    pump.tokens.check(token, pump.board.clock.uptime_ms())
    check_state(pump)
    bolus = Bolus(token, volume_nl, rate_nl, pump.setup.program.rate_seconds_s, pump.setup.calibration)
    return order(pump, bolus)


# --- bolus_demand ------------------------------------------------------------------------------------------------------------


def bolus_demand(pump: Pump, params: dict) -> dict:
    """Order a demand bolus of the program, for the host or the button (R5, R8). Replies like `bolus.start`.

    Refusals `demand_off`, `demand_locked`, `demand_count`, and those of any bolus.
    """
    settings = pump.setup.program.settings if pump.setup.program else None
    if settings is None or not settings.demand_on:
        raise Refusal("demand_off", rule="R7", asked=1, limit=0, nearest=0)
    token, dose_nl, duration_s = params["token"], settings.demand_nl, settings.demand_s
    known = repeated(pump, token, DEMAND, dose_nl, dose_nl)
    if known is not None:
        return reply(known)
    pump.tokens.check(token, pump.board.clock.uptime_ms())
    _check_times(pump, settings)
    bolus = Bolus(token, dose_nl, dose_nl, duration_s, pump.setup.calibration)
    bolus.purpose = DEMAND
    return order(pump, bolus)


def _check_times(pump: Pump, settings: "Settings") -> None:
    now_s = pump.book.powered_on_s()
    name, wait_s = pump.doses.barred(settings, now_s)
    if name == "demand_locked":
        limit_s = settings.lockout_s
        raise Refusal(name, rule="R5", asked_s=max(0, limit_s - wait_s), limit_s=limit_s, nearest_s=limit_s, wait_s=wait_s)
    if name:
        count = pump.doses.counted(settings, now_s)
        raise Refusal(name, rule="R5", asked=count + 1, limit=settings.demand_per_day, nearest=settings.demand_per_day, wait_s=wait_s)


# --- bolus_extended ----------------------------------------------------------------------------------------------------------


def bolus_extended(pump: Pump, params: dict) -> dict:
    """Order a dose over a long time beside the basal; another bolus interrupts it (R5, R7, R8). Replies like `bolus.start`.

    Refusals `extended_active`, `extended_time`, and those of any bolus.
    """
    token, volume_nl, duration_s = params["token"], params["volume_nl"], params["duration_s"]
    known = repeated(pump, token, EXTENDED, volume_nl, volume_nl)
    if known is not None and known.rate_seconds_s != duration_s:
        raise Refusal("token_used", token=token)
    if known is not None:
        return reply(known)
    pump.tokens.check(token, pump.board.clock.uptime_ms())
    _check_state(pump)
    check_extended_time(duration_s)
    bolus = Bolus(token, volume_nl, volume_nl, duration_s, pump.setup.calibration)
    bolus.purpose = EXTENDED
    check_dose(pump, bolus)
    check_tank(pump, bolus)
    check_bolus_rate(bolus, beside_nl(pump, duration_s, True), pump.setup.ceilings, pump.setup.program.rate_seconds_s)
    _check_windows(pump, bolus)
    return write_down(pump, bolus)


def _check_state(pump: Pump) -> None:
    check_running(pump)
    present = pump.delivery.orders.extended
    if present is not None and present.state in LIVE:
        raise Refusal("extended_active", rule="R7", token=present.token, asked=2, limit=1, nearest=1)


def _check_windows(pump: Pump, bolus: Bolus) -> None:
    """Judge the fullest hour of the week with the bolus's share, and 24 h with all of it. Every lease judges earlier deliveries."""
    ceilings, pair, program = pump.setup.ceilings, pump.setup.calibration, pump.setup.program
    modulus = program.rate_seconds_s * pair.volume_nl
    for name, minutes, limit in (("hour", HOUR_BUCKETS, ceilings.hour_steps), ("day", DAY_BUCKETS, ceilings.day_steps)):
        basal = highest_window_nl_s(program, minutes) * pair.steps // modulus + 1
        time_s = min(bolus.duration_s, minutes * S_PER_MINUTE)
        its_steps = min(bolus.steps, bolus.accumulator.peek(bolus.rate_nl, time_s) + 1)
        if basal + its_steps > limit:
            nearest_nl = pair.nl_for_steps(max(0, limit - basal)) * bolus.duration_s // time_s
            raise Refusal(
                name + "_above_ceiling", rule="R5", asked_nl=pair.nl_for_steps(basal + its_steps), limit_nl=pair.nl_for_steps(limit),
                nearest_nl=nearest_nl,
            )


# --- bolus_press -------------------------------------------------------------------------------------------------------------


def bolus_press(pump: Pump, params: dict) -> dict:
    """Order a demand bolus for a press of the button, with a token of the pump's own. A JournalError passes.

    The buzzer sounds either way; refusals are counted in `pump.presses`.
    """
    now_ms = pump.board.clock.uptime_ms()
    token = pump.tokens.issue(now_ms).decode()
    try:
        told = bolus_demand(pump, {"token": token})
    except Refusal as refused:
        pump.tokens.use(token)
        pump.presses.refuse(refused.fault.name, refused.detail.get("wait_s", 0), now_ms)
        return {}
    pump.presses.accept(now_ms)
    return told


# --- bolus_cancel ------------------------------------------------------------------------------------------------------------


def bolus_cancel(pump: Pump, params: dict) -> dict:
    """End a bolus at the end of its lease, within a few seconds; the basal goes on. Refusal `no_bolus`.

    What is leased (at most 5 s) and queued still runs. `planned_steps` is the most that the bolus will have made; it is less if another
    order or a stop ends the lease sooner.
    """
    bolus = pump.find_bolus(params["token"])
    if bolus is None or bolus.state not in boluses.LIVE:
        raise Refusal("no_bolus", token=params["token"])
    return {"token": bolus.token, "planned_steps": pump.delivery.cancel(bolus)}
