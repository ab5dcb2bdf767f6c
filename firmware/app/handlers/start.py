"""start: begins the active program at the next turn of the loop."""

from app.handlers.beginning import check_line, check_supply, check_tank
from app.pump import Pump
from pumpcore.faults import Refusal

if 0:  # for the type checker alone
    from app.types import Bridge


def start(pump: Pump, params: dict) -> dict:
    """Refusals of `check_start`, `bridge_needed`, `bridge_impossible`."""
    check_start(pump)
    check_line(pump)
    return begin(pump, True)


def check_start(pump: Pump) -> None:
    """Refusals `not_stopped`, `no_program`, `alarm_active`, `clock_unknown`, `in_maintenance`, `supply_off`, those of the reservoir."""
    program = pump.setup.program
    if pump.board.system.maintenance_requested:
        raise Refusal("in_maintenance")
    if pump.alarms.stopping():
        raise Refusal("alarm_active", alarms=pump.alarms.stopping())
    if not pump.idle():
        raise Refusal("not_stopped", state=pump.state())
    if program is None:
        raise Refusal("no_program")
    if program.needs_clock() and not pump.book.wall.known() and program.on_clock_loss == "stop":
        raise Refusal("clock_unknown")
    check_supply(pump)
    check_tank(pump)


def begin(pump: Pump, wanted: "bool | Bridge") -> dict:
    pump.start_wanted = wanted
    return {"digest": pump.setup.digest, "position_steps": pump.position_steps()}
