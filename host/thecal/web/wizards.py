"""The calibration wizard of each pump: plan, prime, run and weigh several times, store. One goes on per pump, in the server's memory."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from thecal.web.refusals import WebError
from thecal.web.shapes import Calibrate, CalibrateView
from thecal.web.wizard import Wizard, calibration_text

if TYPE_CHECKING:
    from thecal.web.pump import WebPump
    from thecal.web.sessions import Session

AGAIN = "begin again with the plan"


class Wizards:
    """The wizards by pump."""

    def __init__(self) -> None:
        self._wizards: dict[str, Wizard] = {}
        self._lock = threading.Lock()

    def view(self, pump: WebPump) -> CalibrateView:
        """Return where the wizard of a pump is."""
        found = self._wizards.get(pump.id)
        if found is not None:
            return found.view()
        return CalibrateView(
            wizard="", stage="idle", text="", rows=[], run=0, runs=0, done_permille=0, allowed=["plan"], error=None,
            calibration_text=calibration_text(pump),
        )  # fmt: skip

    def step(self, pump: WebPump, asked: Calibrate, session: Session | None) -> CalibrateView:
        """Take a step. Raises WebError 409 for one that does not fit, BadInput, Failed, Refused."""
        with self._lock:
            found = self._wizards.get(pump.id)
            if asked.step == "plan":
                if found is not None and found.moves():
                    raise WebError(409, "busy", "the motor turns for another calibration", "wait for its end, or press STOP")
                found = self._wizards[pump.id] = Wizard(pump, asked, session)
                return found.view()
            if found is None or asked.wizard != found.number or not found.of(session):
                raise WebError(409, "no_wizard", "this calibration is over, or somebody else has begun another one", AGAIN)
            if asked.step == "leave" and not found.moves():
                del self._wizards[pump.id]
                return self.view(pump)
        return found.step(asked)
