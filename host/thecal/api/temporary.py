"""Prepare and send a temporary rate: another rate instead of the basal, or a part of it, for a limited time."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from thecal.errors import BadInput, Failed

if TYPE_CHECKING:
    from pumpcore.orders.bolus import Temporary
    from pumpcore.program.plan import Program
    from thecal.api.review import Draft, Order, Rows
    from thecal.pump.exchange import Reply
    from thecal.pump.facts import PumpFacts
    from thecal.pump.orders import Order as WireOrder


def parse(rate: str, duration: str) -> tuple[Any, int]:
    """Return (a quantity, or a part of the basal) and seconds. Raises BadInput."""
    from thecal.api.typed import seconds
    from thecal.checks.dose import rate_of
    from thecal.quantities.typed import parse_number, shown

    seconds_s = seconds("--for", duration)
    if not rate.rstrip().endswith("%"):
        return rate_of(rate), seconds_s
    part = parse_number(rate, rate.rstrip().removesuffix("%").strip()) / 100
    if max(part.numerator, part.denominator) > 10_000:
        raise BadInput(f"{shown(rate)} is not a fraction with parts of at most 10,000", "write fewer digits, or a rate")
    return part, seconds_s


def prepare(pump: PumpFacts, rate: str, duration: str) -> Draft:
    """Check a temporary rate and return its review. Raises BadInput, Failed."""
    from thecal.api.review import Draft, Part, clock_part
    from thecal.checks import orders as order_checks
    from thecal.checks import rigs
    from thecal.pump import orders
    from thecal.quantities.typed import Quantity

    program = pump.active()
    quantity, seconds_s = parse(rate, duration)
    made, words = in_pump(program, quantity, seconds_s), f"{rate} for {duration}"
    typed = quantity.described(words) if isinstance(quantity, Quantity) else words
    order_checks.check_temporary(program, rigs.of_pump(pump), made, typed)
    wanted = orders.temporary(made)
    orders.require(pump.client, wanted.method)
    parts = (clock_part(pump.reading), Part(review(program, rate, duration, made)))
    return Draft("temporary", "Run this temporary rate?", parts, (wanted,), lambda now: place(now, wanted))


def place(pump: PumpFacts, wanted: WireOrder) -> Order:
    """Send a reviewed temporary rate. Raises Refused, Unknown."""
    from thecal.api.review import Order
    from thecal.pump import orders

    reply = orders.place(pump.client, wanted)
    return Order("temporary", str(reply["token"]), str(pump.status.get("program_digest") or ""), reply, sentence(reply, False))


def sentence(reply: Reply, cancelled: bool) -> str:
    """Format the pump's answer to the order, or to the end of one."""
    from pumpcore.units import MS_PER_S
    from thecal.quantities.amounts import span

    if cancelled:
        return f"temporary rate cancelled (token {reply['token']}): steps already queued still run for a few seconds"
    lasts_s = (reply["ends_at_ms"] - reply["begins_at_ms"]) // MS_PER_S
    return f"temporary rate ordered (token {reply['token']}): begins within seconds, lasts {span(lasts_s)}"


def running_token(status: Reply) -> str:
    """Return the token of the temporary rate that waits or runs. Raises Failed if there is none."""
    present = status.get("temporary")
    if not present:
        raise Failed("no temporary rate runs", "see what the pump does: thecal status")
    return str(present["token"])


def in_pump(program: Program, asked: Any, duration_s: int) -> Temporary:
    """Convert a part of the basal, or a rate, to the pump's integers; without a token."""
    from pumpcore.orders.bolus import Temporary
    from thecal.checks.dose import rate_nl

    if isinstance(asked, Fraction):
        return Temporary("", 0, asked.numerator, asked.denominator, duration_s)
    return Temporary("", rate_nl(program, asked), 0, 0, duration_s)


def review(program: Program, rate: str, duration: str, made: Temporary) -> Rows:
    """Return the rate and the time as typed, and what they are."""
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
