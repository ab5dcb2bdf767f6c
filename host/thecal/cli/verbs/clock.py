"""`thecal clock`: the pump's clock against this computer's, and the next change of local time; `--set` sets all of it."""

from typing import Annotated

import typer

from thecal.cli.options import AsJson, DryRun, Port, SetClock, Zone
from thecal.terminal.console import columns, data, emit_json, talk


def clock(
    set_it: Annotated[
        bool, typer.Option("--set", help="Set clock, offset and its next change; a running pump accepts a step of at most 2 s.")
    ] = False,
    port: Port = None,
    zone: Zone = None,
    set_clock: SetClock = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Show the error and the drift of the pump's clock, and the next change of local time."""
    from thecal.api.clock_move import Wish
    from thecal.cli import clock_setting
    from thecal.pump import clock as clocks
    from thecal.pump import facts
    from thecal.pump.opening import open_pump
    from thecal.quantities.amounts import clock_text

    wish = Wish(zone, set_clock or None)
    wish.check()
    with open_pump(port) as client:
        pump = facts.ask(client)
        status, reading = pump.status, pump.reading
        if set_it and dry_run:
            clock_setting.tell(pump, wish)
            talk("would set the clock; nothing was sent")
        elif set_it:
            clock_setting.carry_out(pump, wish)
            status, reading = clocks.read(client)
    if as_json:
        keys = ("utc_s", "utc_fraction_ms", "offset_s", "transition_utc_s", "transition_offset_s", "clock_set_utc_s")
        emit_json({**{key: status.get(key) for key in keys}, **reading.as_dict()})
        return
    shown = [("pump", clock_text(status["utc_s"], status["offset_s"])), ("to this computer", reading.text())]
    data(columns([*shown, ("local time", clocks.next_change(status))]))
    if reading.warning():
        talk(reading.warning())
