"""Weigh turns of the rotor: the pump runs by angle at a constant rate, the balance is read twice a second."""

from __future__ import annotations

from collections.abc import Callable

from pumpcore.orders.bolus import CALIBRATION, DONE
from pumpcore.wire.laws import LAWS
from thecal.errors import Failed, Interrupted, Refused, Unknown
from thecal.pump.client import Client
from thecal.pump.refusals import with_rates
from thecal.pump.steering import StopNotes, cut_short, stopped_by
from thecal.terminal.console import Progress
from thecal.weighing.balance import Balance
from thecal.weighing.clocks import Clock
from thecal.weighing.rotor.plan import INTERVAL_S, Turns, WeighedRun
from thecal.weighing.rotor.record import Recorder

BY_ANGLE = LAWS[1]
HOLD_S = 60  # between two runs the motor stays energised: an enable would turn the rotor by up to four full steps
LOOK_EVERY_MS = 5_000
LATE_MS = 60_000
DROP_LIMIT_UG = 10_000  # a head takes back up to 4 uL at a release; a balance that is tared loses more
UNDER_WAY = ("ordered", "delivering")

Tell = Callable[[float], None]


class Weigher:
    """Balance, pump and clock for all runs of a plan, with one progress bar."""

    def __init__(self, client: Client, balance: Balance, clock: Clock, recorder: Recorder) -> None:
        self._client = client
        self._balance = balance
        self._clock = clock
        self._recorder = recorder
        self._notes = StopNotes(client.port_url)

    def weigh(self, plan: Turns, what: str) -> None:
        """Run and weigh everything. Stop the pump on a signal, and on an error. Raises Failed, Refused, BalanceError, Interrupted."""
        progress, done_s, total_s = Progress(what), 0.0, int(plan.duration_s)
        self._balance.watch_for_tare(max(DROP_LIMIT_UG, 5 * self._balance.digit_ug))
        try:
            for run in plan.runs:

                def tell(at_s: float, before_s: float = done_s) -> None:
                    progress.update(int(before_s + at_s), total_s)

                self._run(run, 0 if run is plan.runs[-1] else HOLD_S, tell)
                done_s += run.duration_s
            status = self._client.status()
            self._recorder.settle(status["boot"], status["position_uncertain_steps"])
        finally:
            progress.close()

    def _run(self, run: WeighedRun, hold_s: int, tell: Tell) -> None:
        self._notes.check()
        token = self._client.bolus_token()
        try:
            self._recorder.begin(run)
            self._client.run_start(token, CALIBRATION, run.steps, run.rate, law=BY_ANGLE, hold_s=hold_s)
            self._watch(token, run, tell)
            self._recorder.end()
        except Refused as refused:
            self._client.stop()  # a motor that is held since the run before
            raise with_rates(refused, run.rate.rate_seconds_s) from refused
        except Unknown as error:
            raise Unknown(error.cause, "the pump may still run: `thecal status`, `thecal stop`") from error
        except Interrupted as end:
            raise stopped_by(end, self._client, token) from None
        except BaseException:
            self._client.stop()
            raise

    def _watch(self, token: str, run: WeighedRun, tell: Tell) -> None:
        """Read the balance until the pump reports the run as done."""
        clock, begin_ms = self._clock, self._clock.now_ms()
        moment_ms, look_ms, last_ms = begin_ms, begin_ms, begin_ms - 1
        while True:
            moment_ms += int(INTERVAL_S * 1000)
            clock.wait_until_ms(moment_ms)
            reading = self._balance.read_now()
            read_ms = clock.stamp_ms(reading.at_s)
            if read_ms > last_ms:  # a slow computer may deliver a moment twice
                self._recorder.mass(read_ms, reading.mass_ug)
                last_ms = read_ms
            tell((moment_ms - begin_ms) / 1000)
            over_ms = moment_ms - begin_ms - run.duration_s * 1000
            if moment_ms < look_ms and over_ms < 0:
                continue
            look_ms = moment_ms + LOOK_EVERY_MS
            if self._look(token):
                return
            if over_ms > LATE_MS:
                raise Failed("the pump did not end its run in time, it was stopped", "see `thecal status` and `thecal alarms`")

    def _look(self, token: str) -> bool:
        """Note where the motor is; return True when the run is done. Raises Failed if it was cut short."""
        asked_ms = self._clock.now_ms()
        status = self._client.status()
        at_ms = (asked_ms + self._clock.now_ms()) // 2
        run = status.get("bolus") or {}
        if run.get("token") != token or self._notes.changed():
            raise Failed(
                f"the pump's run has ended: the pump is {status['state']}, nothing was stored", "see `thecal status`, then repeat it"
            )
        if run["state"] == "delivering" and status.get("law") == BY_ANGLE:
            self._recorder.motor(at_ms, status["uptime_ms"], status["motor_steps"])
        if run["state"] not in UNDER_WAY and run["state"] != DONE:
            raise cut_short(self._client, "rotor", run)
        return bool(run["state"] == DONE)
