"""How an order ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from thecal.errors import BadInput

if TYPE_CHECKING:
    from thecal.api.following import Look, Patience, Watched
    from thecal.api.review import Order
    from thecal.api.session import Session


@dataclass(frozen=True)
class Outcome:
    """What became of an order.

    `done` is True at its end, False if the timeout passed before. `made` of `whole` were delivered, in steps (of a temporary rate: ms that
    passed); `delivered_ml` is the same as a volume, None for a temporary rate or without a calibration. `text` says it in words. `reply`
    is the pump's last answer.
    """

    kind: str
    done: bool
    made: int
    whole: int
    delivered_ml: float | None
    text: str
    reply: dict[str, Any]


def wait(session: Session, order: Order, patience: Patience) -> Outcome:
    """Follow an order to its end. Raises as `Pump.wait`."""
    from thecal.api.following import follow

    watched = watched_of(order)
    return outcome(order, watched, follow(session, watched, patience))


def outcome(order: Order, watched: Watched, last: Look) -> Outcome:
    """Return what became of an order at its last look."""
    pair = order.facts.get("calibration")
    delivered_ml = last.made * pair["volume_nl"] / pair["steps"] / 1e6 if pair and order.kind != "temporary" else None
    reply = {key: value for key, value in last.told.items() if key != "alarmed"}
    return Outcome(order.kind, bool(last.ended), last.made, last.whole, delivered_ml, watched.amount(last), reply)


def watched_of(order: Order) -> Watched:
    """Return how to follow an order. Raises BadInput for one that has no end."""
    from thecal.api import following, running

    ways: dict[str, Callable[[], Watched]] = {
        "run": lambda: running.watched(order),
        "temporary": lambda: following.temporary(order.token, order.reply["begins_at_ms"], order.reply["ends_at_ms"]),
        **{kind: lambda: following.bolus(order.token, "bolus", order.facts["calibration"]) for kind in ("bolus", "demand", "extended")},
        "prime": lambda: following.bolus(order.token, "priming", order.facts["calibration"]),
    }
    if order.kind not in ways or (order.kind == "run" and order.facts["whole_steps"] is None):
        raise BadInput("a run without an end has nothing to wait for", "add --for TIME or --volume VOLUME, or leave out --wait")
    return ways[order.kind]()
