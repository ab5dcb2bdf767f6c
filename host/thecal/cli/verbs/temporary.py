"""`thecal temporary RATE --for TIME`: replace the basal by another rate, or a part of it, for a limited time."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any

import typer

from thecal.cli import complete
from thecal.cli.consent import Consent, answer, carry_out, undo
from thecal.cli.options import AsJson, DryRun, Port, Wait, Yes
from thecal.cli.typed import seconds
from thecal.errors import BadInput, Failed
from thecal.terminal.console import columns, talk

if TYPE_CHECKING:
    from pumpcore.orders.bolus import Temporary
    from pumpcore.program.plan import Program
    from thecal.pump.client import Client
    from thecal.pump.exchange import Reply
    from thecal.pump.facts import PumpFacts

EXAMPLE = 'thecal temporary "50 %" --for "2 h"'
Rows = list[tuple[str, ...]]


def temporary(
    rate: Annotated[
        str | None, typer.Argument(metavar="RATE", help='A rate, e.g. "0.8 mL/h", or a percentage of the basal, e.g. "50 %".')
    ] = None,
    duration: Annotated[str | None, typer.Option("--for", metavar="TIME", help='Duration, 1 min to 24 h, e.g. "2 h".')] = None,
    cancel: Annotated[
        str | None,
        typer.Option(
            "--cancel", metavar="[TOKEN]", help="End this temporary rate (default: the one that runs).", autocompletion=complete.tokens
        ),
    ] = None,
    wait: Wait = False,
    port: Port = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Run a temporary rate instead of the basal."""
    from thecal.cli import following
    from thecal.cli.typed import check_token
    from thecal.pump import facts
    from thecal.pump.opening import open_pump
    from thecal.pump.orders import Order, cancel_temporary

    if (cancel is None) == (rate is None) or (rate is None) != (duration is None):
        raise BadInput("the command names no complete order, or more than one", f"order with: {EXAMPLE}; or give --cancel TOKEN")
    if wait and cancel is not None:
        raise BadInput("--wait follows an order, and this command orders nothing", "leave out --wait")
    if cancel:
        check_token(cancel)
    elif cancel is None:
        parse(str(rate), str(duration))
    consent = Consent(yes, dry_run, as_json)
    with open_pump(port) as client:
        if cancel is not None:
            token = cancel or running_token(client)
            reply = undo(Order("temporary.cancel", {"token": token}), consent, lambda: cancel_temporary(client, token))
        else:
            reply = order(facts.ask(client), str(rate), str(duration), consent)
    if wait and reply is not None:
        following.follow(client.port_url, following.temporary(reply["token"], reply["begins_at_ms"], reply["ends_at_ms"]))
    answer(reply, consent, lambda reply: "temporary rate done" if wait else sentence(reply, cancel is not None))


def running_token(client: Client) -> str:
    """Return the token of the temporary rate that waits or runs. Raises Failed if there is none."""
    present = client.status().get("temporary")
    if not present:
        raise Failed("no temporary rate runs", "see what the pump does: thecal status")
    return str(present["token"])


def sentence(reply: Reply, cancelled: bool) -> str:
    from pumpcore.units import MS_PER_S
    from thecal.quantities.amounts import span

    if cancelled:
        return f"temporary rate cancelled (token {reply['token']}): steps already queued still run for a few seconds"
    lasts_s = (reply["ends_at_ms"] - reply["begins_at_ms"]) // MS_PER_S
    return f"temporary rate ordered (token {reply['token']}): begins within seconds, lasts {span(lasts_s)}"


def parse(rate: str, duration: str) -> tuple[Any, int]:
    """Return (a quantity, or a part of the basal) and seconds."""
    from thecal.checks.dose import rate_of
    from thecal.quantities.typed import parse_number, shown

    seconds_s = seconds("--for", duration)
    if not rate.rstrip().endswith("%"):
        return rate_of(rate), seconds_s
    part = parse_number(rate, rate.rstrip().removesuffix("%").strip()) / 100
    if max(part.numerator, part.denominator) > 10_000:
        raise BadInput(f"{shown(rate)} is not a fraction with parts of at most 10,000", "write fewer digits, or a rate")
    return part, seconds_s


def order(pump: PumpFacts, rate: str, duration: str, consent: Consent) -> Reply | None:
    from thecal.checks import orders as order_checks
    from thecal.checks import rigs
    from thecal.pump import clock, orders
    from thecal.quantities.typed import Quantity

    program = pump.active()
    quantity, seconds_s = parse(rate, duration)
    made, words = in_pump(program, quantity, seconds_s), f"{rate} for {duration}"
    typed = quantity.described(words) if isinstance(quantity, Quantity) else words
    order_checks.check_temporary(program, rigs.of_pump(pump), made, typed)
    clock.tell(pump.reading)
    talk(columns(review(program, rate, duration, made)))
    return carry_out(pump.client, orders.temporary(made), "Run this temporary rate?", consent)


def in_pump(program: Program, asked: Any, duration_s: int) -> Temporary:
    """Convert a part of the basal, or a rate, to the pump's integers; without a token."""
    from pumpcore.orders.bolus import Temporary
    from thecal.checks.dose import rate_nl

    if isinstance(asked, Fraction):
        return Temporary("", 0, asked.numerator, asked.denominator, duration_s)
    return Temporary("", rate_nl(program, asked), 0, 0, duration_s)


def review(program: Program, rate: str, duration: str, made: Temporary) -> Rows:
    from thecal.quantities.amounts import ml_per_h, span

    seconds_s = program.rate_seconds_s
    if made.denominator:
        ends = (program.lowest_rate_nl(), program.highest_rate_nl())
        parts = [Fraction(made.of(end), made.denominator * seconds_s) for end in ends]
        in_words = " to ".join(dict.fromkeys(ml_per_h(part.numerator, part.denominator) for part in parts))
        in_words += f" (basal x {made.numerator}/{made.denominator})"
    else:
        in_words = ml_per_h(made.rate_nl, seconds_s)
    head = ("temporary rate", "typed", "that is")
    return [head, ("rate", rate, in_words), ("lasts", duration, span(made.duration_s))]
