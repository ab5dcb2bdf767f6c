"""Handler of start, and the checks before the motor begins anything."""

from app.pump import Pump
from pumpcore.faults.faults import Refusal

if 0:  # for the type checker alone
    from app.types import Bridge, Settings

# --- beginning ---------------------------------------------------------------------------------------------------------------
# The checks of the motor's supply, the reservoir, and the line (R7).


def check_supply(pump: Pump) -> None:
    """Refusals `supply_off`, `supply_high` if the motor's supply is outside the bench's limits."""
    name, bench = pump.board.supply.amiss(), pump.setup.bench
    if name == "motor_supply":
        raise Refusal("supply_off", motor_supply_mv=pump.board.supply.mv(), limit_mv=bench.supply_low_mv)
    if name:
        raise Refusal("supply_high", motor_supply_mv=pump.board.supply.mv(), limit_mv=bench.supply_high_mv)


def check_tank(pump: Pump, other: "Settings | None" = None) -> None:
    """Refuse unless the reservoir lets the pump begin, by the settings of the active program or of `other`.

    Refusals `refill_unknown`, `refill_blocks`, `reservoir_holds_less`. With a new calibration in force, the volume left is first fixed by
    the one before, even if the program does not watch it. OSError and StoreError pass.
    """
    settings, setup, tank, position = other, pump.setup, pump.setup.tank, pump.position_steps()
    if tank is not None and not tank.counts_by(setup.calibration):
        tank.move(position, pump.book.uncertain_steps, setup.calibration)
        setup.keep_tank(tank)
    if other is None:
        settings = setup.reservoir_settings()
    if settings is None:
        return
    if tank is None:
        raise Refusal("refill_unknown", rule="R7", asked=1, limit=0, nearest=0)
    if tank.blocks:
        known = {"asked_nl": tank.measured_nl, "limit_nl": tank.nearest_nl, "nearest_nl": tank.nearest_nl}
        raise Refusal("refill_blocks", rule="R7", expected_nl=tank.expected_nl, **known)
    if position >= tank.position_at(settings.empty_nl):
        raise Refusal("reservoir_holds_less", rule="R7", asked_nl=1, limit_nl=0, nearest_nl=0)


def check_line(pump: Pump) -> None:
    """Refuse unless the line lets the active program begin. Refusals `bridge_needed`, `bridge_impossible`."""
    if pump.setup.line is not None:
        pump.setup.load_lines()
        from app.programs import lines

        lines.recount(pump)
        lines.check(pump, pump.setup.program)


# --- start -------------------------------------------------------------------------------------------------------------------


def start(pump: Pump, params: dict) -> dict:
    """Begin the active program at the next turn. Refusals of `check_start`, `bridge_needed`, `bridge_impossible`."""
    check_start(pump)
    check_line(pump)
    return begin(pump, True)


def check_start(pump: Pump) -> None:
    """Refusals `not_stopped`, `no_program`, `alarm_active`, `clock_unknown`, `in_maintenance`, those of `check_supply` and `check_tank`."""
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
    """Let the next turn begin the program (True) or a Bridge. Return the reply."""
    pump.start_wanted = wanted
    return {"digest": pump.setup.digest, "position_steps": pump.position_steps()}
