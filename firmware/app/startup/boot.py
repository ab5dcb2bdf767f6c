"""From power-up to the first turn of the loop: what is on flash, which of it is uncertain, and what may go on."""

from app.delivery.delivery import Delivery
from app.delivery.leases import Book, Leases, LedgerFiles
from app.delivery.motion import Motion, SelfTest
from app.programs.setup import Setup
from app.pump import Pump
from app.records.alarms import Alarms, Reporter
from app.records.journal import SEGMENT_BYTES, JournalError
from app.records.wall import WallClock
from app.startup import keys, recovery
from app.supervisor import Supervisor
from app.wire.handlers.table import HANDLERS, Loader
from app.wire.session import Session
from app.wire.tokens import Tokens
from pumpcore.flash import ledger
from pumpcore.limits.ceilings import Windows
from pumpcore.motion.dose import Accumulator
from pumpcore.orders import bolus
from pumpcore.orders.bolus import Doses
from pumpcore.program import schedule
from pumpcore.units import MS_PER_S, S_PER_MINUTE, const
from pumpcore.wire.records import CAUSES

if 0:  # for the type checker alone
    from app.types import Board, Bridge, Steps

# --- line -----------------------------------------------------------------------------------------------------------------------


def load_line(setup: Setup, position_steps: int, uncertain_steps: int) -> None:
    """Load the line, by the ledger's position. If it is lost, its content is unknown and the line must be primed."""

    def take(setup: Setup, payload: bytes) -> None:
        from app.programs import lines

        setup.line = lines.load(setup, position_steps, uncertain_steps)

    if setup.bench is None:
        return
    setup.take("line", take)
    if "line" in setup.damaged and setup.program is not None:
        from app.programs import lines

        setup.line = lines.lost(setup, position_steps, uncertain_steps)


# --- resume ------------------------------------------------------------------------------------------------------------------
# Therapy goes on after a power cut only if the program allows it, without catching up, and at most 3 times an hour.

MOST_IN_HOUR = const(3)


def forbidden(record: ledger.LedgerRecord, setup: Setup, book: Book, barred: bool) -> str:
    """Return "" if the pump may resume, else the fault that says why not."""
    program = setup.program
    if program is None or program.after_power_loss != "resume" or barred:
        return "not_resumed"
    if setup.plan_key() != record.program_digest or book.resumes_in_hour() >= MOST_IN_HOUR:
        return "not_resumed"
    if record.temporary == ledger.LOWERED:  # the basal is more than the rate that was cut
        return "not_resumed"
    waits = program.protocol is None or record.protocol_s < 0  # one that has begun needs no clock any more
    if program.needs_clock() and waits and not book.wall.known() and program.on_clock_loss == "stop":
        return "clock_lost"
    return ""


