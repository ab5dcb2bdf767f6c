"""What a pump is asked: its state, its journal, and how an order ends."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thecal.api.person import Person
from thecal.api.session import Session

if TYPE_CHECKING:
    from thecal.api.following import Patience, Watched, Watching
    from thecal.api.outcome import Outcome
    from thecal.api.review import Order
    from thecal.api.status import Status
    from thecal.api.tables import Columns, Records
    from thecal.history.evidence import Evidence
    from thecal.pump.client import Client
    from thecal.pump.facts import PumpFacts


class Questions:
    """The part of `Pump` that changes nothing in a pump."""

    def __init__(
        self, port_or_name: str | None = None, *, hold: bool = True, person: Person | None = None, client: Client | None = None
    ) -> None:
        self.person = person or Person()
        self._session = Session(port_or_name, hold, client)

    @property
    def port_url(self) -> str:
        """Return the port, such as "/dev/ttyACM0"."""
        return self._session.port_url

    @property
    def name(self) -> str:
        """Return the pump's name when it was opened, "" if it has none."""
        return self._session.name

    @property
    def unique_id(self) -> str:
        """Return the board's unique id in hex."""
        return self._session.unique_id

    def status(self, steps: bool = False) -> Status:
        """Return the pump's state. `steps`: its text has the pump's own numbers too. Raises LinkLost, NoPump, PortBusy."""
        from thecal.api.status import status_of

        with self._session.opened() as client:
            return status_of(self._facts(client), steps)

    def dose(self, order: Order | str) -> dict[str, Any]:
        """Return the state of a bolus of any kind by its order or token: `state`, `ordered_steps`, `delivered_steps`, `volume_nl`."""
        from thecal.api.typed import check_token

        token = order if isinstance(order, str) else order.token
        check_token(token)
        with self._session.opened() as client:
            return client.bolus_status(token)

    def alarms(self) -> list[dict[str, Any]]:
        """Return the active faults: `fault` (number), `name`, `severity` ("alarm" or "warning"), `text` and `do`, the remedy."""
        from thecal.text.faults import described

        with self._session.opened() as client:
            return [described(one) for one in client.alarms()["alarms"]]

    def calibration(self) -> dict[str, Any]:
        """Return the calibration in use (`calibration`, None if nobody weighed), the bench's nominal one, and the earlier ones."""
        with self._session.opened() as client:
            return client.calibration_read()

    def wait(self, order: Order, timeout_s: float | None = None, on_progress: Callable[[int, int], None] | None = None) -> Outcome:
        """Follow an order to its end and return how it ended. Between two looks the port is free for other programs.

        `timeout_s`: return after so many seconds with `done` False, None waits for the end. `on_progress` receives done and total, in steps
        (a temporary rate: ms). Raises Failed if the order ended early, InAlarm if an alarm ended it, Unknown after 30 s without an answer,
        BadInput for an order without an end. The pump goes on whatever happens here.
        """
        from thecal.api.following import Patience
        from thecal.api.outcome import wait

        return wait(self._session, order, Patience(timeout_s, on_progress))

    def journal(self, ring: str | None = None, *, from_sequence: int = 0) -> Columns:
        """Return the pump's journal as columns of equal length (a dict of lists), None where a record has no such field.

        `ring` is "events", "faults", or None for both. `from_sequence`: the first sequence number, of one ring. Units are in the names:
        `utc_s` (0 while the clock was not set), `uptime_ms`, `volume_nl`. A column is of one type: numbers, or texts. Missing records are
        a row with the event "gap". Raises LinkLost, BadInput for another ring.
        """
        from thecal.api.tables import columns_of, journal_rows

        with self._session.opened() as client:
            return columns_of(journal_rows(client, ring, from_sequence, self.person.note))

    def records(self, ring: str = "events", from_sequence: int = 0) -> Records:
        """Return the records of one ring as dicts (`rows`), their bytes as in PROTOCOL.md (`raw`), and the `status` after them. `ring` is
        "events" or "faults", `from_sequence` the first sequence number, 0 for the oldest. Raises LinkLost, BadInput for another ring."""
        from thecal.api.tables import records

        with self._session.opened() as client:
            return records(client, ring, from_sequence, self.person.note)

    def samples(self, every: str = "1 min") -> Columns:
        """Return planned and delivered volume as columns (a dict of lists): `utc_s`, and in steps and mL `planned`, `delivered_least` and
        `delivered_most` since the begin of the journal.

        `every` is a whole number of seconds as a time ("1 min"). The mL columns are None for a pump without a calibration. Raises BadInput,
        LinkLost.
        """
        from thecal.api.tables import samples
        from thecal.api.typed import seconds

        every_s = seconds("every", every)
        return samples(self.evidence(), every_s)

    def report(self, path: str | Path, *, days: int | None = None, overwrite: bool = True) -> Path:
        """Write the report of orders, deliveries, missed doses and alarms as one HTML page to `path`, and return it.

        `days`: only the last days, 1 or more. Raises BadInput if the file exists and `overwrite` is False, Failed if it can't be written.
        """
        from thecal.api.reporting import write_report

        return write_report(self.evidence(), Path(path), days, overwrite)

    def prescription(self) -> str:
        """Return the active program as a prescription (TOML), "" if none is active. It compiles to the same doses; of a drug library it has
        name, version and the confirmed soft limits. Raises LinkLost."""
        from thecal.prescription.written import written

        with self._session.opened() as client:
            program = self._facts(client).program
        return written(program) if program is not None else ""

    def read(self) -> str:
        """Return everything that the pump holds in words, as `thecal read` prints it: bench, program, calibration, clock, lockouts."""
        from thecal.api.holding import sections, text_of_sections

        with self._session.opened() as client:
            return text_of_sections(sections(self._facts(client), False))

    def evidence(self) -> Evidence:
        """Return everything that a report, a comparison or a chart is made of: journal, status, hello and program. Raises LinkLost."""
        from thecal.history.evidence import collect

        with self._session.opened() as client:
            return collect(client, self.person.note)

    # --- for the programs of thecal itself

    def watching(self, watched: Watched, patience: Patience) -> Watching:
        """Return the looks at an order, for a program that makes them itself. `watched`: what is followed, by `outcome.watched_of`;
        `patience`: its timeout in seconds, and who receives the progress."""
        from thecal.api.following import Watching

        return Watching(self._session, watched, patience)

    def facts(self) -> PumpFacts:
        """Return the pump's raw answers to hello and status, for what this class does not have."""
        with self._session.opened() as client:
            return self._facts(client)

    def _facts(self, client: Client) -> PumpFacts:
        return self._session.facts(client)
