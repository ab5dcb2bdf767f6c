"""From power-up to the first turn of the loop: what is on flash, what of it is uncertain, what may go on."""

from app import loading, recovery, resume
from app.alarms import Alarms
from app.book import Book
from app.delivery import Delivery
from app.handlers.table import HANDLERS, Loader
from app.journal import Journal, JournalError
from app.leases import Leases
from app.ledger import LedgerFiles
from app.motion import Motion
from app.pump import Pump
from app.reporter import Reporter
from app.ring import SEGMENT_BYTES
from app.selftest import SelfTest
from app.session import Session
from app.store import Store
from app.supervisor import Supervisor
from app.tokens import Tokens
from app.wall import WallClock
from pumpcore import bolus, ledger
from pumpcore.ceilings import Windows
from pumpcore.doses import Doses
from pumpcore.wire.records import CAUSES

if 0:  # for the type checker alone
    from app.types import Board, Bridge

WATCHDOG_MS = 8000


def build(board: "Board", release: str) -> Pump:
    """The whole pump around `board`; every condition found on the way is an alarm. Nothing moves."""
    windows = Windows()  # first what stays, then what goes: when the pump is half built, its memory has no large pieces any more
    segment = bytearray(SEGMENT_BYTES)
    board.system.make_room()
    flash, clock = board.flash, board.clock
    store = Store(flash)
    setup = loading.load(store, board.attach)
    board.system.make_room()
    journal = Journal(flash, clock, segment)
    files = LedgerFiles(flash)
    recovery.miss(files, journal, store)
    identified = recovery.identify(journal, flash)
    journal.catch_up(files.record)
    recovery.compare(files, journal)
    loading.load_line(setup, files.record.leased_steps, files.record.uncertain_steps)
    alarms = Alarms(journal, clock, board.buzzer)
    doses, losses = Doses(), recovery.Losses()
    history = recovery.totals(journal, doses, losses)
    opened = recovery.open_alarms(journal, losses)
    base_s = recovery.powered_on_s(files.record, history)
    board.system.make_room()
    book = Book(clock, WallClock(clock, store), files, base_s)
    book.events = journal.rings["events"]
    pump = Pump(board, journal, alarms, setup, book)
    pump.doses = doses
    doses.lost_s = min(doses.lost_s, base_s)
    if files.record.demand_s > max(doses.demands(0) + [0]):  # the journal has lost it
        doses.add(files.record.demand_s, 0, True)
    microsteps = setup.bench.microsteps if setup.bench else 0  # without a bench there is no motor to test
    motion = Motion(board.stepper, board.guard, microsteps)
    recovery.rebuild_windows(windows, history, files.record, base_s)
    leases = Leases(files, windows, journal.boot)
    pump.delivery = Delivery(motion, leases, book, setup, Reporter(journal, alarms))
    store.before_write = pump.keep_fed
    pump.supervisor = Supervisor(board, pump.delivery, journal, book, pump.stop)
    pump.tokens = Tokens(journal.boot, board.system.seed())
    pump.release = release
    pump.session = Session(board.link, pump, HANDLERS, Loader(board.system))
    flash.listen(pump.session.hear)
    pump.selftest = SelfTest(motion, microsteps, clock.uptime_ms())
    _raise_problems(pump, files, losses, opened)
    if not identified:
        pump.alarms.raise_fault("journal_identity")
    _recover(pump, files)
    journal.built()
    if pump.setup.bench is not None:
        pump.delivery.watch_calibration(pump.book.position_steps)
    if not board.system.maintenance_requested:  # a running watchdog would reset the board in the middle of a copy
        board.watchdog.start(WATCHDOG_MS)
    return pump