class Resume:
    """Wait until the broken lease is over. Its steps count as delivered (R2); what it booked beyond the plan is owed.

    With a known time the gap begins at the lease's end on the clock. Without it begins at power-up and lasts at least the lease's length.
    With a `bridge` the plan is the lower of its rates. A protocol stands still meanwhile, and goes on with second `protocol_s`: nothing of
    it is missed.
    """

    def __init__(self, record: ledger.LedgerRecord, setup: Setup, book: Book, bridge: "Bridge | None" = None) -> None:
        self.record = record
        self.book = book
        self.accumulator = Accumulator(setup.program.rate_seconds_s, setup.calibration)
        self.accumulator.remainder = record.basal_remainder
        self._timed = book.wall.known() and record.until_utc_s > 0
        week = schedule.Week(record.until_utc_s, book.wall.zone) if self._timed else None
        self.basal = setup.basal(setup.program, self.accumulator, week)
        if self.basal.course is not None:
            self.basal.course.begin(0, week, record.protocol_s)
        self.protocol_s = record.protocol_s
        self.next_ms = 0
        self.protocol = setup.program.protocol
        self.bridge = bridge
        self.from_utc_s = self.to_utc_s = self.missed_steps = self.remainder = 0
        if bridge is not None:
            self.basal.begin_temporary(bridge)

    def due_ms(self) -> int:
        """Return the uptime of the next `ready`."""
        return self.next_ms

    def _gap_s(self) -> int:
        if self._timed:
            return self.book.wall.utc_s() - self.record.until_utc_s
        powered_s = self.book.clock.uptime_ms() // MS_PER_S
        return powered_s if powered_s >= self.record.lease_s else -1

    def ready(self, uptime_ms: int) -> bool:
        """Return True if the span can begin now; looks at most once a second."""
        if uptime_ms < self.next_ms:
            return False
        self.next_ms = uptime_ms - uptime_ms % MS_PER_S + MS_PER_S
        return self._gap_s() >= 0

    def close(self) -> None:
        """End the wait when the span begins: set `from_utc_s`, `to_utc_s`, `missed_steps` and `remainder`. An unknown UTC is 0.

        The remainder is negative until the plan has passed what the lease booked: none of it is made twice.
        """
        gap_s, source = self._gap_s(), self.accumulator
        missed_steps = (self.basal.skip(0, gap_s) if self.protocol is None else 0) - self.record.ahead_steps
        if self.protocol is not None and self.protocol.start > 1 and self.protocol_s < 0:  # the time of day goes on without power
            self.protocol_s = min(0, self.protocol_s + gap_s)
        self.basal.end_temporary()
        self.remainder = source.remainder + min(0, missed_steps) * source.modulus
        self.missed_steps = max(0, missed_steps)
        if self._timed:
            self.from_utc_s = self.record.until_utc_s
            self.to_utc_s = self.from_utc_s + gap_s


# --- boot --------------------------------------------------------------------------------------------------------------------

WATCHDOG_MS = const(8000)


def build(board: "Board", setup: Setup, release: str, hashes: "Steps | tuple[()]" = (), room: "tuple[()] | list[int]" = ()) -> Pump:
    """Build the whole pump around `board`, set up as `loading.load` found it. Every condition found on the way is an alarm. Nothing moves.

    `room` is a list that keeps room for the pump in memory, in front of this module.

    `Pump.checking` is what is left to check after the first answer: the rest of the day's journal, the rolling windows, then `hashes`.
    """
    __import__("pumpcore.wire.record_types")  # `recovery.compare` needs it, when a full journal has left no piece for a module
    if room:
        room.clear()  # MicroPython frees it at once, without a collection
    windows = Windows()  # allocated early: in a half-built pump the memory has no large pieces left
    segment = bytearray(SEGMENT_BYTES)
    flash, clock, store = board.flash, board.clock, setup.store
    journal = recovery.open_journal(flash, clock, segment)
    files = LedgerFiles(flash)
    recovery.miss(files, journal, store)
    identified = recovery.identify(journal, flash)
    journal.catch_up(files.record)
    recovery.compare(files, journal)
    load_line(setup, files.record.leased_steps, files.record.uncertain_steps)
    alarms = Alarms(journal, clock, board.buzzer)
    history: "list[tuple[int, int]]" = []
    doses, losses = Doses(), recovery.Losses()
    for _ in recovery.totals(journal, history, doses, losses):
        if history:  # the newest ones; the rest is for later
            break
    base_s = recovery.powered_on_s(files.record, history)
    book = Book(clock, WallClock(clock, store), files, base_s)
    book.events = journal.rings["events"]
    pump = Pump(board, journal, alarms, setup, book)
    pump.doses = doses
    microsteps = setup.bench.microsteps if setup.bench else 0  # without a bench there is no motor to test
    motion = Motion(board.stepper, board.guard, microsteps)
    leases, found = Leases(files, windows, journal.boot), (files.record.leased_steps, files.record.demand_s)
    pump.delivery = Delivery(motion, leases, book, setup, Reporter(journal, alarms))
    store.before_write = pump.keep_fed
    pump.supervisor = Supervisor(board, pump.delivery, journal, book, pump.stop)
    pump.tokens = Tokens(journal.boot, board.system.seed())
    pump.release = release
    pump.session = Session(board.link, pump, HANDLERS, Loader(board.system))
    flash.listen(pump.session.hear)
    pump.selftest = SelfTest(motion, microsteps, clock.uptime_ms())
    _raise_problems(pump, files, losses)
    if not identified:
        pump.alarms.raise_fault("journal_identity")
    _recover(pump, files)
    windows.minute = base_s // S_PER_MINUTE
    journal.built()
    filling = recovery.rebuild_windows(windows, history, found[0], base_s)
    pump.checking = _in_turn(rest(pump, history, losses, found[1], base_s), filling, _protocol(pump), _rotor(pump), hashes)
    if pump.setup.bench is not None:
        pump.delivery.watch_calibration(pump.book.position_steps)
    if not board.system.maintenance_requested:  # a running watchdog would reset the board in the middle of a copy
        board.watchdog.start(WATCHDOG_MS)
    return pump


