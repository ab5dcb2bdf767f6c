"""One pump of the server: a single poller asks it, whoever looks. The port is open for one exchange at a time."""

from __future__ import annotations

import base64
import threading
import time
from typing import TYPE_CHECKING, Any

from pumpcore.faults.faults import Refusal
from pumpcore.program.packing import unpack
from thecal.errors import NoKey, PortBusy, Refused, ThecalError, WrongDevice
from thecal.history.evidence import Evidence
from thecal.pump.client import Client
from thecal.pump.transport import names
from thecal.web.journal_reader import JournalReader
from thecal.web.refusals import trouble_of
from thecal.web.sessions import nobody
from thecal.web.shapes import AlarmEvent, PumpView
from thecal.web.today import SinceMidnight
from thecal.web.turn import Turn
from thecal.web.view import Known, alarm, view

if TYPE_CHECKING:
    from thecal.pump.signing import Signer
    from thecal.web.hub import Hub
    from thecal.web.notify import Notifier

INTERVAL_S = 1.0
GAP_S = 0.06  # between two slices of a download: time for another program to open the port
REPLY_TIMEOUT_S, PATIENCE_S = 1.0, 1.0
GREET_EVERY_S = 30.0
LOST_AFTER_S = 15.0
FOREIGN_S = 30.0  # until the next look at a port where another device answers
RUNS = ("running", "limited", "priming", "calibrating", "resuming")


