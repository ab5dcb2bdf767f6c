"""The present flow of a pump, from its status: basal (or temporary rate or bridge instead) and boluses."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple

from pumpcore.fluid.front import OLD, ratio
from pumpcore.orders.bolus import DELIVERING
from thecal.pump.active import content_of

Status = dict[str, Any]
DELIVERS = ("running", "priming", "calibrating")
BASAL, TEMPORARY, BRIDGE = "basal", "temporary rate", "bridge"


class Part(NamedTuple):
    """Something that flows now: "basal", "bolus" ..., and its exact rate."""

    name: str
    nl_per_s: Fraction


def parts_of(status: Status) -> list[Part]:
    """Return everything that flows now; empty if nothing flows."""
    if status["state"] not in DELIVERS:
        return []
    boluses = [bolus for bolus in (status.get("bolus"), status.get("extended")) if bolus and bolus["state"] == DELIVERING]
    return basal_now(status) + [Part(bolus_name(one), Fraction(one["rate_nl"], one["rate_seconds_s"])) for one in boluses]


def bolus_name(bolus: dict[str, Any]) -> str:
    """ "demand bolus", "bolus", "priming"."""
    purpose = bolus.get("purpose", "manual")
    return "bolus" if purpose == "manual" else f"{purpose} bolus" if purpose in ("demand", "extended") else str(purpose)


def basal_now(status: Status) -> list[Part]:
    """Return the basal, or the temporary rate or bridge instead of it; empty if no program runs."""
    if status.get("entry_rate_nl") is None or not status.get("rate_seconds_s"):
        return []
    plain, temporary = Fraction(status["entry_rate_nl"], status["rate_seconds_s"]), status.get("temporary")
    if temporary and temporary["rest_s"] < temporary["duration_s"]:  # before its first second it waits for a slice
        if temporary["denominator"]:
            return [Part(TEMPORARY, plain * temporary["numerator"] / temporary["denominator"])]
        return [Part(TEMPORARY, Fraction(temporary["rate_nl"], status["rate_seconds_s"]))]
    line = (status.get("therapy") or {}).get("line")
    if line and line["phase"]:
        pair = Fraction(*ratio(content_of(line, "old"), content_of(line, "new")))
        return [Part(BRIDGE, plain * (pair if line["phase"] == OLD else min(pair, Fraction(1))))]
    return [Part(BASAL, plain)] if status["state"] == "running" else []
