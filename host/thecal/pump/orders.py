"""Orders: what is asked of the pump once a person has confirmed. Those with a one-shot token are done at most once.

The token is asked for after the person has confirmed. A lost answer is settled by asking: `bolus.status` for a dose; the same
order with the same token for what is no dose, which the pump answers again and does not do twice.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from thecal.errors import Failed, Interrupted, LinkLost, Refused, Unknown
from thecal.pump.client import LIVE_STATES, Client
from thecal.pump.exchange import Reply
from thecal.pump.refusals import with_rates
from thecal.pump.steering import stopped_by

DOSES = "bolus."  # how their methods begin
BOLUS_STATUS = "thecal bolus --status TOKEN"
PRIME = "bolus.prime"


@dataclass(frozen=True)
class Order:
    """A command of the wire with its params, without the token; `ask_with` is the command line that tells what became of it."""

    method: str
    params: dict[str, Any] = field(default_factory=dict)
    ask_with: str = "thecal status"


def require(client: Client, method: str) -> None:
    """Failed when the pump's firmware, which said hello when it was opened, does not have this command."""
    if method not in (client.greeting or client.hello()).get("capabilities", []):
        raise Failed(f"this pump's firmware does not know {method}", "flash the pump with this version's firmware: thecal flash")


def place(client: Client, order: Order) -> Reply:
    """Orders with a fresh token; the reply carries it. Raises Unknown with `ask_with` when nobody can tell what became of it."""
    require(client, order.method)
    token = client.bolus_token()
    whole = {"token": token, **order.params}

    def settle() -> Reply | None:
        return client.settle_bolus(token) if order.method.startswith(DOSES) else client.settle_again(order.method, whole)

    try:
        return {"token": token, **client.command(order.method, whole, settle)}
    except Interrupted as end:
        raise ended_priming(client, token, end) if order.method == PRIME else end from None
    except Refused as refused:
        raise with_rates(refused, client.status().get("rate_seconds_s")) from refused
    except Unknown as error:
        raise Unknown(error.cause, f"ask what became of it before ordering again: {order.ask_with.replace('TOKEN', token)}") from error


def ended_priming(client: Client, token: str, end: Interrupted) -> Interrupted:
    """A signal came while the answer was awaited. A priming that has begun is stopped: nothing else runs beside it. One that was not
    ordered leaves the pump alone: it may be running."""
    try:
        begun = client.bolus_status(token).get("state") in LIVE_STATES
    except LinkLost:
        begun = True
    return stopped_by(end, client, token) if begun else Interrupted(end.number, f"{end.cause}: nothing was ordered")


def bolus(volume_nl: int, rate_nl: int) -> Order:
    """`rate_nl` per the active program's seconds."""
    return Order("bolus.start", {"volume_nl": volume_nl, "rate_nl": rate_nl}, BOLUS_STATUS)


def demand() -> Order:
    return Order("bolus.demand", {}, BOLUS_STATUS)


def extended(volume_nl: int, duration_s: int) -> Order:
    return Order("bolus.extended", {"volume_nl": volume_nl, "duration_s": duration_s}, BOLUS_STATUS)


def prime(rate_nl: int, again: bool) -> Order:
    """`rate_nl` per the active program's seconds."""
    return Order(PRIME, {"rate_nl": rate_nl, "again": int(again)}, BOLUS_STATUS)


def bridge() -> Order:
    """Starts the active program with a bridge."""
    return Order("bridge.start")


def temporary(rate_nl: int, part: tuple[int, int], duration_s: int) -> Order:
    """A rate per the active program's seconds, or a part (numerator, denominator) of the basal; the other one is 0."""
    params = {"rate_nl": rate_nl, "numerator": part[0], "denominator": part[1], "duration_s": duration_s}
    return Order("temporary.start", params, "thecal read")


def refill(measured_nl: int, filled_nl: int) -> Order:
    return Order("reservoir.refill", {"measured_nl": measured_nl, "filled_nl": filled_nl}, "thecal read")


def cancel_temporary(client: Client, token: str) -> Reply:
    require(client, "temporary.cancel")
    return client.command("temporary.cancel", {"token": token})


def acknowledge_refill(client: Client, reason: str) -> Reply:
    require(client, "reservoir.acknowledge")
    return client.command("reservoir.acknowledge", {"reason": reason})