class WebPump:
    """`known` is what is known of the pump now, `journal` its records on this computer (None before the first answer). `run_from_steps`:
    the position at which the present run began, None if the server did not see that."""

    def __init__(self, identity: str, port_url: str, hub: Hub, notifier: Notifier) -> None:
        self.id = identity
        self.turn = Turn()
        self.known = Known(identity, port_url)
        self.journal: JournalReader | None = None
        self.packed = b""
        self.run_from_steps: int | None = None
        self.client = self.new_client(port_url)
        self._hub, self._notifier = hub, notifier
        self._since_midnight = SinceMidnight()
        self._greeted_s = float("-inf")
        self._lost_s: float | None = None
        self._lost_told = self._foreign = False
        self._wake, self._ended, self._first = threading.Event(), threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"pump {identity}", daemon=True)

    @property
    def port_url(self) -> str:
        """Return the port at which the pump was last seen."""
        return self.known.port

    @property
    def unique_id(self) -> str:
        """Return the board's id; "" before the first answer."""
        return str(self.known.hello.get("unique_id") or "")

    @property
    def keys(self) -> str:
        """Return "none", "set" or "damaged": whether the pump takes signed commands only."""
        return str((self.known.status or {}).get("keys") or "none")

    @property
    def title(self) -> str:
        """Return the pump's name, otherwise its id."""
        return str(self.known.hello.get("name") or "") or self.id

    def new_client(self, port_url: str | None = None, signer: Signer | None = None) -> Client:
        """Return a client that takes turns with the poller. It signs with `signer`, without one nothing."""
        client = Client(port_url or self.port_url, REPLY_TIMEOUT_S, signer=signer or nobody())
        client.turn = self.turn
        return client

    def start(self) -> None:
        """Begin to poll."""
        self._thread.start()

    def end(self) -> None:
        """End the poller, and wait for its last exchange."""
        self._ended.set()
        self._wake.set()
        if self._thread.ident is not None:
            self._thread.join(5)

    def settle(self, timeout_s: float = 5.0) -> bool:
        """Wait for the first answer or failure. Return False if neither came in time."""
        return self._first.wait(timeout_s)

    def wake(self) -> None:
        """Look at the pump now."""
        self._wake.set()

    def move(self, port_url: str) -> None:
        """Look for the pump on another port: it was plugged in again."""
        self.known.port = port_url
        self.client = self.new_client()
        self._greeted_s = float("-inf")
        self.wake()

    def view(self) -> PumpView:
        """Return what the page shows."""
        return view(self.known)

    def evidence(self, from_utc_s: int = 0) -> Evidence:
        """Return the journal as far as it is here, from a time on, with the last answers of the pump."""
        status, journal = self.known.status, self.journal
        source = f"the pump on {self.port_url}"
        if status is None or journal is None:
            return Evidence(source=source)
        rows = {ring: file.rows(status["boot"], from_utc_s if ring == "events" else 0) for ring, file in journal.rings.items()}
        found = Evidence(status=status, hello=self.known.hello, packed=self.packed, source=source, read_utc_s=int(time.time()))
        found.events, found.faults = rows["events"], rows["faults"]
        return found

    # --- the poller

    def _run(self) -> None:
        while not self._ended.is_set():
            begun_s = time.monotonic()
            self._wake.clear()
            self.look(begun_s + INTERVAL_S)
            self._first.set()
            pause_s = FOREIGN_S if self._foreign else INTERVAL_S
            self._wake.wait(max(0.0, begun_s + pause_s - time.monotonic()))

    def look(self, until_s: float) -> None:
        """Ask for the status and publish it; then read the journal in slices until this moment."""
        try:
            self._greet()
            status = self._asked()
        except PortBusy as error:  # another program has the pump: that is no trouble of the pump
            self.known.error = trouble_of(error)
            self._publish()
            return
        except ThecalError as error:
            self._lost(error)
            return
        self._seen(status)
        try:
            self._read_journal(status, until_s)
        except ThecalError:
            return  # the next look says what is wrong

    def _greet(self) -> None:
        if time.monotonic() - self._greeted_s < GREET_EVERY_S and self.known.online:
            return
        self.client.patience_s = PATIENCE_S
        hello = self.client.hello()
        before = self.known.hello
        if before and hello.get("unique_id") != before.get("unique_id"):
            raise WrongDevice(f"another pump is on {self.port_url} now", "plug this one in again; the page finds it")
        names.learn(hello, self.port_url)
        if self.journal is None or hello.get("journal_identity") != before.get("journal_identity"):
            self.journal, self._since_midnight = JournalReader(hello), SinceMidnight()
        self.known.hello = hello
        self._greeted_s = time.monotonic()

    def _asked(self) -> dict[str, Any]:
        status = self.client.status()
        digest = status.get("program_digest") or ""
        keyed = status.get("keys", "none") != "none"  # then a login reads it
        if digest != (self.known.status or {}).get("program_digest") or (digest and not self.packed and not keyed):
            self.learn_program(self.client)
        return status

    def learn_program(self, client: Client) -> None:
        """Read the active program. With keys it needs a login, and stays unknown before one."""
        try:
            self.packed = base64.b64decode(client.program_read().get("program") or "")
            self.known.program = unpack(self.packed) if self.packed else None
        except (NoKey, Refused, Refusal):
            self.packed, self.known.program = b"", None

    def _seen(self, status: dict[str, Any]) -> None:
        before = self.known.status
        self.known.status, self.known.error = status, None
        self._see_run(before, status)
        self.known.online, self._lost_s, self._foreign = True, None, False
        if self._lost_told:
            self._lost_told = False
            self._notifier.say(f"{self.title}: found again", f"The pump answers again; it is {status['state']}.")
        assert self.journal is not None
        self.journal.wants(status)
        self.known.today = self._since_midnight.of(status, self.journal)
        self._publish()
        self._tell_alarms(set((before or {}).get("alarms", [])), set(status["alarms"]))

    def _see_run(self, before: dict[str, Any] | None, status: dict[str, Any]) -> None:
        """Remember where a run began that begins between two looks."""
        if status["state"] not in RUNS:
            self.run_from_steps = None
        elif before is not None and before["state"] == "stopped":
            self.run_from_steps = int(before["delivered_steps"])

    def _read_journal(self, status: dict[str, Any], until_s: float) -> None:
        assert self.journal is not None
        while not self.journal.complete and time.monotonic() < until_s and not self._ended.is_set():
            self.journal.read_slice(self.client)
            self._ended.wait(GAP_S)

    def _tell_alarms(self, before: set[int], now: set[int]) -> None:
        for number in sorted(before ^ now):
            told = AlarmEvent(id=self.id, name=self.title, active=number in now, alarm=alarm(number))
            self._hub.news("alarm", told)
            if told.active:
                self._notifier.say(f"{self.title}: {told.alarm.severity} {number} {told.alarm.name}", f"{told.alarm.text}; {told.alarm.do}")

    def _lost(self, error: ThecalError) -> None:
        self._foreign = isinstance(error, WrongDevice)  # leave it in peace: it may be somebody's prompt
        self.known.online, self.known.error = False, trouble_of(error)
        now_s = time.monotonic()
        self._lost_s = self._lost_s if self._lost_s is not None else now_s
        runs = (self.known.status or {}).get("state") in RUNS
        if runs and not self._lost_told and now_s - self._lost_s >= LOST_AFTER_S:
            self._lost_told = True
            self._notifier.say(
                f"{self.title}: no contact", f"{error.cause}. The pump keeps its own time and goes on as programmed; look at it."
            )
        self._publish()

    def _publish(self) -> None:
        self._hub.view(self.id, self.view())