def _in_turn(*parts: "Steps | tuple[()]") -> "Steps":
    for part in parts:
        yield from part


def rest(pump: Pump, history: "list[tuple[int, int]]", lost: recovery.Losses, demand_s: int, base_s: int) -> "Steps":
    """Read the rest of the day's journal, and the alarms. It allocates a second buffer: a half-built pump has no memory to keep one."""
    pump.journal.lend(bytearray(SEGMENT_BYTES))
    if lost.behind >= 0:
        yield from recovery.totals(pump.journal, history, pump.doses, lost)
    yield from recovery.open_alarms(pump.journal, lost, pump.alarms)
    pump.journal.built()
    _tell_losses(pump, lost)
    doses = pump.doses
    doses.lost_s = min(doses.lost_s, base_s)
    if demand_s > max(doses.demands(0) + [0]):  # the journal has lost it
        doses.add(demand_s, 0, True)


def _protocol(pump: Pump) -> "Steps":
    """Check the windows of the active protocol: too long for the first answer."""
    if pump.setup.program is None or pump.setup.program.protocol is None:
        return
    from app.programs import programs

    yield from programs.look_through(pump)


def _rotor(pump: Pump) -> "Steps":
    """Load the table of the rotor and its watch: their code stays, and earlier it would cut the memory of a half-built pump in pieces."""
    if pump.setup.bench is None:
        return
    if pump.setup.store.holds("rotor"):
        from app.programs import turning

        turning.load(pump)
        del turning
        pump.session.loader.give_back()  # the code that read it is needed no more
        yield
    if pump.board.sensor is not None:
        from app.programs import sighting

        sighting.load(pump)
        del sighting
        pump.session.loader.give_back()
        yield


def _tell_losses(pump: Pump, lost: recovery.Losses) -> None:
    for gap in lost.news():
        pump.alarms.raise_fault("journal_damaged")  # on flash before the gap's record: after a cut in between the next boot raises it again
        pump.journal.post("journal_gap", (gap.first, gap.last), gap.ring)


def _raise_problems(pump: Pump, files: LedgerFiles, lost: recovery.Losses) -> None:
    _tell_losses(pump, lost)
    if pump.setup.tank is not None and pump.setup.tank.blocks:
        pump.alarms.raise_fault("refill_tolerance")
    for name in pump.setup.problems:
        pump.alarms.raise_fault(name)
    if pump.journal.ends():
        pump.alarms.raise_fault("journal_numbers")
    found = (
        ("store_failed", pump.setup.store.failed), ("journal_failed", pump.journal.broken), ("ledger_failed", files.failed),
        ("offset_damaged", pump.book.wall.damaged), ("ledger_damaged", files.damaged), ("ledger_behind", files.behind),
        ("restarted", pump.board.system.failures), ("watchdog", pump.board.system.reset_cause == "watchdog"),
    )
    for name, is_there in found:
        if is_there:
            pump.alarms.raise_fault(name)


