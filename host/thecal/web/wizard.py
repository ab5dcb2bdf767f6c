"""One calibration, step by step: the plan, the runs in a thread of their own, the weights, the fit. The pump does the rest.

It takes the checks of `thecal calibrate`; a STOP ends it, and nothing is stored.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pumpcore.bench import weighed
from thecal.errors import Failed, ThecalError
from thecal.pump.steering import StopNotes
from thecal.quantities.amounts import ml
from thecal.text.calibration import line
from thecal.web.refusals import WebError, trouble_of
from thecal.web.shapes import Calibrate, CalibrateView, Stage, Step, Trouble
from thecal.web.turn import OrderTurn
from thecal.weighing.calibrate import jobs, review, running
from thecal.weighing.calibrate.fit import Fit, Run, fit
from thecal.weighing.calibrate.masses import grams, mass_ug
from thecal.weighing.calibrate.plan import Plan, Typed

if TYPE_CHECKING:
    from thecal.pump.client import Client
    from thecal.web.pump import WebPump
    from thecal.web.sessions import Session

MOVES = ("priming", "running")
FOLLOWS: dict[Stage, list[Step]] = {"weigh": ["mass", "leave"], "fitted": ["store", "leave"], "stored": ["plan"], "failed": ["plan"]}


class Wizard:
    """`number` names it in each step. Made by a valid plan of a stopped pump. Raises BadInput, Refused."""

    def __init__(self, pump: WebPump, asked: Calibrate, session: Session | None) -> None:
        self.number = secrets.token_urlsafe(12)
        self._pump, self._session = pump, session
        self._error: Trouble | None = None
        self._earlier = ""  # the token of the last dose before a run
        self._runs: list[Run] = []
        self._steps, self._primed, self._scattered, self._packed = 0, False, False, b""
        self._lock = threading.Lock()
        self._client, self._turn = self._new_client()
        typed = Typed(
            asked.tube, asked.lot, asked.turns, asked.rate, asked.prime, asked.runs, asked.density, asked.temperature, asked.buoyancy,
            asked.for_volume, asked.for_days,
        )  # fmt: skip
        self._client.hello()
        self._plan = Plan(typed, self._client.calibration_read())
        jobs.check_state(self._client)
        jobs.check_early(self._client, self._plan)
        self._stage: Stage = "planned"
        self._rows = rows(jobs.planned(self._plan))
        self._text = "Nothing moves yet. Put the outlet over the vessel on the balance."

    def moves(self) -> bool:
        """Return True while the motor turns for it."""
        return self._stage in MOVES

    def of(self, session: Session | None) -> bool:
        """Return True if it belongs to this login."""
        return (self._session.token if self._session else "") == (session.token if session else "")

    def view(self) -> CalibrateView:
        """Return where it is."""
        status = self._pump.known.status or {}
        bolus: dict[str, Any] = status.get("bolus") or {}
        known = self.moves() and bolus and bolus["token"] != self._earlier  # the status keeps the last one after its end
        done = bolus["delivered_steps"] * 1000 // max(1, bolus["ordered_steps"]) if known else 0
        return CalibrateView(
            wizard=self.number,
            stage=self._stage,
            text=self._text,
            rows=self._rows,
            run=len(self._runs) + (self._stage in ("running", "weigh")),
            runs=self._plan.typed.runs,
            done_permille=min(1000, done),
            allowed=self._allowed(),
            error=self._error,
            calibration_text=calibration_text(self._pump),
        )

    def step(self, asked: Calibrate) -> CalibrateView:
        """Take one of the allowed steps. Raises WebError 409 for another one."""
        with self._lock:
            if asked.step not in self._allowed():
                raise WebError(409, "not_now", f"{asked.step} can't follow {self._stage}", "reload the page")
            self._error = None
            self._client, self._turn = self._new_client()
            takers: dict[Step, Callable[[Calibrate], None]] = {
                "prime": self._prime, "run": self._run, "mass": self._mass, "store": self._store,
            }  # fmt: skip
            takers[asked.step](asked)
            return self.view()

    # --- the steps

    def _prime(self, asked: Calibrate) -> None:
        self._begin("priming", f"The pump primes the line with {ml(self._plan.prime_nl)}.", self._primes)

    def _primes(self) -> None:
        running.prime(self._client, self._plan, StopNotes(self._client.port_url))
        self._primed = True
        self._stage, self._text = "planned", "The line is primed. Empty the vessel, or set the balance to zero."

    def _run(self, asked: Calibrate) -> None:
        self._begin("running", f"The pump makes {self._plan.steps} steps.", self._runs_once)

    def _runs_once(self) -> None:
        self._steps = running.run(self._client, self._plan, StopNotes(self._client.port_url))
        self._primed = True
        self._stage, self._text = "weigh", "The motor stands. Wait for the last drop, then weigh."

    def _mass(self, asked: Calibrate) -> None:
        tare = mass_ug(asked.tare) if asked.tare.strip() else mass_ug("0 g")
        net = self._plan.plausible().net(mass_ug(asked.mass or ""), tare, asked.mass or "")
        self._runs.append(jobs.made(self._plan, self._steps, net))
        found = fit(self._runs)
        self._rows = rows(review.runs_table(self._runs, found))
        if len(self._runs) < self._plan.typed.runs:
            self._stage, self._text = "planned", f"{grams(net)} taken. Empty the vessel, or set the balance to zero."
            return
        self._show_fit(found)

    def _show_fit(self, found: Fit) -> None:
        packed = jobs.packed_of(jobs.as_stored(self._plan, found))
        read = review.decoded({"packed": self._client.calibration_check(packed)["calibration"]})
        if read is None or weighed.pack(read) != packed:
            raise Failed("the pump read back a different calibration", "flash the pump with this version's firmware")
        self._packed = packed
        self._rows = rows(review.runs_table(self._runs, found)) + rows(review.side_by_side(self._client.calibration_read(), read))
        scatter = f"The runs scatter by {review.percent(found.cv_ppm)} (CV)."
        self._text = f"{scatter} That is too much: look for air, leaks and drops." if found.too_scattered() else scatter
        self._scattered = found.too_scattered()
        self._stage = "fitted"

    def _store(self, asked: Calibrate) -> None:
        if self._scattered and not asked.accept_scatter:
            raise Failed("the runs differ too much, nothing was stored", "calibrate again, or store although they scatter")
        self._client.calibration_set(self._packed)
        kept = review.decoded(self._client.calibration_read()["calibration"])
        if kept is None or weighed.pack(kept) != self._packed:
            raise Failed("the pump's calibration differs from the one that was sent", "set it again before you start")
        self._stage, self._text = "stored", "The calibration is in the pump, read back and compared."
        self._pump.wake()

    # --- around them

    def _allowed(self) -> list[Step]:
        if self._stage == "planned":
            primes: list[Step] = ["prime"] if self._plan.prime_nl and not self._primed else []
            return [*primes, "run", "leave"]
        return list(FOLLOWS.get(self._stage, []))

    def _begin(self, stage: Stage, text: str, work: Callable[[], None]) -> None:
        self._stage, self._text = stage, text
        self._earlier = ((self._pump.known.status or {}).get("bolus") or {}).get("token", "")
        threading.Thread(target=self._work, args=(work,), name="calibration", daemon=True).start()

    def _work(self, work: Callable[[], None]) -> None:
        try:
            work()
        except ThecalError as error:
            self._stage, self._text, self._error = "failed", "Nothing was stored.", trouble_of(error)
        finally:
            self._pump.wake()

    def _new_client(self) -> tuple[Client, OrderTurn]:
        signer = self._session.signer(self._pump.unique_id) if self._session is not None else None
        client, turn = self._pump.new_client(signer=signer), OrderTurn(self._pump.turn, self._pump.port_url)
        client.turn = turn
        return client, turn


def rows(table: list[tuple[str, ...]]) -> list[list[str]]:
    """Return a table of the library as the page shows it."""
    return [list(row) for row in table]


def calibration_text(pump: WebPump) -> str:
    """Return the calibration that counts now."""
    status = pump.known.status
    return line(status["calibration"]) if status is not None else ""
