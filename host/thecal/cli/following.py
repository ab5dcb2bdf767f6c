"""`--wait`: follow an order to its end with a progress bar. It opens the port for each look, so that another `thecal stop` gets through.

A signal ends the watching only: the pump owns the dose.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from thecal.errors import Failed, InAlarm, Interrupted, LinkLost, NoPump, PortBusy, Unknown
from thecal.terminal.console import Progress

if TYPE_CHECKING:
    from thecal.pump.client import Client
    from thecal.pump.exchange import Reply

INTERVAL_S = 0.5
PATIENCE_S = 30.0  # without an answer
DONE = "done"
STOP_DO = "the pump goes on; stop it with: thecal stop"


class Look(NamedTuple):
    """What a look at the pump found: `made` of `whole` in one unit; `ended` is "" while it goes on; `told` is the reply."""

    made: int
    whole: int
    ended: str
    told: Reply


class Watched(NamedTuple):
    """What is followed: its `name` ("bolus"), how to `look` at it, and how to say what it made."""

    name: str
    look: Callable[[Client], Look]
    amount: Callable[[Look], str]


def follow(port_url: str, watched: Watched) -> Look:
    """Return the last look after the order has ended. Raises InAlarm, Failed if it ended early, Unknown after a lost link, and
    Interrupted after a signal."""
    from thecal.pump.steering import interruptible

    progress = Progress(watched.name)
    try:
        with interruptible():
            last = until_end(port_url, watched, progress)
    except Interrupted as end:
        raise Interrupted(end.number, f"{end.cause}: the watching ended, the {watched.name} did not", STOP_DO) from None
    finally:
        progress.close()
    if last.ended != DONE:
        raise early(last, watched)
    return last


def until_end(port_url: str, watched: Watched, progress: Progress) -> Look:
    heard_s = time.monotonic()
    while True:
        try:
            found = look_once(port_url, watched)
        except (LinkLost, NoPump, PortBusy) as error:
            if time.monotonic() - heard_s > PATIENCE_S:
                cause = f"no answer for {PATIENCE_S:.0f} s while the {watched.name} ran: {error.cause}"
                raise Unknown(cause, "the pump ends it by itself; look with: thecal status") from error
        else:
            heard_s = time.monotonic()
            if found.ended:
                return found
            progress.update(found.made, found.whole)
        time.sleep(INTERVAL_S)


def look_once(port_url: str, watched: Watched) -> Look:
    from thecal.pump.client import Client

    with Client(port_url) as client:
        return watched.look(client)


def early(last: Look, watched: Watched) -> Failed | InAlarm:
    """Return the error for an order that ended before it was done."""
    cause = f"the {watched.name} ended early ({last.ended}): {watched.amount(last)}"
    if last.told.get("state") == "alarm" or last.told.get("alarmed"):
        return InAlarm(cause, "see the alarm: thecal alarms")
    return Failed(cause, "see why: thecal journal")


def ended_bolus(port_url: str, ordered: Reply, name: str, calibration: dict[str, Any] | None) -> Reply:
    """Follow an ordered bolus; return its state at its end. Raises as `follow`."""
    told = follow(port_url, bolus(str(ordered["token"]), name, calibration)).told
    return {key: value for key, value in told.items() if key != "alarmed"}


def bolus(token: str, name: str, calibration: dict[str, Any] | None) -> Watched:
    """Follow a bolus of any kind by its token; `calibration` gives the volume of its steps."""
    from thecal.quantities.amounts import made_text

    def look(client: Client) -> Look:
        from thecal.pump.client import LIVE_STATES

        told = client.bolus_status(token)
        state = str(told.get("state"))
        ended = "" if state in LIVE_STATES else state
        alarmed = ended not in ("", DONE) and client.status()["state"] == "alarm"
        return Look(told.get("delivered_steps", 0), told.get("ordered_steps", 0), ended, {**told, "alarmed": alarmed})

    return Watched(name, look, lambda last: f"{made_text(last.made, calibration)} of {made_text(last.whole, calibration)} delivered")


def temporary(token: str, begins_at_ms: int, ends_at_ms: int) -> Watched:
    """Follow a temporary rate by its token and the uptime of its end; a status without it means that it has ended."""

    def look(client: Client) -> Look:
        status = client.status()
        told, now_ms = status.get("temporary"), status["uptime_ms"]
        passed_ms = max(0, min(now_ms, ends_at_ms) - begins_at_ms)
        if told and told["token"] == token:
            return Look(passed_ms, ends_at_ms - begins_at_ms, "", status)
        ended = DONE if status["state"] == "running" and now_ms >= ends_at_ms else "cancelled"
        return Look(passed_ms, ends_at_ms - begins_at_ms, ended if status["state"] == "running" else status["state"], status)

    return Watched("temporary rate", look, lambda last: f"{last.made // 1000} s of {last.whole // 1000} s had passed")
