"""Handler of bench.set: other ceilings on a stopped pump. Raising one needs the stop button, held by a person at the pump (R5)."""

from app.programs import programs
from app.pump import Pump
from pumpcore.bench import bench
from pumpcore.faults.faults import Refusal, by_name
from pumpcore.limits import limits
from pumpcore.units import MS_PER_S, ceil_div, const

if 0:  # for the type checker alone
    from app.types import Ceilings, Setup

_NAMES = ("rate_nl", "rate_seconds_s", "hour_nl", "day_nl")
_HOLD_MS = const(2_000)
_WAIT_MS = const(60_000)
_FORGET_MS = const(5_000)  # a host that waits asks every second: without it for so long nobody waits


def bench_set(pump: Pump, params: dict) -> dict:
    """Set the ceilings, journaled before they are stored. While a raise waits for the stop button, nothing changes: ask again until `done`.

    Windows and counts stay. Refusals `alarm_active` without a bench, `in_maintenance`, `not_stopped`, `bench_unfit` if the active program
    does not fit, `button_not_held` after 60 s.
    """
    setup = pump.setup
    if setup.bench is None:
        raise Refusal("alarm_active", alarm="not_commissioned")
    if pump.board.system.maintenance_requested:
        raise Refusal("in_maintenance")
    if not pump.idle():
        raise Refusal("not_stopped", state=pump.state())
    old, new = [getattr(setup.bench, name) for name in _NAMES], [params[name] for name in _NAMES]
    if old == new:
        return _told(True, 0)
    packed, ceilings = _checked(setup, new)
    raises = new[0] * old[1] > old[0] * new[1] or new[2] > old[2] or new[3] > old[3]
    if raises:
        wait_ms = _wait_ms(pump, new)
        if wait_ms:
            return _told(False, ceil_div(wait_ms, MS_PER_S), 0 if pump.wish["held"] else _HOLD_MS // MS_PER_S)
        _end_press(pump)
    pump.journal.append("bench_set", tuple(old + new + [int(raises)]))
    setup.store.save("bench", packed)
    for name, value in zip(_NAMES, new):
        setattr(setup.bench, name, value)
    programs.recalibrated(setup, ceilings)
    return _told(True, 0)


def _told(done: bool, wait_s: int, hold_s: int = _HOLD_MS // MS_PER_S) -> dict:
    return {"done": done, "wait_s": wait_s, "hold_s": hold_s}


def _checked(setup: "Setup", new: "list[int]") -> "tuple[bytes, Ceilings | None]":
    """Return the bytes of the slot with these ceilings, and those of the active program under them. All other bytes stay as deployed."""
    held = setup.store.load("bench")
    begin = held.index(b"{", held.index(b'"ceilings"')) + 1
    ceilings = b'"day_nl":%d,"hour_nl":%d,"rate_nl":%d,"rate_seconds_s":%d' % (new[3], new[2], new[0], new[1])
    packed = held[:begin] + ceilings + held[held.index(b"}", begin) :]
    made = bench.parse(packed)
    if [getattr(made, name) for name in _NAMES] != new:
        raise Refusal("bad_params", parameter="ceilings")
    if setup.program is None:
        return packed, None
    try:
        return packed, limits.check_program(setup.program, made, setup.calibration)
    except Refusal as refused:
        raise Refusal("bench_unfit", cause=refused.fault.name, **refused.detail)


def _wait_ms(pump: Pump, new: "list[int]") -> int:
    """Return how long the pump still waits for the button, 0 after it was held and released. The press must begin after the first request.

    A short press, as somebody makes it to stop a pump, confirms nothing. Nor does a broken wire, which looks like a press without end.
    """
    now_ms, wish, held = pump.board.clock.uptime_ms(), pump.wish, pump.board.buttons.held()
    if wish is None or wish["new"] != new or now_ms > wish["until_ms"] + _FORGET_MS:
        active = by_name("stop_button").number in pump.alarms.active()
        pump.wish = {"new": new, "at_ms": now_ms, "until_ms": now_ms + _WAIT_MS, "held": False, "active": active}
        return _WAIT_MS
    pressed_ms = pump.supervisor.pressed_ms
    if now_ms >= wish["until_ms"]:
        pump.wish = None
        raise Refusal("button_not_held", rule="R5", limit_s=_WAIT_MS // MS_PER_S)
    if wish["held"] and not held:
        return 0
    if held and not wish["held"] and pressed_ms > wish["at_ms"] and now_ms - pressed_ms >= _HOLD_MS:
        wish["held"], wish["until_ms"] = True, now_ms + _WAIT_MS  # time to release it
    return wish["until_ms"] - now_ms


def _end_press(pump: Pump) -> None:
    """Acknowledge the warning that this press has raised; one from before stays."""
    stood = pump.wish["active"]
    pump.wish = None
    number = by_name("stop_button").number
    if not stood and number in pump.alarms.active():
        pump.alarms.acknowledge(number)
