"""The pump for the handlers, and its loop: look, deliver, write one record, answer one line, wait."""

from app.delivery.delivery import LOW_WATER_MS, STOPPED
from app.records.alarms import Presses
from app.records.journal import JournalError
from app.records.store import StoreError
from app.supervisor import DELIVERY, SESSION, SUPERVISOR, Heartbeat
from pumpcore.faults.faults import RUNS_MEND, Refusal
from pumpcore.flash import ledger
from pumpcore.orders.bolus import Bolus
from pumpcore.units import NEVER_MS, const

if 0:  # for the type checker alone
    from app.types import Alarms, Board, Book, Bridge, Delivery, Doses, Journal, Resume, SelfTest, Session, Setup, Steps, Supervisor, Tokens

BOLUSES_KEPT = const(8)
QUIET_MS = const(300)
_MOST_SLICES = const(4)
MOST_FAILED_TURNS = const(8)
LONGEST_WAIT_MS = const(5_000)  # longer than a slice; the watchdog bites after 8 s and is fed once a turn


class Pump:
    """Every collaborator by name. `release` is the digest of the firmware."""

    def __init__(self, board: "Board", journal: "Journal", alarms: "Alarms", setup: "Setup", book: "Book") -> None:
        self.board = board
        self.journal = journal
        self.alarms = alarms
        self.setup = setup
        self.book = book
        self.delivery: "Delivery | None" = None
        self.supervisor: "Supervisor | None" = None
        self.heartbeat = Heartbeat(board.watchdog)
        self.session: "Session | None" = None
        self.selftest: "SelfTest | None" = None
        self.resume: "Resume | None" = None
        self.tokens: "Tokens | None" = None
        self.release = ""
        self.boluses: list[Bolus] = []
        self.doses: "Doses | None" = None
        self.presses = Presses(journal, alarms)
        self.wish: dict | None = None  # what waits for the stop button (bench.set, key.set)
        self.search: dict | None = None  # how far bolus.status has searched the journal
        self.start_wanted: "bool | Bridge" = False  # True, or the Bridge to begin with
        self.reset_wanted = False
        self.stop_heard = False  # in the middle of a flash write: the motor is cut off, the next turn does the rest
        self.look_error: Exception | None = None
        self.checking: "Steps | None" = None  # what power-up has left to check; until it is done nothing begins (R6)
        self.due_ms = NEVER_MS

    def state(self) -> str:
        """Return the state for people: stopped, running, limited, priming, calibrating, resuming, alarm, maintenance."""
        if self.board.system.maintenance_requested:
            return "maintenance"
        if self.alarms.stopping(RUNS_MEND if self.delivery.state is not STOPPED else ()):
            return "alarm"
        if self.resume is not None:
            return "resuming"
        if self.start_wanted:
            return "running"
        return self.delivery.state

    def idle(self) -> bool:
        """Return True if nothing runs and nothing is about to."""
        return self.delivery.state is STOPPED and self.resume is None and not self.start_wanted

    def find_bolus(self, token: str) -> Bolus | None:
        """Return the bolus that this boot knows by `token`, else None."""
        for bolus in self.boluses + self.delivery.orders.live():  # a long one may live longer than the kept ones
            if bolus.token == token:
                return bolus
        return None

    def remember(self, bolus: Bolus) -> None:
        """Keep a bolus for its status and for repeated orders."""
        self.boluses = self.boluses[1 - BOLUSES_KEPT :] + [bolus]

    def count(self, begin_s: int, volume_nl: int, demand: bool) -> None:
        """Count a bolus that begins at this powered-on second towards lockout and limits."""
        self.doses.add(begin_s, volume_nl, demand)
        if demand:
            self.book.demand_s = begin_s

    def crash(self, error: BaseException) -> None:
        """Handle a bug of ours or a lack of memory: safe state, alarm, and the error's text for a developer."""
        if type(error) is MemoryError:
            self.session.starve()
        self.delivery.safe_state("internal")
        self.alarms.note_error(error)

    def keep_fed(self) -> None:
        """Before a command writes to flash: queue enough for that time. Each slice ends with its lease, so it may take several."""
        delivery = self.delivery
        for _ in range(_MOST_SLICES):
            now_ms = self.board.clock.uptime_ms()
            if delivery.span is None or delivery.span.end_ms - now_ms > LOW_WATER_MS:
                return
            delivery.tick(now_ms)

    def position_steps(self) -> int:
        """Return the position of the pump, without the steps of the self test."""
        return self.delivery.motion.delivered_steps() if self.selftest.done else self.book.position_steps

    def stop(self, by: str) -> int:
        """End everything that runs or is about to. Return the position in steps."""
        self.start_wanted = False
        self.setup.end_check()
        if self.selftest.done:
            position = self.delivery.stop(by)
        else:  # the motor is disabled, and halting would cut the test
            position = self.position_steps()
            self.delivery.withdraw(by)
        if self.resume is not None:
            self.resume = None
            self.close_ledger(position)
        if self.stop_heard:
            self.stop_heard = False
            self.board.restore()
        return position

    def cut(self, error: Exception | None = None) -> None:
        """A stop arrived during a flash write: end the motion at once; the next turn does the rest.

        `error`: a bug of ours met while looking, which has the same effect.
        """
        self.stop_heard = True
        self.look_error = error
        self.board.cut()

    def _end_cut(self) -> None:
        error, self.look_error = self.look_error, None
        if error is not None:
            self.crash(error)
        self.stop("host")

    def close_ledger(self, position_steps: int) -> None:
        """Write that no lease is open; safe state if the flash refuses."""
        try:
            self.delivery.leases.close(self.book.record(ledger.IDLE, 0), position_steps)
        except OSError:
            self.delivery.safe_state("ledger_failed")

    def turn(self) -> None:
        """Make one turn of the loop, with at most one durable operation between two looks at the queue."""
        now_ms = self.board.clock.uptime_ms()
        wrote = self._work(now_ms) if self.selftest.done else self._test(now_ms)
        session, heartbeat = self.session, self.heartbeat
        answered = session.poll()
        heartbeat.alive |= SESSION
        heartbeat.feed(now_ms)
        if self.reset_wanted:
            self.board.system.reset()
        if answered:
            self.due_ms = now_ms + QUIET_MS
        elif now_ms >= self.due_ms:  # collect the garbage of answers once nobody asks, not in the middle of the next answer
            self.due_ms = NEVER_MS
            self.board.system.collect()
        if self.checking is not None:
            self.check_on()
        elif not answered or session.goes_on():
            self._serve(answered, self.board.clock.uptime_ms() if wrote else now_ms)

    def check_on(self) -> None:
        """A part of what power-up has left to check. A firmware that is another one than it should be is an alarm that stays."""
        try:
            next(self.checking)
        except StopIteration:
            self.checking = None
            self.board.system.built()  # the code that did it is free, more than a usual collection looks for
        except Exception as error:  # noqa: BLE001  not even an error of our own makes it a checked one
            self.checking = None
            self.delivery.safe_state("firmware_incomplete")
            self.alarms.note_error(error)

    def refuse_while_checking(self) -> None:
        """Refusal `busy` while power-up or a program is checked."""
        if self.checking is not None:
            raise Refusal("busy", wait_s=1)
        self.setup.refuse_while_checking(self.board.clock.uptime_ms())

    def _serve(self, done: bool, uptime_ms: int) -> None:
        """Wait for a question and answer it, or continue an answer, while nothing else is due.

        This way a host does not wait for a turn that finds nothing to do.
        """
        link, session = self.board.link, self.session
        if not self.selftest.done:
            due_ms = self.selftest.due_ms()
        elif self.start_wanted or (self.journal.posted and not self.journal.broken):
            due_ms = uptime_ms
        else:
            due_ms = min(
                self.delivery.due_ms(), self.supervisor.next_total_ms, self.presses.quiet_ms, uptime_ms + LONGEST_WAIT_MS, self.due_ms)
            if self.resume is not None:
                due_ms = min(due_ms, self.resume.due_ms())
            if self.delivery.span is not None:
                due_ms = min(due_ms, self.delivery.motion.due_ms())
        wait_ms = due_ms - uptime_ms if due_ms > uptime_ms else 0
        if not done:
            if not link.wait(wait_ms):
                return
            session.poll()
            self.due_ms = self.board.clock.uptime_ms() + QUIET_MS
        while session.goes_on() and self.board.clock.uptime_ms() < uptime_ms + wait_ms and not link.alert():
            session.poll()

    def _work(self, uptime_ms: int) -> bool:
        """Look, deliver, and write at most one record. Return True if the flash was written."""
        if self.stop_heard:
            self._end_cut()
        supervisor, heartbeat = self.supervisor, self.heartbeat
        supervisor.tick(uptime_ms)
        heartbeat.alive |= SUPERVISOR
        if self.board.buttons.bolus_pressed():
            self.session.press()
        self.presses.tick(uptime_ms)
        if (self.start_wanted or self.resume is not None) and self.checking is None:
            self.begin(uptime_ms)
        wrote = self.delivery.tick(uptime_ms)
        heartbeat.alive |= DELIVERY
        if wrote:
            return True
        if self.journal.posted:
            self.write_posted()
            return True
        wall = self.book.wall
        if uptime_ms >= wall.look_ms and wall.due(uptime_ms):
            self._pass_transition()
            return True
        return supervisor.vouch_wanted and self.vouch()

    def vouch(self) -> bool:
        """After each total, note in a stopped pump's ledger how far the journal reaches; a running pump does so with every lease.

        Refused signatures that wait for their record get it.
        """
        self.supervisor.vouch_wanted = False
        self.session.signature.tell()
        files = self.delivery.leases.files
        if not self.idle() or files.record.state != ledger.IDLE or not files.record.sequence or not files.sound():
            return False
        try:
            files.vouch(self.book.powered_on_s(), self.journal.rings["events"].next_sequence - 1)
        except OSError:
            self.delivery.safe_state("ledger_failed")
        return True

    def _pass_transition(self) -> None:
        """Record a change of local time, which the schedule follows itself: first in the journal, next turn in the store."""
        wall = self.book.wall
        try:
            if wall.told:
                wall.settle()
                return
            self.journal.append("offset_changed", (wall.zone.transition_utc_s, wall.zone.offset_s, wall.zone.transition_offset_s))
            wall.told = True
        except JournalError:
            self.delivery.safe_state("journal_failed")
        except (StoreError, OSError):
            self.delivery.safe_state("store_failed")

    def _test(self, uptime_ms: int) -> bool:
        self.selftest.tick(uptime_ms, self.book.position_steps)
        self.heartbeat.alive |= SUPERVISOR | DELIVERY  # it stands for both
        if self.selftest.failed:
            self.delivery.safe_state("self_test")
        return False

    def write_posted(self) -> None:
        try:
            self.journal.write_posted()
        except JournalError:
            self.delivery.safe_state("journal_failed")

    def begin(self, uptime_ms: int) -> None:
        """Start what a handler asked for, or resume after a power cut as soon as allowed; not while an alarm is active."""
        if self.alarms.stopping():
            if self.resume is not None:
                self.alarms.raise_fault("not_resumed")
            self.stop("fault")
            return
        try:
            if self.start_wanted:
                wanted, self.start_wanted = self.start_wanted, False
                self.delivery.start(uptime_ms, "host", self._carried())
                if wanted is not True:
                    self.delivery.cross(wanted)
            elif self.resume.ready(uptime_ms):
                self._resume(uptime_ms)
        except JournalError:
            self.delivery.safe_state("journal_failed")

    def _carried(self) -> int:
        """Return the basal remainder to go on with: it is kept while program and calibration are the same.

        Otherwise it is dropped, less than a step, and journaled.
        """
        record = self.book.last_record()
        if record.program_digest == self.setup.plan_key():
            return record.basal_remainder
        self.book.program_digest = self.setup.plan_key()
        if record.basal_remainder:
            self.journal.post("remainder_dropped", (0, record.basal_remainder, 0))
        return 0

    def _resume(self, uptime_ms: int) -> None:
        resume = self.resume
        resume.close()
        bridge, self.resume = resume.bridge, None
        self.book.note_resume()
        self.delivery.missed_while_off(resume.from_utc_s, resume.to_utc_s, resume.missed_steps)
        if bridge is not None:
            self.journal.append("bridge_started", bridge.told(self.position_steps()))
        self.delivery.start(uptime_ms, "resume", resume.remainder, resume.protocol_s)
        if bridge is not None:
            self.delivery.cross(bridge)


def run(pump: Pump) -> None:
    """Run the loop until the link is closed. Any exception of a turn ends in the safe state, and the loop goes on.

    If more than 8 turns in a row fail, the exception passes.
    """
    failed, system, link = 0, pump.board.system, pump.board.link
    system.loop_begins()
    while not link.closed:
        try:
            pump.turn()
            failed = 0
            if system.between_turns():
                pump.delivery.safe_state("memory_low")
        except BaseException as error:
            failed += 1
            if failed > MOST_FAILED_TURNS:
                raise
            pump.crash(error)
