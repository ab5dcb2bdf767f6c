"""Has the pump run by itself: ordered once, watched to its end, stopped when the person gives up."""

from __future__ import annotations

import time

from pumpcore.bolus import CALIBRATION, PRIMING
from thecal.calibrate.plan import Plan
from thecal.client import Client
from thecal.console import Progress, talk
from thecal.errors import Failed, Unknown
from thecal.exchange import Reply

LOOK_EVERY_S = 0.2
ENDED = ("done", "cancelled", "cut")


def prime(client: Client, plan: Plan) -> None:
    """Fills the line with `plan.prime_nl`."""
    _to_its_end(client, PRIMING, plan.prime_nl, plan.rate)


def run(client: Client, plan: Plan) -> int:
    """One run; the steps that the guard counted, which are those that were ordered. Failed when it was cut short."""
    return _to_its_end(client, CALIBRATION, plan.steps, plan.rate)


def _to_its_end(client: Client, purpose: str, amount: int, rate_nl_s: tuple[int, int]) -> int:
    token = client.bolus_token()
    try:
        told = client.run_start(token, purpose, amount, rate_nl_s)
    except Unknown as error:
        raise Unknown(error.cause, f"the pump may run: `thecal status`, `thecal stop`, or thecal bolus --status {token}") from error
    try:
        ended = _watched(client, token, purpose, int(told["ordered_steps"]))
    except KeyboardInterrupt:
        client.stop()
        talk("")
        raise Failed("stopped, nothing was stored", "begin again when the line is in order") from None
    if ended["state"] != "done":
        raise Failed(
            f"the {purpose} run was {ended['state']} after {ended['delivered_steps']} steps, nothing was stored", "`thecal status`"
        )
    return int(ended["delivered_steps"])


def _watched(client: Client, token: str, purpose: str, steps: int) -> Reply:
    """Looks until the pump has stopped by itself; a bar for what takes longer than two seconds."""
    progress = Progress(purpose)
    try:
        while True:
            told = client.bolus_status(token)
            if told["state"] in ENDED:
                return told
            progress.update(int(told["delivered_steps"]), steps)
            time.sleep(LOOK_EVERY_S)
    finally:
        progress.close()
