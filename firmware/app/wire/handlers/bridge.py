"""Handler of bridge.start."""

from app.programs import lines
from app.programs.lines import Bridge
from app.pump import Pump
from app.wire.handlers.start import begin, check_start
from pumpcore.faults.faults import Refusal
from pumpcore.fluid.front import BRIDGE, PRIME, matched
from pumpcore.limits import limits
from pumpcore.program.settings import LIMITS
from pumpcore.units import U64_MAX, ceil_div

if 0:  # for the type checker alone
    from app.types import Program


def bridge_start(pump: Pump, params: dict) -> dict:
    """Start the program with a bridge, journaled first. At most once by its token.

    Refusals of `start`, `no_bridge`, `bridge_impossible`, `bridge_ratio`, and those of a rate.
    """
    token = params["token"]
    for known in (pump.start_wanted, pump.delivery.bridge):
        if known and known is not True and known.token == token:
            return _reply(pump, known)
    pump.tokens.check(token, pump.board.clock.uptime_ms())
    check_start(pump)
    program = pump.setup.program
    if pump.setup.line is not None:
        lines.recount(pump)
    found = lines.need(pump, program)
    if found == PRIME:
        raise lines.refusal(pump, program, "bridge_impossible")
    if found != BRIDGE:
        raise Refusal("no_bridge", rule="R7", asked=1, limit=0, nearest=0)
    bridge = Bridge(pump, token)
    _check_ratio(program.rate_seconds_s * pump.setup.calibration.volume_nl, bridge)
    if bridge.numerator > bridge.denominator:
        _check_rate(pump, bridge)
        _check_windows(pump, bridge)
    _check_others(pump, bridge)
    pump.tokens.use(token)
    pump.journal.append("bridge_started", bridge.told(pump.position_steps()))
    begin(pump, bridge)
    return _reply(pump, bridge)


def _reply(pump: Pump, bridge: Bridge) -> dict:
    told = {name: getattr(bridge, name) for name in ("token", "line_nl", "numerator", "denominator")}
    told["position_steps"] = pump.position_steps()
    told["old_until_steps"], told["new_from_steps"] = bridge.old_until, bridge.new_from
    return told


def _check_ratio(modulus: int, bridge: Bridge) -> None:
    if not bridge.fits(modulus):
        most = U64_MAX // modulus
        raise Refusal("bridge_ratio", rule="R4", asked=bridge.denominator, limit=most, nearest=most)


def _check_rate(pump: Pump, bridge: Bridge) -> None:
    """Check the highest basal times the ratio; `nearest_nl` is the highest basal that could be bridged."""
    ceilings, settings = pump.setup.ceilings, pump.setup.program.settings
    bounds = [("rate_above_ceiling", min(ceilings.rate_nl, ceilings.motor_nl)), ("library_hard", settings.hard_rate_nl)]
    if "rate" not in settings.overridden():
        bounds.append(("library_soft", settings.soft_rate_nl))
    asked_nl = ceil_div(pump.setup.program.highest_rate_nl() * bridge.numerator, bridge.denominator)
    for name, limit_nl in bounds:
        if asked_nl > limit_nl > 0 or (asked_nl > limit_nl and name == "rate_above_ceiling"):
            nearest_nl = limit_nl * bridge.denominator // bridge.numerator
            drug = settings.whose(name[-4:] + "_rate_nl") if name.startswith("library") else {}
            raise Refusal(name, rule="R7", parameter="bridge", asked_nl=asked_nl, limit_nl=limit_nl, nearest_nl=nearest_nl, **drug)


def _check_windows(pump: Pump, bridge: Bridge) -> None:
    """Check the fullest hour and day of the week with the bridge's addition: at most that of all old content in the line."""
    program, pair, ceilings = pump.setup.program, pump.setup.calibration, pump.setup.ceilings
    more = bridge.numerator - bridge.denominator
    rest = ceil_div(max(0, bridge.old_until - pump.position_steps()) * more, bridge.numerator)
    modulus = program.rate_seconds_s * pair.volume_nl
    for name, minutes, limit in (("hour", limits.HOUR_BUCKETS, ceilings.hour_steps), ("day", limits.DAY_BUCKETS, ceilings.day_steps)):
        flow = limits.highest_window_nl_s(program, minutes) * pair.steps
        asked = flow // modulus + 1 + min(rest, ceil_div(flow * more, modulus * bridge.denominator))
        if asked > limit:
            raise Refusal(
                name + "_above_ceiling", rule="R5", parameter="bridge", asked_nl=pair.nl_for_steps(asked),
                limit_nl=pair.nl_for_steps(limit), nearest_nl=pair.nl_for_steps(limit),
            )


def _check_others(pump: Pump, bridge: Bridge) -> None:
    """Check the dose of the other drugs meanwhile against their own library limits, as the volume of the new content that holds it."""
    program, pair = pump.setup.program, pump.setup.calibration
    old, new = matched(pump.setup.line.old, program.content()), program.content()
    rest_nl = ceil_div(max(0, bridge.new_from - pump.position_steps()) * pair.volume_nl, pair.steps)
    for at in range(1, len(new)):
        mass, volume = old[at][1] * new[at][2], old[at][2] * new[at][1]
        top, bottom = bridge.numerator * mass, bridge.denominator * volume
        if top > bottom and any(program.settings.drugs[at][1]):  # otherwise the tip delivers no more than planned, or has no limit
            asks = dict(limits.asks_nl(program))
            over = top - bottom
            more_nl = min(ceil_div(rest_nl * mass * over, volume * top), ceil_div(asks["day"] * over, bottom))
            _refuse_dose(program, at, "rate", ceil_div(asks["rate"] * top, bottom))
            _refuse_dose(program, at, "day", asks["day"] + more_nl)


def _refuse_dose(program: "Program", at: int, name: str, asked_nl: int) -> None:
    """Refusals `library_hard`, `library_soft` if drug `at` would be dosed above its own limit; `name` is "rate" or "day"."""
    settings = program.settings
    drug, own = settings.drugs[at]
    for kind in ("hard", "soft"):
        limit_nl = own[LIMITS.index("%s_%s_nl" % (kind, name))]
        if asked_nl > limit_nl > 0 and not (kind == "soft" and name in settings.overridden()):
            detail = {"asked_nl": asked_nl, "limit_nl": limit_nl, "nearest_nl": limit_nl}
            raise Refusal("library_" + kind, rule="R7", parameter="bridge", drug=drug, limited=name, **detail)
