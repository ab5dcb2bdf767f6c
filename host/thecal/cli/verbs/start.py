"""`thecal start`: set the pump's clock while it is stopped, then start its program."""

from thecal.cli.consent import unsent
from thecal.cli.options import AsJson, DryRun, MoveClock, Port, Pump, Zone
from thecal.cli.typed import one_port
from thecal.errors import Failed, Refused
from thecal.terminal.console import data, emit_json, talk

NO_PROGRAM = "no program is active in the pump"
WITHOUT_PROGRAM = 'upload one: thecal program rx.toml (thecal new rx.toml writes it), or pump now: thecal run "1 mL/h"'


def start(
    pump_name: Pump = None,
    port: Port = None,
    zone: Zone = None,
    set_clock: MoveClock = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Set the pump's clock and start the active program. Asks before it moves a clock or a zone that is already set."""
    from thecal.cli.clock_setting import Wish, set_before_start, tell
    from thecal.pump import clock, facts
    from thecal.pump.opening import open_pump
    from thecal.pump.orders import Order
    from thecal.text import line as line_text
    from thecal.text.calibration import line
    from thecal.text.protocol import waits_text

    wish = Wish(zone, set_clock)
    wish.check()
    with open_pump(one_port(pump_name, port)) as client:
        pump = facts.ask(client)
        before = pump.status
        if dry_run:
            tell(pump, wish)
            without = before.get("program_digest") == ""
            talk(f"would refuse: {NO_PROGRAM}" if without else f"would set the clock and start {before.get('program_name')}")
            talk(f"calibration: {line(before['calibration'])}")
            unsent(Order("start"), as_json)
            return
        if before.get("program_digest") == "" and before["state"] == "stopped":
            raise Failed(f"{NO_PROGRAM}; nothing was changed", WITHOUT_PROGRAM)
        set_before_start(pump, wish)
        try:
            reply = client.start()
        except Refused as refused:
            raise line_text.explained(refused, before) from refused
        after, reading = clock.read(client)
        program = pump.known_program() if after.get("protocol") else None
    if as_json:
        emit_json({"start": reply, "status": after, "clock": reading.as_dict()})
    else:
        data(f"{after['state']}: {after.get('program_name')}")
        talk(f"clock {reading.text()}; {clock.next_change(after)}")
        waiting = waits_text(program, after) if program is not None else ""
        if waiting:
            talk(waiting)
    talk(f"calibration: {line(after['calibration'])}")
