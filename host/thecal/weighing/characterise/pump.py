"""The pump's side of a run: a constant rate that it runs by itself for this, or the one that runs already."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from pumpcore.bolus import CALIBRATION
from pumpcore.units import ceil_div
from thecal.errors import BadInput, Failed, InAlarm, Interrupted, Refused
from thecal.prescription.compiler import Compiled, compile_prescription
from thecal.prescription.file import check
from thecal.pump.active import pair_of
from thecal.pump.client import Client
from thecal.pump.delivering import parts_nl_per_s
from thecal.pump.refusals import with_rates
from thecal.pump.steering import StopNotes, stopped_by
from thecal.quantities.amounts import ml_per_h

SPARE_MS = 60_000
UNDER_WAY = ("ordered", "delivering")


class PumpSide:
    """Asked every few seconds while the run is recorded: `look` refuses what is not the one constant rate."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.rate: tuple[int, int] = (0, 1)

    def begin(self, duration_ms: int) -> None:
        """Let it run for so long, if it does not run already."""

    def end(self) -> None:
        """As it was before; called whatever happened."""

    def interrupted(self, end: Interrupted) -> Interrupted:
        """End what this has moved because of a signal; return what is to be said of it."""
        return Interrupted(end.number, f"{end.cause}; the pump continues as before")

    def look(self) -> dict[str, Any]:
        """The pump's status; Failed when it no longer delivers the one rate."""
        status = self.client.status()
        bolus = status.get("bolus") or {}
        if status["state"] != "running" or rate_now(status) != self.rate or bolus.get("state") in UNDER_WAY:
            what = f"it is {status['state']}" if status["state"] != "running" else "its rate changed, or a bolus was ordered"
            raise Failed(f"the pump no longer delivers the constant rate: {what}", "see `thecal status`, then record again")
        return status


class AsItRuns(PumpSide):
    """The pump runs and goes on running; the rate is what it says."""

    def __init__(self, client: Client) -> None:
        super().__init__(client)
        status = client.status()
        if status["state"] != "running" or not rate_now(status)[0]:
            raise Failed(f"the pump is {status['state']}", 'start it first, or give a rate: --rate "5 mL/h"')
        self.rate = rate_now(status)


class ConstantRate(PumpSide):
    """A run of the pump by itself, at one rate, a little longer than it is weighed; its program stays as it is."""

    def __init__(self, client: Client, rate_text: str) -> None:
        super().__init__(client)
        program = constant(rate_text).program
        self.rate = (program.entries[0][1], program.rate_seconds_s)
        self._token = ""
        self._notes = StopNotes(client.port_url)

    def begin(self, duration_ms: int) -> None:
        pair = pair_of(self.client.status())
        rate_nl, seconds_s = self.rate
        steps = ceil_div(rate_nl * (duration_ms + SPARE_MS) * pair["steps"], seconds_s * 1000 * pair["volume_nl"])
        self._notes.check()
        self._token = self.client.bolus_token()
        try:
            self.client.run_start(self._token, CALIBRATION, steps, self.rate)
        except Refused as refused:
            raise with_rates(refused, seconds_s) from refused

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
        """Stops. Harmless when it never began."""
        if self._token:
            self._token = ""
            self.client.stop()


def constant(rate_text: str) -> Compiled:
    """The rate as a program; BadInput names what is wrong with it."""
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


def rate_now(status: dict[str, Any]) -> tuple[int, int]:
    """(nl, seconds) of all that is delivered now; the program's seconds where that makes whole nl."""
    seconds_s = status.get("rate_seconds_s") or 1
    rate_nl = sum((rate for _, rate in parts_nl_per_s(status)), Fraction(0)) * seconds_s
    return rate_nl.numerator, seconds_s * rate_nl.denominator


def rate_text(pair: tuple[int, int]) -> str:
    """Nl and seconds as a rate for people."""
    return ml_per_h(*pair)
