"""Orders with a one-shot token: demand, extended and priming boluses, temporary rates, bridge, refill. Each is done at most once.

The token is asked for after the person has confirmed. A lost answer is settled by asking: `bolus.status` for a dose; the same
order with the same token for what is no dose, which the pump answers again and does not do twice.
"""

from __future__ import annotations

from typing import Any

from thecal.client import Client
from thecal.errors import Failed, Unknown
from thecal.exchange import Reply

BOLUSES = ("bolus.demand", "bolus.extended", "bolus.prime")


def known(client: Client, method: str) -> bool:
    """Whether the pump's firmware has this command."""
    return method in client.hello().get("capabilities", [])


def require(client: Client, method: str) -> None:
    if not known(client, method):
        raise Failed(f"this pump's firmware does not know {method}", "flash the pump with this version's firmware: thecal flash")


def place(client: Client, method: str, params: dict[str, Any], ask_with: str) -> Reply:
    """Orders with a fresh token; the reply carries it. Raises Unknown with `ask_with` (a command line, TOKEN in it) when nobody can
    tell what became of it."""
    require(client, method)
    token = client.bolus_token()
    whole = {"token": token, **params}

    def settle() -> Reply | None:
        return client.settle_bolus(token) if method in BOLUSES else client.settle_again(method, whole)

    try:
        return {"token": token, **client.command(method, whole, settle)}
    except Unknown as error:
        raise Unknown(error.cause, f"ask what became of it before ordering again: {ask_with.replace('TOKEN', token)}") from error


def demand(client: Client) -> Reply:
    return place(client, "bolus.demand", {}, "thecal bolus --status TOKEN")


def extended(client: Client, volume_nl: int, duration_s: int) -> Reply:
    return place(client, "bolus.extended", {"volume_nl": volume_nl, "duration_s": duration_s}, "thecal bolus --status TOKEN")


def prime(client: Client, rate_nl: int, again: bool) -> Reply:
    """`rate_nl` per the active program's seconds."""
    return place(client, "bolus.prime", {"rate_nl": rate_nl, "again": int(again)}, "thecal bolus --status TOKEN")


def bridge(client: Client) -> Reply:
    """Starts the active program with a bridge."""
    return place(client, "bridge.start", {}, "thecal status")


def temporary(client: Client, rate_nl: int, part: tuple[int, int], duration_s: int) -> Reply:
    """A rate per the active program's seconds, or a part (numerator, denominator) of the basal; the other one is 0."""
    params = {"rate_nl": rate_nl, "numerator": part[0], "denominator": part[1], "duration_s": duration_s}
    return place(client, "temporary.start", params, "thecal read")


def cancel_temporary(client: Client, token: str) -> Reply:
    require(client, "temporary.cancel")
    return client.command("temporary.cancel", {"token": token})


def refill(client: Client, measured_nl: int, filled_nl: int) -> Reply:
    return place(client, "reservoir.refill", {"measured_nl": measured_nl, "filled_nl": filled_nl}, "thecal read")


def acknowledge_refill(client: Client, reason: str) -> Reply:
    require(client, "reservoir.acknowledge")
    return client.command("reservoir.acknowledge", {"reason": reason})
