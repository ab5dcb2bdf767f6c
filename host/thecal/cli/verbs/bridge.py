"""`thecal bridge`: start the program while another concentration is still in the line, at the right dose."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from thecal.cli.consent import Consent, answer, carry_out
from thecal.cli.options import AsJson, DryRun, MoveClock, Port, Yes, Zone
from thecal.errors import Failed
from thecal.terminal.console import columns, confirm, talk

if TYPE_CHECKING:
    from pumpcore.program.plan import Program
    from thecal.api.clock_move import Wish
    from thecal.pump.exchange import Reply
    from thecal.pump.facts import PumpFacts
    from thecal.text.line import Line

QUESTION = "Start with this bridge?"


def bridge(
    port: Port = None,
    zone: Zone = None,
    set_clock: MoveClock = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Start with another concentration still in the line. It is delivered at the same drug dose until the front has passed."""
    from thecal.api.clock_move import Wish
    from thecal.pump import facts
    from thecal.pump.opening import open_pump

    wish, consent = Wish(zone, set_clock), Consent(yes, dry_run, as_json)
    wish.check()
    with open_pump(port) as client:
        pump = facts.ask(client)
        reply = order(pump, wish, consent)
    answer(reply, consent, lambda reply: begun(reply, pump.status))


def begun(reply: Reply, status: Reply) -> str:
    from thecal.quantities.amounts import made_text

    rest = made_text(reply["new_from_steps"] - reply["position_steps"], status["calibration"])
    return f"the bridge runs: basal x {reply['numerator']}/{reply['denominator']}; it ends after {rest} (token {reply['token']})"


def order(pump: PumpFacts, wish: Wish, consent: Consent) -> Reply | None:
    from thecal.cli import clock_setting
    from thecal.pump import orders

    program = pump.active()
    talk(columns(review(program, in_line(pump.status), pump.status)))
    if not consent.dry_run:
        confirm(QUESTION, consent.yes)
        clock_setting.set_before_start(pump, wish)
        consent = consent._replace(yes=True)
    return carry_out(pump.client, orders.bridge(), QUESTION, consent)


def in_line(status: dict[str, Any]) -> Line:
    """Return the line if a bridge can deliver it. Raises Failed if no bridge is needed, or only a priming helps."""
    from thecal.text import line as line_text

    line = line_text.of(status)
    if line is None or not line["needs"]:
        raise Failed("the line holds nothing that needs a bridge", "start without one: thecal start")
    if line["needs"] != "bridge":
        cause = f"the line holds {line_text.content(line, 'old')}, and no bridge can deliver it"
        raise Failed(cause, line_text.need(line))
    if line["phase"]:
        raise Failed("a bridge is under way", "see its state: thecal status")
    return line


def review(program: Program, line: Line, status: dict[str, Any]) -> list[tuple[str, ...]]:
    """Return the solutions in the line, the factor of the basal, and its duration."""
    from thecal.forecast import bridged
    from thecal.quantities.amounts import ml, ml_per_h
    from thecal.text.line import content

    ends = (program.lowest_rate_nl(), program.highest_rate_nl())
    ratio = bridged.ratio_of(line, program)
    rates = [Fraction(end, program.rate_seconds_s) * ratio for end in ends]
    may = f"it may hold {ml(line['low_nl'])} to {ml(line['high_nl'])}"
    where = f"{ml(line['least_nl'])} to {ml(line['most_nl'])} of {ml(line['line_nl'])}; {may}"
    rows: list[tuple[str, ...]] = [
        ("in the line", content(line, "old")),
        ("after it", content(line, "new")),
        ("front", where),
        ("bridge", f"basal x {ratio} = " + " to ".join(dict.fromkeys(ml_per_h(rate.numerator, rate.denominator) for rate in rates))),
    ]
    rows += [(f"{name} meanwhile", said) for name, said in bridged.others(program, line)]
    return [*rows, *bridged.times(program, line, status)]