def _raise_problems(pump: Pump, files: LedgerFiles, losses: recovery.Losses, opened: "list[tuple[int, int]]") -> None:
    for number, count in opened:
        pump.alarms.restore(number, count)
    for ring, first, last in losses.news():
        pump.alarms.raise_fault("journal_damaged")  # on flash before the gap is: a cut in between raises it again
        pump.journal.post("journal_gap", (first, last), ring)
    if pump.setup.tank is not None and pump.setup.tank.blocks:
        pump.alarms.raise_fault("refill_tolerance")
    for name in pump.setup.problems:
        pump.alarms.raise_fault(name)
    if pump.journal.ends():
        pump.alarms.raise_fault("journal_numbers")
    found = (
        ("store_failed", pump.setup.store.failed), ("journal_failed", pump.journal.broken), ("ledger_failed", files.failed),
        ("offset_damaged", pump.book.wall.damaged), ("ledger_damaged", files.damaged), ("ledger_behind", files.behind),
    )
    for name, is_there in found:
        if is_there:
            pump.alarms.raise_fault(name)
    if pump.board.system.failures:
        pump.alarms.raise_fault("restarted")
    if pump.board.system.reset_cause == "watchdog":
        pump.alarms.raise_fault("watchdog")


def _recover(pump: Pump, files: LedgerFiles) -> None:
    """Journals the boot with what the last lease left open, then settles it in the ledger, then decides on resuming.

    Cut between the two writes, the next boot journals the same open lease again (same `leased_steps`) and counts it once.
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
        _cut_bolus(pump, found)
        if found.state == ledger.RUNNING and found.temporary:
            pump.alarms.raise_fault("temporary_cut")
            pump.journal.append("temporary_ended", (bolus.ENDS.index(bolus.CUT), found.leased_steps))
        if found.state != ledger.IDLE:
            pump.book.uncertain_steps += opened
            _settle(pump, files, found)
    except JournalError:
        pump.alarms.raise_fault("journal_failed")
    except OSError:
        pump.alarms.raise_fault("ledger_failed")


def _cut_bolus(pump: Pump, found: ledger.LedgerRecord) -> None:
    """The ledger names a bolus until the next lease behind its end; what the journal has of that end counts."""
    for number, steps, fault in ((found.bolus_token, found.bolus_steps, ""), (found.extended_token, found.extended_steps, "extended_cut")):
        token = bytes.fromhex("%016x" % number)
        if found.state not in (ledger.RUNNING, ledger.ALONE) or not number or recovery.has_ended(pump.journal, token):
            continue
        if fault:
            pump.alarms.raise_fault(fault)
        pump.journal.append("bolus_ended", (token, bolus.ENDS.index(bolus.CUT), steps))


def _tank_allows(pump: Pump) -> bool:
    """A refill that blocks a start blocks a resume too."""
    tank = pump.setup.tank
    return pump.setup.reservoir_settings() is None or (tank is not None and not tank.blocks)


def _bridge(pump: Pump, blocked: bool) -> "tuple[Bridge | None, bool]":
    """(the Bridge that goes on, whether resuming is forbidden): by where the front is once the open part counts both ways."""
    if pump.setup.line is None or pump.setup.program is None:
        return None, blocked
    from app.bridge import Bridge
    from pumpcore.front import BRIDGE, PRIME

    need = pump.setup.line.need(pump.setup.program, pump.book.position_steps, pump.book.uncertain_steps)
    return Bridge(pump) if need == BRIDGE else None, blocked or need == PRIME


def _settle(pump: Pump, files: LedgerFiles, found: ledger.LedgerRecord) -> None:
    """The open part counts as delivered; the record says so before anything else happens."""
    pump.alarms.raise_fault("power_lost")
    blocked = bool(pump.alarms.stopping()) or files.stopped or pump.board.system.maintenance_requested or not _tank_allows(pump)
    bridge, blocked = _bridge(pump, blocked)
    alone = found.state == ledger.ALONE  # nothing goes on, and nothing was to
    reason = "" if alone else resume.forbidden(found, pump.setup, pump.book, blocked)
    settled = pump.book.record(ledger.IDLE if reason or alone else ledger.RESUMING, 0)
    settled.powered_on_s = max(settled.powered_on_s, found.powered_on_s)
    for name in ("lease_s", "until_utc_s", "ahead_steps", "basal_remainder", "entry"):
        setattr(settled, name, getattr(found, name))
    settled.boot = pump.journal.boot
    settled.leased_steps = settled.confirmed_steps = found.leased_steps
    if files.sound():  # else the files stay as they were found until somebody acknowledges
        files.write(settled)
    if reason:
        pump.alarms.raise_fault(reason)
    elif not alone:
        pump.resume = resume.Resume(settled, pump.setup, pump.book, bridge)