def _recover(pump: Pump, files: LedgerFiles) -> None:
    """Journal the boot with what the last lease left open, then settle it in the ledger, then decide on resuming.

    If the power fails between the two writes, the next boot journals the same open lease again (same `leased_steps`) and counts it once.
    """
    found = files.record
    opened = found.open_steps() if found.state != ledger.IDLE else 0
    system = pump.board.system
    cause = CAUSES.index(system.reset_cause)
    identity, running = bytes.fromhex(system.unique_id), bytes.fromhex(pump.release)[:8]
    values = (cause, identity, running, pump.book.powered_on_s(), found.confirmed_steps, found.leased_steps, opened)
    try:
        pump.journal.keep_boots()
        pump.journal.append("boot", values + (pump.journal.boot, pump.journal.identity_bytes()))
        keys.forget(pump)
        _cut_bolus(pump, found)
        if found.state == ledger.RUNNING and found.temporary:
            pump.alarms.raise_fault("temporary_cut")
            pump.journal.append("temporary_ended", (bolus.ENDS.index(bolus.CUT), found.leased_steps))
        if found.state != ledger.IDLE:
            pump.book.uncertain_steps += opened
            settle(pump, files, found)
    except JournalError:
        pump.alarms.raise_fault("journal_failed")
    except OSError:
        pump.alarms.raise_fault("ledger_failed")


def _cut_bolus(pump: Pump, found: ledger.LedgerRecord) -> None:
    """The ledger names a bolus until the next lease after its end, so first see whether the journal has its end."""
    for number, steps, fault in ((found.bolus_token, found.bolus_steps, ""), (found.extended_token, found.extended_steps, "extended_cut")):
        token = bytes.fromhex("%016x" % number)
        if found.state not in (ledger.RUNNING, ledger.ALONE) or not number or recovery.has_ended(pump.journal, token):
            continue
        if fault:
            pump.alarms.raise_fault(fault)
        pump.journal.append("bolus_ended", (token, bolus.ENDS.index(bolus.CUT), steps))


def _bridge(pump: Pump, barred: bool) -> "tuple[Bridge | None, bool]":
    """Return (the Bridge that goes on, whether resuming is forbidden), by the front with the open part counted both ways."""
    if pump.setup.line is None or pump.setup.program is None:
        return None, barred
    from app.programs.lines import Bridge
    from pumpcore.fluid.front import BRIDGE, PRIME

    need = pump.setup.line.need(pump.setup.program, pump.book.position_steps, pump.book.uncertain_steps)
    return Bridge(pump) if need == BRIDGE else None, barred or need == PRIME


def settle(pump: Pump, files: LedgerFiles, found: ledger.LedgerRecord) -> None:
    """Count the open part as delivered, and write that before anything else happens."""
    pump.alarms.raise_fault("power_lost")
    tank = pump.setup.tank  # a refill that blocks a start also blocks a resume
    blocked = bool(pump.alarms.stopping()) or files.stopped or pump.board.system.maintenance_requested
    blocked = blocked or (pump.setup.reservoir_settings() is not None and (tank is None or bool(tank.blocks)))
    bridge, blocked = _bridge(pump, blocked)
    alone = found.state == ledger.ALONE  # no program was running, so nothing resumes
    reason = "" if alone else forbidden(found, pump.setup, pump.book, blocked)
    settled = pump.book.record(ledger.IDLE if reason or alone else ledger.RESUMING, 0)
    settled.powered_on_s = max(settled.powered_on_s, found.powered_on_s)
    for name in ("lease_s", "until_utc_s", "ahead_steps", "basal_remainder", "entry", "protocol_s"):
        setattr(settled, name, getattr(found, name))
    settled.boot = pump.journal.boot
    settled.leased_steps = settled.confirmed_steps = found.leased_steps
    if files.sound():  # otherwise the files stay as found until somebody acknowledges
        files.write(settled)
    if reason:
        pump.alarms.raise_fault(reason)
    elif not alone:
        pump.resume = Resume(settled, pump.setup, pump.book, bridge)
