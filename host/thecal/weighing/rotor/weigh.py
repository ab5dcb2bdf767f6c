"""Weigh turns of the rotor: the pump runs by angle at a constant rate, the balance is read twice a second."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from pumpcore.orders.bolus import CALIBRATION, DONE
from thecal.errors import Failed, Interrupted, Refused
from thecal.pump.client import Client
from thecal.pump.refusals import with_rates
from thecal.pump.steering import StopNotes, stopped_by
from thecal.terminal.console import Progress
from thecal.weighing.balance import Balance
from thecal.weighing.clocks import Clock
from thecal.weighing.rotor.fit import Weighing
from thecal.weighing.rotor.plan import INTERVAL_S, Turns, WeighedRun

BY_ANGLE = "angle"
HOLD_S = 60  # between two runs the motor stays energised: an enable would turn the rotor by up to four full steps
LOOK_EVERY_MS = 10_000
STABLE_TIMEOUT_S = 60.0
_LEAST_LOOKS = 3


@dataclass
class _Seen:
    """What was read in one run: (ms of the bench's clock, ug), and the pump's (same ms, its uptime in ms, motor steps)."""

    masses: list[tuple[int, int]] = field(default_factory=list)
    positions: list[tuple[int, int, int]] = field(default_factory=list)

    def weighing(self, steps_per_s: Fraction) -> Weighing:
        """Return arrays on the pump's own clock. A run at a constant rate is a straight line; the looks say where it lies."""
        if len(self.positions) < _LEAST_LOOKS:
            raise Failed("the pump was seen too seldom during the run", "repeat it; see `thecal status`")
        at_ms, uptime_ms, motor_steps = (np.array(column, dtype=float) for column in zip(*self.positions))
        lead_ms = float(np.mean(uptime_ms - at_ms))
        per_ms = float(steps_per_s) / 1000
        first = float(np.mean(motor_steps - motor_steps[0] - per_ms * uptime_ms)) + 0.5  # a count is rounded down
        read_ms, mass_ug = (np.array(column, dtype=float) for column in zip(*self.masses))
        kept = (read_ms >= at_ms[0]) & (read_ms <= at_ms[-1])
        on_pump_ms = read_ms[kept] + lead_ms
        return Weighing(on_pump_ms / 1000, float(motor_steps[0]) + first + per_ms * on_pump_ms, mass_ug[kept] / 1000)


class Weigher:
    """Balance, pump and clock for all runs of a plan, with one progress bar."""

    def __init__(self, client: Client, balance: Balance, clock: Clock) -> None:
        self._client = client
        self._balance = balance
        self._clock = clock
        self._notes = StopNotes(client.port_url)

    def weigh(self, plan: Turns, what: str) -> list[Weighing]:
        """Run and weigh everything; stop the pump on a signal. Raises Failed, Refused, BalanceError."""
        progress, done_s, found = Progress(what), 0.0, []
        self._balance.read_stable(STABLE_TIMEOUT_S)
        try:
            for number, run in enumerate(plan.runs):
                hold_s = HOLD_S if number + 1 < len(plan.runs) else 0
                found.append(self._run(run, hold_s, lambda at_s, before=done_s: progress.update(int(before + at_s), int(plan.duration_s))))
                done_s += run.duration_s
        finally:
            progress.close()
        return found

    def _run(self, run: WeighedRun, hold_s: int, tell: Any) -> Weighing:
        self._notes.check()
        token = self._client.bolus_token()
        try:
            told = self._client.run_start(token, CALIBRATION, run.steps, run.rate, law=BY_ANGLE, hold_s=hold_s)
            seen = self._watched(token, run, tell)
        except Refused as refused:
            raise with_rates(refused, run.rate.rate_seconds_s) from refused
        except Interrupted as end:
            raise stopped_by(end, self._client, token) from None
        except BaseException:
            self._client.stop()
            raise
        return seen.weighing(Fraction(told["ordered_steps"] * 1000, told["duration_ms"]))

    def _watched(self, token: str, run: WeighedRun, tell: Any) -> _Seen:
        """Read the balance until the pump says that the run is done."""
        seen, begin_ms = _Seen(), self._clock.now_ms()
        looked_ms, moment_ms = begin_ms, begin_ms
        while True:
            moment_ms += int(INTERVAL_S * 1000)
            self._clock.wait_until_ms(moment_ms)
            reading = self._balance.read_now()
            seen.masses.append((self._clock.stamp_ms(reading.at_s), reading.mass_ug))
            tell((moment_ms - begin_ms) / 1000)
            left_ms = run.duration_s * 1000 - (moment_ms - begin_ms)
            if moment_ms - looked_ms < (LOOK_EVERY_MS if left_ms > 3000 else 0):
                continue
            looked_ms = moment_ms
            if self._look(token, seen):
                return seen
            if left_ms < -60_000:
                raise Failed("the pump did not end its run in time", "see `thecal status`, `thecal stop`")

    def _look(self, token: str, seen: _Seen) -> bool:
        """Note where the motor is; return True once the run is done. Raises Failed if it was cut short."""
        status = self._client.status()
        run = status.get("bolus") or {}
        if run.get("token") != token or self._notes.changed():
            raise Failed(f"the run of the pump has ended: it is {status['state']}", "see `thecal status`, then repeat it")
        if run["state"] in ("ordered", "delivering"):
            if run["state"] == "delivering" and status["law"] == BY_ANGLE:
                seen.positions.append((self._clock.now_ms(), status["uptime_ms"], status["motor_steps"]))
            return False
        if run["state"] != DONE:
            raise Failed(f"the run was cut short: it is {run['state']}", "see `thecal status` and `thecal alarms`, then repeat it")
        return True
