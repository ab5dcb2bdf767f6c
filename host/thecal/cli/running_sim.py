"""What `thecal sim` does to a simulated pump that runs already: a button, the rotor, the head, the motor's supply."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from thecal.errors import BadInput, Failed
from thecal.terminal.console import data, emit_json

if TYPE_CHECKING:
    from thecal.sim.control import Control

BUTTONS = ("stop", "hold", "bolus")
HOLD_S = 4.0  # of this computer's time
MOST_VOLTS = 60

Order = tuple[str, Any]


def order_of(options: dict[str, Any]) -> Order | None:
    """Return the one order among the options, as (option, value); None without one. Raises BadInput for two, and for a wrong value."""
    given = [(name, value) for name, value in options.items() if value is not None]
    press, volts = options["press"], options["motor-supply"]
    if len(given) > 1:
        raise BadInput(f"--{given[0][0]} and --{given[1][0]} are two orders", "give one at a time")
    if press is not None and press not in BUTTONS:
        raise BadInput(f"--press {press!r} is not a button", f"write one of {', '.join(BUTTONS)}")
    if volts is not None and not 0 <= volts <= MOST_VOLTS:
        raise BadInput(f"--motor-supply {volts} is not from 0 to {MOST_VOLTS}", "write volts, such as 9.5")
    if options["alter"] is not None:
        _check_changes(options["alter"])
    return given[0] if given else None


def _check_changes(text: str) -> None:
    """Raise BadInput for changes that no head understands."""
    from thecal.sim.errors import SimulatorError
    from thecal.sim.world.head import HeadSpec
    from thecal.sim.world.head_text import altered

    try:
        altered(HeadSpec(), text)
    except SimulatorError as error:
        raise BadInput(f"--alter {text}: {error.cause}", error.do) from None


def carry_out(order: Order | None, port: str | None, as_json: bool) -> None:
    """Carry out an order at the named simulated pump, otherwise at the only one. Raises BadInput, Failed or NoPump."""
    from thecal.sim.control import Control

    if order is None:
        raise BadInput(
            "--port names the pump for --press, --slip, --turn, --alter and --motor-supply",
            "leave it out: a simulated pump chooses its own port",
        )
    name, value = order
    facts = _running(port, f"--{name} {value:g}" if isinstance(value, float) else f"--{name} {value}")
    host, _, number = str(facts["control"]).rpartition(":")
    with Control(host, int(number), str(facts["control_secret"])) as control:
        done = _act(control, name, value, float(str(facts.get("speed") or 1)))
    if as_json:
        emit_json(done)
    else:
        data("\n".join(f"{key.removesuffix('_degrees')}: {shown}" for key, shown in done.items()))


def _act(control: Control, name: str, value: Any, speed: float) -> dict[str, Any]:
    """Return what was done, for a person and for `--json`."""
    if name == "press":
        if value == "bolus":
            control.press_bolus()
        else:
            control.press_stop(HOLD_S * max(1.0, speed) if value == "hold" else 0)
        return {"pressed": value}
    if name == "slip":
        control.slip(value)
        return {"slip_degrees": value}
    if name == "turn":
        control.turn_rotor(value)
        return {"turned_degrees": value}
    if name == "motor-supply":
        control.set_motor_supply(round(value * 1000))
        return {"motor_supply_mv": round(value * 1000)}
    control.alter_head(value)
    return {"altered": value}


def _running(port: str | None, words: str) -> dict[str, Any]:
    """Return the facts of the named simulated pump, otherwise of the only one."""
    from thecal.pump.transport import ports, registry

    running = registry.entries()
    if not running:
        raise Failed("no simulated pump runs", "start one: thecal sim")
    how = f"name one: thecal sim {words} --port PORT"
    named = ports.named(port)
    found = [one for one in running if named is None or named.port_url in (one.get("port"), one.get("socket"))]
    if not found:
        raise Failed(f"{named.port_url if named else ''} is not a simulated pump that runs", how)
    if len(found) != 1:
        raise Failed(f"{len(found)} simulated pumps run", how)
    return found[0]
