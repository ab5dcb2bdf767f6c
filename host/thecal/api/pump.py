"""A pump as one object."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thecal.api.person import Person
from thecal.api.questions import Questions
from thecal.api.review import Order, Review, not_confirmed
from thecal.errors import BadInput

if TYPE_CHECKING:
    from thecal.api.prescribed import Checked, Given
    from thecal.api.review import Draft
    from thecal.api.running import Fluid
    from thecal.api.stopping import Stopped
    from thecal.pump.client import Client
    from thecal.pump.facts import PumpFacts

Confirm = Callable[[Review], bool]


class Pump(Questions):
    """An open pump: made by `thecal.open` and `thecal.simulated`, closed by its `with`.

    Quantities are texts with their unit, as on the command line: "1 mL/h", "20 uL", "2 h", "120 ug/day". Every order is checked and
    reviewed first, as the command line does. `confirm` receives the `Review`; if it returns False, nothing is sent and NotConfirmed is
    raised. Without `confirm` the order is sent. `prepare_...` returns the review alone, for `Review.carry_out` later.

    The pump owns time and dose: a program that ends or crashes changes nothing of what the pump delivers. One pump may be used by several
    threads; their exchanges wait for each other, `stop` waits for none.
    """

    def __init__(
        self, port_or_name: str | None = None, *, hold: bool = True, person: Person | None = None, client: Client | None = None
    ) -> None:
        super().__init__(port_or_name, hold=hold, person=person, client=client)
        self._ends = ExitStack()

    def __enter__(self) -> Pump:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<thecal.Pump {self.name or self.unique_id} on {self.port_url}>"

    def close(self) -> None:
        """Close the port; end the pump if it is a simulated one of this process. May be called twice."""
        self._session.close()
        self._ends.close()

    def at_end(self, end: Callable[[], None]) -> None:
        """Call `end` when this pump is closed."""
        self._ends.callback(end)

    # --- orders with a review

    def prepare_run(
        self,
        rate: str | None = None,
        *,
        duration: str | None = None,
        volume: str | None = None,
        drug: str | Fluid | None = None,
        stage: bool = True,
    ) -> Review:
        """Check a run and return its review. Parameters and errors as for `run`. `stage`: the pump checks it too; with False nothing is
        sent, as for a dry run."""
        from thecal.api import running
        from thecal.api.dialled import dialled

        wanted = dialled(rate, volume, duration)
        fluid = drug if isinstance(drug, running.Fluid) else running.Fluid(drug)
        fluid.check()
        return self._prepared(lambda pump: running.prepare(pump, wanted, fluid, self.person, stage))

    def run(
        self,
        rate: str | None = None,
        *,
        duration: str | None = None,
        volume: str | None = None,
        drug: str | Fluid | None = None,
        confirm: Confirm | None = None,
    ) -> Order:
        """Pump now, by any two of `rate`, `volume` and `duration`; a rate alone runs until `stop`.

        `rate` is a volume or drug mass per time ("1 mL/h", "120 ug/day"), `volume` a volume or drug mass ("5 mL"), `duration` a time of
        10 s or more ("2 h"). `drug` names what is in the reservoir, default that of the active program; `Fluid` also has a concentration
        and a drug library. The run becomes the active program and starts; `restore` brings the replaced program back.

        Raises BadInput for a value that can't be used or exceeds a limit, Failed if the pump is not stopped, InAlarm, Refused,
        NotConfirmed, Unknown.
        """
        return self._carried_out(self.prepare_run(rate, duration=duration, volume=volume, drug=drug), confirm)

    def prepare_program(
        self, prescription: Given | Checked, *, library: str | Path | None = None, overrides: Sequence[str] = (), steps: bool = False
    ) -> Review:
        """Check a `prescription`, have the pump check it, and return its review beside the active program. Parameters and errors as for
        `program`. `steps`: the review has the pump's own numbers too."""
        from thecal.api import prescribed, uploading

        if isinstance(prescription, prescribed.Checked):
            one = prescription
        else:
            file = Path(library) if library is not None else None
            one = prescribed.checked(prescribed.Source(prescription, file, list(overrides)), self.person)

        def prepare(pump: PumpFacts) -> Draft:
            prescribed.check_for(pump, one)
            return uploading.prepare(pump, one.compiled, self.person, uploading.How(steps))

        return self._prepared(prepare)

    def program(
        self,
        prescription: Given | Checked,
        *,
        library: str | Path | None = None,
        overrides: Sequence[str] = (),
        confirm: Confirm | None = None,
    ) -> Order:
        """Upload a prescription, read it back from the pump and compare; start nothing.

        `prescription` is the path of a TOML file, its text, or its tables as a dict. `library`: the file of a drug library. `overrides`:
        soft limits of the library that are confirmed ("concentration", "rate", "bolus", "day").

        Raises BadInput for a prescription that can't be used, Refused if the pump refuses it, Failed if the pump holds another program
        afterwards, NotConfirmed, Unknown.
        """
        return self._carried_out(self.prepare_program(prescription, library=library, overrides=overrides), confirm)

    def prepare_restore(self, stage: bool = True) -> Review:
        """Return the review of the program that the last `run` replaced. `stage` as for `prepare_run`. Raises Failed if this computer keeps
        none, or the pump is not stopped."""
        from thecal.api import running

        return self._prepared(lambda pump: running.prepare_restore(pump, self.person, stage))

    def restore(self, confirm: Confirm | None = None) -> Order:
        """Bring back the program that the last `run` replaced; start nothing. Raises Failed, Refused, NotConfirmed, Unknown."""
        return self._carried_out(self.prepare_restore(), confirm)

    def prepare_start(self, zone: str | None = None, set_clock: bool | None = None) -> Review:
        """Return the review of a start. Parameters and errors as for `start`."""
        from thecal.api import starting
        from thecal.api.clock_move import Wish

        wish = Wish(zone, set_clock)
        wish.check()
        return self._prepared(lambda pump: starting.prepare(pump, wish, self.person))

    def start(self, confirm: Confirm | None = None, *, zone: str | None = None, set_clock: bool | None = None) -> Order:
        """Set the pump's clock from this computer's and start the active program.

        `zone` is a time zone such as "Europe/Berlin", default the pump's own, else this computer's. `set_clock`: True moves a clock or a
        zone that is set already, False keeps it; with None only a `confirm` that saw the move may agree to it.

        Raises Failed without a program or for a clock that would move unasked, InAlarm or Refused if the pump can't start, NotConfirmed,
        Unknown.
        """
        from thecal.api import starting

        review = self.prepare_start(zone, set_clock)
        if confirm is None and set_clock is None:
            starting.check_unmoved(review.data)
        return self._carried_out(review, confirm)

    def prepare_bolus(self, volume: str | None = None, rate: str | None = None, *, over: str | None = None) -> Review:
        """Return the review of a bolus. Parameters and errors as for `bolus`; without a volume it is the program's demand bolus."""
        from thecal.api import dosing

        if volume is None:
            if rate is not None or over is not None:
                raise BadInput("a bolus needs a volume", 'write it like: pump.bolus("0.5 mL", rate="6 mL/h")')
            return self._prepared(dosing.demand)
        if (rate is None) == (over is None):
            raise BadInput("a bolus needs a rate or a time, and not both", 'write rate="6 mL/h", or over="4 h"')
        if over is not None:
            return self._prepared(lambda pump: dosing.extended(pump, volume, over))
        return self._prepared(lambda pump: dosing.bolus(pump, volume, str(rate)))

    def bolus(self, volume: str, rate: str | None = None, *, over: str | None = None, confirm: Confirm | None = None) -> Order:
        """Order a bolus on top of the basal rate, at most once.

        `volume` is a volume or drug mass ("20 uL", "250 ug"). Give `rate` ("6 mL/h"), or `over`, a time of 10 min to 24 h ("4 h").

        Raises BadInput for a value that can't be used or exceeds a limit, Failed without an active program, Refused, NotConfirmed, Unknown.
        """
        return self._carried_out(self.prepare_bolus(volume, rate, over=over), confirm)

    def demand(self, confirm: Confirm | None = None) -> Order:
        """Order the program's demand bolus, as the pump's button does. Raises Failed if the program allows none, Refused within its
        lockout, NotConfirmed, Unknown."""
        return self._carried_out(self.prepare_bolus(), confirm)

    def prepare_temporary(self, rate: str, duration: str) -> Review:
        """Return the review of a temporary rate. Parameters and errors as for `temporary`."""
        from thecal.api import temporary

        temporary.parse(rate, duration)
        return self._prepared(lambda pump: temporary.prepare(pump, rate, duration))

    def temporary(self, rate: str, duration: str, confirm: Confirm | None = None) -> Order:
        """Run another rate instead of the basal. `rate` is a rate ("0.8 mL/h") or a part of the basal ("50 %"), `duration` a time of 1 min
        to 24 h ("2 h"). Raises BadInput, Failed without a program, Refused, NotConfirmed, Unknown."""
        return self._carried_out(self.prepare_temporary(rate, duration), confirm)

    def prepare_prime(self, rate: str, again: bool = False) -> Review:
        """Return the review of a priming. Parameters and errors as for `prime`."""
        from thecal.api import dosing
        from thecal.checks.dose import rate_of

        rate_of(rate)
        return self._prepared(lambda pump: dosing.prime(pump, rate, again))

    def prime(self, rate: str, again: bool = False, confirm: Confirm | None = None) -> Order:
        """Fill tubing and catheter once at `rate` ("2 mL/h"), by the volumes of the program's [line]. `again`: although the line was primed
        since the last refill or program. Raises BadInput, Failed for a program without a line, Refused, NotConfirmed, Unknown."""
        return self._carried_out(self.prepare_prime(rate, again), confirm)

    # --- orders without a review

    def stop(self) -> Stopped:
        """Stop the pump now, in any state, without a question. Another thread's call, or another program's, does not delay it. Raises
        Unknown if no answer came: check that the motor stands."""
        from thecal.api import stopping

        return stopping.stop(self._session, self.person)

    def cancel(self, order: Order | str, kind: str | None = None) -> Order:
        """Cancel a bolus or a temporary rate by its order or token; the answer's `text` says what happens. Steps already queued still run
        for seconds. `kind`: "bolus" or "temporary", default that of the order, else what the pump runs with this token. Raises Refused if
        it has ended or none has this token, Unknown."""
        from thecal.api.cancelling import cancel

        token, kind = (order, kind) if isinstance(order, str) else (order.token, kind or order.kind)
        with self._session.opened() as client:
            return cancel(self._session, client, token, kind)

    def ack(self, fault: int | str = "all") -> list[dict[str, Any]]:
        """Acknowledge a fault by its number or name, or "all"; return the pump's answers, each with its `fault`. Raises Refused if the
        cause remains, BadInput for an unknown name."""
        from thecal.api.alarms import fault_number

        with self._session.opened() as client:
            numbers = [one["fault"] for one in client.alarms()["alarms"]] if fault == "all" else [fault_number(str(fault))]
            return [{"fault": number, **client.ack(number)} for number in numbers]

    # --- how

    def _prepared(self, prepare: Callable[[PumpFacts], Draft]) -> Review:
        with self._session.opened() as client:
            pump = self._facts(client)
            return Review(self._session, pump, prepare(pump))

    def _carried_out(self, review: Review, confirm: Confirm | None) -> Order:
        asks = confirm is not None and bool(review.question)
        if asks and confirm is not None and not confirm(review):
            raise not_confirmed()
        return review.carry_out(at_once=not asks)
