"""Follow an order to its end. The port is free between two looks, so that another `thecal stop` gets through.

A signal ends the watching only: the pump owns the dose.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from thecal.errors import Failed, InAlarm, Interrupted, LinkLost, NoPump, PortBusy, Unknown

if TYPE_CHECKING:
    from thecal.api.session import Session
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


class Patience(NamedTuple):
    """`timeout_s`: give up after so long, None never. `progress` receives done and total of each look, in one unit."""

    timeout_s: float | None = None
    progress: Callable[[int, int], None] | None = None


def follow(session: Session, watched: Watched, patience: Patience) -> Look:
    """Return the last look after the order has ended, or the present one at the timeout. Raises InAlarm, Failed if it ended early, Unknown
    after a lost link, and Interrupted after a signal."""
    from thecal.pump.steering import interruptible

    try:
        with interruptible():
            last = until_end(session, watched, patience)
    except Interrupted as end:
        raise Interrupted(end.number, f"{end.cause}: the watching ended, the {watched.name} did not", STOP_DO) from None
    return checked(last, watched)


def checked(last: Look, watched: Watched) -> Look:
    """Return the last look. Raises InAlarm, Failed if the order ended before it was done."""
    if last.ended not in (DONE, ""):
        raise early(last, watched)
    return last


def until_end(session: Session, watched: Watched, patience: Patience) -> Look:
    """Look every half second until the order has ended, or the timeout has passed."""
    watching = Watching(session, watched, patience)
    while (found := watching.look()) is None:
        time.sleep(INTERVAL_S)
    return found


class Watching:
    """An order that is followed, one look at a time."""

    def __init__(self, session: Session, watched: Watched, patience: Patience) -> None:
        self._session, self._watched, self._patience = session, watched, patience
        self._begun_s = self._heard_s = time.monotonic()

    def look(self) -> Look | None:
        """Look once. Return the last look at the end or the timeout, None before. Raises Unknown after 30 s without an answer."""
        try:
            found = look_once(self._session, self._watched)
        except (LinkLost, NoPump, PortBusy) as error:
            if time.monotonic() - self._heard_s > PATIENCE_S:
                cause = f"no answer for {PATIENCE_S:.0f} s while the {self._watched.name} ran: {error.cause}"
                raise Unknown(cause, "the pump ends it by itself; look with: thecal status") from error
            return None
        self._heard_s = time.monotonic()
        if self._patience.progress is not None:
            self._patience.progress(found.made, found.whole)
        late = self._patience.timeout_s is not None and self._heard_s - self._begun_s >= self._patience.timeout_s
        return found if found.ended or late else None


def look_once(session: Session, watched: Watched) -> Look:
    """Look at the pump on a port that is open for this moment only."""
    with session.opened() as client:
        try:
            return watched.look(client)
        finally:
            session.release()


def early(last: Look, watched: Watched) -> Failed | InAlarm:
    """Return the error for an order that ended before it was done."""
    cause = f"the {watched.name} ended early ({last.ended}): {watched.amount(last)}"
    if last.told.get("state") == "alarm" or last.told.get("alarmed"):
        return InAlarm(cause, "see the alarm: thecal alarms")
    return Failed(cause, "see why: thecal journal")


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
