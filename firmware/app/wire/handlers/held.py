"""A stop button held at the pump: how a person there confirms what a host asks for (bench.set, key.set)."""

from app.pump import Pump
from pumpcore.faults.faults import Refusal, by_name
from pumpcore.units import MS_PER_S, ceil_div, const

if 0:  # for the type checker alone
    from app.types import Json

_HOLD_MS = const(2_000)
_WAIT_MS = const(60_000)
_FORGET_MS = const(5_000)  # a host that waits asks every second: without it for so long nobody waits


def answer(done: bool, wait_s: int = 0, hold_s: int = _HOLD_MS // MS_PER_S) -> dict:
    """Return the answer of a command that may wait for the button."""
    return {"done": done, "wait_s": wait_s, "hold_s": hold_s}


def wait(pump: Pump, new: "Json") -> dict | None:
    """Return the answer while the pump waits for the button to confirm `new`; None once it was held and released.

    Refusal `button_not_held` after 60 s.
    """
    wait_ms = _wait_ms(pump, new)
    if wait_ms:
        return answer(False, ceil_div(wait_ms, MS_PER_S), 0 if pump.wish["held"] else _HOLD_MS // MS_PER_S)
    _end_press(pump)
    return None


def _wait_ms(pump: Pump, new: "Json") -> int:
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
