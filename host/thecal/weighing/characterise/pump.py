"""The pump during a recording: it runs at a constant rate for the recording, or continues its own."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from pumpcore.orders.bolus import CALIBRATION
from pumpcore.units import ceil_div
from thecal.errors import BadInput, Failed, InAlarm, Interrupted, Refused
from thecal.prescription.compiler import Compiled, compile_prescription
from thecal.prescription.file import check
from thecal.pump.active import pair_of
from thecal.pump.client import Client
from thecal.pump.delivering import parts_of
from thecal.pump.refusals import with_rates
from thecal.pump.steering import StopNotes, stopped_by
from thecal.quantities.amounts import Rate

SPARE_MS = 60_000
UNDER_WAY = ("ordered", "delivering")


class PumpSide:
    """Asked every few seconds during the recording; `look` refuses anything but the one constant rate."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.rate = Rate(0, 1)

    def begin(self, duration_ms: int) -> None:
        """Let the pump run for so long, if it does not run already."""

    def end(self) -> None:
        """Restore the previous state; always called."""

    def interrupted(self, end: Interrupted) -> Interrupted:
        """End the run after a signal; return the text to print."""
        return Interrupted(end.number, f"{end.cause}; the pump continues as before")

    def look(self) -> dict[str, Any]:
        """Return the pump's status. Raises Failed if it no longer delivers the one rate."""
        status = self.client.status()
        bolus = status.get("bolus") or {}
        if status["state"] != "running" or rate_now(status) != self.rate or bolus.get("state") in UNDER_WAY:
            what = f"it is {status['state']}" if status["state"] != "running" else "its rate changed, or a bolus was ordered"
            raise Failed(f"the pump no longer delivers the constant rate: {what}", "see `thecal status`, then record again")
        return status


class AsItRuns(PumpSide):
    """A pump that runs already and continues; it reports its rate."""

    def __init__(self, client: Client) -> None:
        super().__init__(client)
        status = client.status()
        if status["state"] != "running" or not rate_now(status).rate_nl:
            raise Failed(f"the pump is {status['state']}", 'start it first, or give a rate: --rate "5 mL/h"')
        self.rate = rate_now(status)


class ConstantRate(PumpSide):
    """A run without a program, at one rate, slightly longer than the recording; the program stays unchanged."""

    def __init__(self, client: Client, rate_text: str) -> None:
        super().__init__(client)
        program = constant(rate_text).program
        self.rate = Rate(program.entries[0][1], program.rate_seconds_s)
        self._token = ""
        self._notes = StopNotes(client.port_url)

    def begin(self, duration_ms: int) -> None:
        pair, rate = pair_of(self.client.status()), self.rate
        steps = ceil_div(rate.rate_nl * (duration_ms + SPARE_MS) * pair["steps"], rate.rate_seconds_s * 1000 * pair["volume_nl"])
        self._notes.check()
        self._token = self.client.bolus_token()
        try:
            self.client.run_start(self._token, CALIBRATION, steps, rate)
        except Refused as refused:
            raise with_rates(refused, rate.rate_seconds_s) from refused

    def look(self) -> dict[str, Any]:
        status = self.client.status()
        run = status.get("bolus") or {}
        if run.get("token") != self._token or run.get("state") not in UNDER_WAY or self._notes.changed():
            raise Failed(f"the run of the pump has ended: it is {status['state']}", "see `thecal status`, then record again")
        return status

    def interrupted(self, end: Interrupted) -> Interrupted:
        token, self._token = self._token, ""
        return stopped_by(end, self.client, token) if token else end

    def end(self) -> None:
        """Stop. Harmless if it never began."""
        if self._token:
            self._token = ""
            self.client.stop()


def constant(rate_text: str) -> Compiled:
    """Convert the rate to the pump's integers. Raises BadInput."""
    table = {"title": f"characterise {rate_text}", "drug": "water", "on_clock_loss": "stop", "after_power_loss": "stop"}
    compiled = compile_prescription(check({**table, "basal": {"rate": rate_text}}, "--rate"), "--rate")
    if not compiled.program.entries[0][1]:
        raise BadInput("--rate is zero", 'give a rate above zero, like --rate "5 mL/h"')
    return compiled


def require_stopped(client: Client) -> None:
    state = client.status()["state"]
    if state == "alarm":
        raise InAlarm("the pump is in alarm", "see `thecal alarms`, acknowledge them, then record again")
    if state not in ("stopped", "idle"):
        raise Failed(f"the pump is {state}", "stop it first (`thecal stop`), or remove --rate to record the running pump")


def rate_now(status: dict[str, Any]) -> Rate:
    """Return the rate of the present delivery; per the program's seconds if that gives whole nl."""
    seconds_s = status.get("rate_seconds_s") or 1
    rate_nl = sum((part.nl_per_s for part in parts_of(status)), Fraction(0)) * seconds_s
    return Rate(rate_nl.numerator, seconds_s * rate_nl.denominator)
