"""`thecal start`: set the pump's clock while it is stopped, then start its program."""

from __future__ import annotations

from typing import TYPE_CHECKING

from thecal.cli.consent import unsent
from thecal.cli.options import AsJson, DryRun, MoveClock, Port, Pump, Zone
from thecal.cli.typed import one_port
from thecal.terminal.console import data, emit_json, talk

if TYPE_CHECKING:
    from thecal.api.clock_move import Wish
    from thecal.api.pump import Pump as Opened


def start(
    pump_name: Pump = None,
    port: Port = None,
    zone: Zone = None,
    set_clock: MoveClock = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Set the pump's clock and start the active program. Asks before it moves a clock or a zone that is already set."""
    from thecal.api.clock_move import Wish
    from thecal.cli.clock_setting import agree
    from thecal.cli.consent import opened
    from thecal.pump import clock
    from thecal.text.calibration import line
    from thecal.text.protocol import waits_text

    wish = Wish(zone, set_clock)
    wish.check()
    with opened(one_port(pump_name, port)) as pump:
        if dry_run:
            show_alone(pump, wish, as_json)
            return
        review = pump.prepare_start(zone, set_clock)
        agree(review, wish)
        order = review.carry_out(at_once=not review.data["moves_clock"] or bool(wish.move))
    after, reading = order.facts["status"], order.facts["clock"]
    if as_json:
        emit_json({"start": order.reply, "status": after, "clock": reading.as_dict()})
    else:
        data(order.text)
        talk(f"clock {reading.text()}; {clock.next_change(after)}")
        waiting = waits_text(order.facts["program"], after) if order.facts["program"] is not None else ""
        if waiting:
            talk(waiting)
    talk(f"calibration: {line(after['calibration'])}")


def show_alone(pump: Opened, wish: Wish, as_json: bool) -> None:
    """Print what a start would do."""
    from thecal.api.starting import NO_PROGRAM
    from thecal.cli.clock_setting import tell
    from thecal.pump.orders import Order
    from thecal.text.calibration import line

    known = pump.facts()
    before = known.status
    tell(known, wish)
    without = before.get("program_digest") == ""
    talk(f"would refuse: {NO_PROGRAM}" if without else f"would set the clock and start {before.get('program_name')}")
    talk(f"calibration: {line(before['calibration'])}")
    unsent(Order("start"), as_json)
