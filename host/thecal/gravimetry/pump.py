"""The pump's side of a run: a constant rate that is set for it and taken back afterwards, or the one that runs already."""

from __future__ import annotations

import base64
from typing import Any

from pumpcore.program import digest
from thecal.client import Client
from thecal.compiler import Compiled, compile_prescription
from thecal.errors import BadInput, Failed, InAlarm
from thecal.prescription import check
from thecal.status_text import ml_per_h

NAME = "thecal characterise"


class PumpSide:
    """Asked every few seconds while the run is recorded: `look` refuses what is not the one constant rate."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.rate: tuple[int, int] = (0, 1)

    def begin(self) -> None:
        """Let it run, if it does not."""

    def end(self) -> None:
        """As it was before."""

    def look(self) -> dict[str, Any]:
        """The pump's status; Failed when it no longer delivers the one rate."""
        status = self.client.status()
        now = (status.get("entry_rate_nl"), status.get("rate_seconds_s"))
        bolus = status.get("bolus") or {}
        if status["state"] != "running" or now != self.rate or bolus.get("state") in ("ordered", "delivering"):
            what = f"it is {status['state']}" if status["state"] != "running" else "its rate changed, or a bolus was ordered"
            raise Failed(f"the pump no longer delivers the constant rate: {what}", "see `thecal status`, and record again")
        return status


class AsItRuns(PumpSide):
    """The pump runs and goes on running; the rate is what it says."""

    def __init__(self, client: Client) -> None:
        super().__init__(client)
        status = client.status()
        if status["state"] != "running" or not status.get("entry_rate_nl"):
            raise Failed(f"the pump is {status['state']}", 'start it first, or give the rate to characterise: --rate "5 mL/h"')
        self.rate = (status["entry_rate_nl"], status["rate_seconds_s"])


class ConstantRate(PumpSide):
    """A program of one rate for the run; the one before comes back at its end."""

    def __init__(self, client: Client, rate_text: str) -> None:
        super().__init__(client)
        self.compiled = constant(rate_text)
        self.rate = (self.compiled.program.entries[0][1], self.compiled.program.rate_seconds_s)
        self._former: dict[str, Any] = {}
        self._began = False

    def begin(self) -> None:
        self._former = self.client.program_read()
        self._activate(self.compiled.packed)
        self._began = True
        self.client.start()

    def end(self) -> None:
        """Stops, and gives the program from before back. Harmless when it never began."""
        if not self._began:
            return
        self._began = False
        self.client.stop()
        former = self._former.get("program")
        if former:
            self._activate(base64.b64decode(former))

    def _activate(self, packed: bytes) -> None:
        staged = self.client.program_stage(packed)["digest"]
        if staged != digest(packed):
            raise Failed("the pump staged another program than was sent", "try again")
        self.client.program_activate(staged)


def constant(rate_text: str) -> Compiled:
    """The rate as a program; BadInput names what is wrong with it."""
    table = {"title": f"characterise {rate_text}", "drug": "water", "on_clock_loss": "stop", "after_power_loss": "stop"}
    compiled = compile_prescription(check({**table, "basal": {"rate": rate_text}}, "--rate"), "--rate")
    if not compiled.program.entries[0][1]:
        raise BadInput("--rate is zero", 'give the rate to characterise, like --rate "5 mL/h"')
    return compiled


def require_stopped(client: Client) -> None:
    state = client.status()["state"]
    if state == "alarm":
        raise InAlarm("the pump is in alarm", "see `thecal alarms`, settle it, then weigh")
    if state not in ("stopped", "idle"):
        raise Failed(f"the pump is {state}", "stop it first (`thecal stop`), or leave --rate out to record what it does")


def rate_text(pair: tuple[int, int]) -> str:
    """Nl and seconds as a rate for people."""
    return ml_per_h(*pair)
