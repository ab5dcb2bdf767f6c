"""Run the pump once for a calibration: order, watch to the end, stop on a signal."""

from __future__ import annotations

import time

from pumpcore.orders.bolus import CALIBRATION, DONE, PRIMING
from thecal.errors import Failed, Interrupted, Unknown
from thecal.pump.client import ENDED_STATES, Client
from thecal.pump.exchange import Reply
from thecal.pump.replies import NEVER_SEEN, bad_answer
from thecal.pump.steering import StopNotes, cut_short, stopped_by
from thecal.quantities.amounts import Rate
from thecal.terminal.console import Progress
from thecal.weighing.calibrate.plan import Plan
from thecal.weighing.clocks import Clock, clock_for

LOOK_EVERY_S = 0.2
LATE, SPARE_S, MOST_S = 2, 60, 172_800  # how long a run is waited for: twice what the pump said, and a minute; at most two days


def prime(client: Client, plan: Plan, notes: StopNotes) -> None:
    """Fill the line with `plan.prime_nl`."""
    _to_its_end(client, PRIMING, plan.prime_nl, plan.rate, notes)


def run(client: Client, plan: Plan, notes: StopNotes) -> int:
    """Run once; return the steps that the guard counted, which equal the ordered ones. Raises Failed if the run was cut short."""
    return _to_its_end(client, CALIBRATION, plan.steps, plan.rate, notes)


def _to_its_end(client: Client, purpose: str, amount: int, rate: Rate, notes: StopNotes) -> int:
    notes.check()
    clock = clock_for(client.port_url)
    token = client.bolus_token()
    try:
        told = {"token": token, **client.run_start(token, purpose, amount, rate)}
        ended = _watched(client, told, purpose, notes, clock)
    except Unknown as error:
        raise Unknown(error.cause, f"the pump may still run: `thecal status`, `thecal stop`, or thecal bolus --status {token}") from error
    except Interrupted as end:  # also between the order and its answer: the pump may have started
        raise stopped_by(end, client, token) from None
    except OSError:  # the terminal went away, and with it the bar: that hides the HUP
        client.stop()
        raise
    finally:
        clock.close()
    if ended["state"] != DONE:
        raise cut_short(client, purpose, ended)
    if not ended["delivered_steps"]:
        raise bad_answer("bolus.status", "delivered_steps is 0 of a run that is done")
    return int(ended["delivered_steps"])


def _watched(client: Client, ordered: Reply, purpose: str, notes: StopNotes, clock: Clock) -> Reply:
    """Wait until the pump has stopped by itself; show a bar after two seconds. Stops the pump and raises Failed if it takes longer than
    the pump announced."""
    progress, most_s = Progress(purpose), min(ordered.get("duration_s", MOST_S) * LATE + SPARE_S, MOST_S)
    deadline_s = time.monotonic() + most_s
    try:
        while time.monotonic() < deadline_s:
            told = client.bolus_status(ordered["token"])
            if told["state"] in NEVER_SEEN:
                raise Failed(f"the pump no longer knows the {purpose} run that it accepted", "`thecal status`")
            progress.update(int(told["delivered_steps"]), int(ordered["ordered_steps"]))
            clock.pause(LOOK_EVERY_S)  # after the last look too: the balance comes to rest
            if told["state"] in ENDED_STATES:
                return told
            if notes.changed():  # a stop that came between the last look and the order
                client.stop()
    finally:
        progress.close()
    client.stop()
    raise Failed(f"the {purpose} run did not end within {most_s} s and was stopped, nothing was stored", "`thecal status`, `thecal alarms`")
