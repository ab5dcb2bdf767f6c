"""Balance, pump and clock of one recording: its conditions, its plan, its progress."""

from __future__ import annotations

from fractions import Fraction
from types import TracebackType
from typing import Any

from thecal.errors import BadInput
from thecal.pump.active import pair_of
from thecal.pump.client import Client
from thecal.quantities.amounts import span
from thecal.terminal.console import Progress
from thecal.weighing.balance import Balance
from thecal.weighing.characterise.pump import AsItRuns, ConstantRate, PumpSide, require_stopped
from thecal.weighing.characterise.recorder import Plan, Recorder
from thecal.weighing.characterise.run import Facts, Run, RunWriter, utc_now
from thecal.weighing.clocks import clock_for

SHORTEST_S, LONGEST_S = 10, 30 * 86_400
FASTEST_S = Fraction(1, 10)
Rows = list[tuple[str, str]]


class Session:
    """`rate` None: the pump runs already and continues. Raises BadInput, Failed and BalanceError before the pump moves."""

    def __init__(self, balance: Balance, client: Client, rate: str | None) -> None:
        self._balance = balance
        self._client = client
        if rate is not None:
            require_stopped(client)
        self._pump: PumpSide = AsItRuns(client) if rate is None else ConstantRate(client, rate)
        self._rests = rate is not None
        self._clock = clock_for(client.port_url)

    def __enter__(self) -> Session:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._clock.close()

    def plan(self, times: dict[str, Fraction]) -> Plan:
        """Check `duration`, `still` and `interval`, in seconds."""
        if not SHORTEST_S <= times["duration"] <= LONGEST_S:
            raise BadInput(f"--duration {float(times['duration']):g} s is too short or too long", "weigh between 10 s and 30 d")
        if not FASTEST_S <= times["interval"] <= 60:
            raise BadInput(f"--interval {float(times['interval']):g} s is outside 0.1 s to 60 s", "give an interval from 0.1 s to 60 s")
        if times["still"] and not self._rests:
            raise BadInput("--still needs a stopped pump", "stop it and give --rate, or give --evaporation")
        milliseconds = {name: int(value * 1000) for name, value in times.items()}
        return Plan(milliseconds["duration"], milliseconds["interval"], milliseconds["still"], self._rests)

    def facts(self, head: dict[str, Any]) -> Facts:
        """Return the conditions; `head`: rollers, steps_per_turn, density, evaporation."""
        hello, status = self._client.hello(), self._client.status()
        pair = pair_of(status)
        seen: dict[str, Any] = {"balance": self._balance.identity, "protocol": self._balance.protocol}
        seen |= {"calibration_volume_nl": pair["volume_nl"], "calibration_steps": pair["steps"], "calibration_state": pair["state"]}
        seen |= {"pump": f"{hello['bench']} {hello['unique_id']}", "begun_utc": utc_now(), "law": status.get("law", "angle")}
        return Facts(**vars(self._pump.rate), **seen, **head)

    def review(self, plan: Plan) -> Rows:
        """Return the review for the question."""
        pump = "runs for this recording; the program stays unchanged" if self._rests else "as it runs"
        still = f", {span(plan.still_ms // 1000)} before the start" if plan.still_ms else ""
        return [
            ("balance", self._balance.identity),
            ("rate", f"{self._pump.rate.text()} ({pump})"),
            ("weighed", f"{span(plan.duration_ms // 1000)}{still}, every {plan.interval_ms / 1000:g} s"),
        ]

    def record(self, plan: Plan, facts: Facts, writer: RunWriter) -> Run:
        progress = Progress("weighing")
        try:
            return Recorder(self._balance, self._pump, self._clock, progress.update).record(plan, facts, writer)
        finally:
            progress.close()
