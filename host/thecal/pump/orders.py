"""Orders that the user has confirmed. The pump carries out an order with a one-shot token at most once.

The host fetches the token after the confirmation. If the answer is lost, the host asks `bolus.status` about a dose, and sends any other
order again with the same token; the pump repeats its answer and not the order.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pumpcore.orders.bolus import Temporary
from thecal.errors import Failed, Interrupted, LinkLost, Refused, Unknown
from thecal.pump import layers
from thecal.pump.active import read_back
from thecal.pump.client import LIVE_STATES, Client
from thecal.pump.exchange import Reply
from thecal.pump.refusals import with_rates
from thecal.pump.steering import stopped_by

DOSES = "bolus."  # how their methods begin
BOLUS_STATUS = "thecal bolus --status TOKEN"
PRIME = "bolus.prime"


@dataclass(frozen=True)
class Order:
    """A command of the wire with its params, without the token. `ask_with`: the command line that shows its outcome."""

    method: str
    params: dict[str, Any] = field(default_factory=dict)
    ask_with: str = "thecal status"


def require(client: Client, method: str) -> None:
    """Failed when the pump's firmware, which said hello when it was opened, does not have this command."""
    if method not in (client.greeting or client.hello()).get("capabilities", []):
        raise Failed(f"this pump's firmware does not know {method}", "flash the pump with this version's firmware: thecal flash")


def place(client: Client, order: Order) -> Reply:
    """Send the order with a new token; the reply contains the token. Raises Unknown with `ask_with` if the outcome stays unknown."""
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
        raise with_rates(refused, client.status().get("rate_seconds_s"), binding(client, refused)) from refused
    except Unknown as error:
        raise Unknown(error.cause, f"see its state before you order again: {order.ask_with.replace('TOKEN', token)}") from error


def binding(client: Client, refused: Refused) -> str:
    """Return the sentence about the layer of limits that refused an order; "" if none did."""
    program = read_back(client.program_read())
    return "" if program is None else layers.words(refused.fault, refused.detail, program, layers.of_greeting(client.greeting or {}))


def ended_priming(client: Client, token: str, end: Interrupted) -> Interrupted:
    """Handle a signal during the wait for the answer: stop a priming that has begun, because nothing else runs then. If it was not
    ordered, leave the pump alone."""
    try:
        begun = client.bolus_status(token).get("state") in LIVE_STATES
    except LinkLost:
        begun = True
    return stopped_by(end, client, token) if begun else Interrupted(end.number, f"{end.cause}; nothing was ordered")


def bolus(volume_nl: int, rate_nl: int) -> Order:
    """Order a bolus; `rate_nl` per the active program's seconds."""
    return Order("bolus.start", {"volume_nl": volume_nl, "rate_nl": rate_nl}, BOLUS_STATUS)


def demand() -> Order:
    """Order the program's demand bolus."""
    return Order("bolus.demand", {}, BOLUS_STATUS)


def extended(volume_nl: int, duration_s: int) -> Order:
    """Order a volume spread evenly over `duration_s`, 600 to 86,400 s."""
    return Order("bolus.extended", {"volume_nl": volume_nl, "duration_s": duration_s}, BOLUS_STATUS)


def prime(rate_nl: int, again: bool) -> Order:
    """Order a priming; `rate_nl` per the active program's seconds."""
    return Order(PRIME, {"rate_nl": rate_nl, "again": int(again)}, BOLUS_STATUS)


def bridge() -> Order:
    """Start the active program with a bridge."""
    return Order("bridge.start")


def temporary(made: Temporary) -> Order:
    """Order a temporary rate; its token is not sent, because `place` fetches one."""
    params = {name: getattr(made, name) for name in ("rate_nl", "numerator", "denominator", "duration_s")}
    return Order("temporary.start", params, "thecal read")


def refill(measured_nl: int, filled_nl: int) -> Order:
    """Report the volume measured in the reservoir, and the volume filled into it."""
    return Order("reservoir.refill", {"measured_nl": measured_nl, "filled_nl": filled_nl}, "thecal read")


def cancel_temporary(client: Client, token: str) -> Reply:
    """End a temporary rate. Raises Refused if none has this token."""
    require(client, "temporary.cancel")
    return client.command("temporary.cancel", {"token": token})


def acknowledge_refill(client: Client, reason: str) -> Reply:
    """Give the reason (1 to 60 bytes) of a residual out of tolerance. Raises Refused if none waits."""
    require(client, "reservoir.acknowledge")
    return client.command("reservoir.acknowledge", {"reason": reason})
