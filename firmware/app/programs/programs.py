"""Stage, check and activate a program. In memory at power-up and for the commands that need it."""

from app.delivery.basal import Basal
from app.programs.setup import Setup, Staged
from pumpcore.faults.faults import Refusal
from pumpcore.limits import limits
from pumpcore.limits.ceilings import Ceilings
from pumpcore.program import packing
from pumpcore.units import const

if 0:  # for the type checker alone
    from app.pump import Pump
    from app.types import Steps

# Of a window, in one call: see tests/bench, group "work". One of a protocol takes longer.
MOST_MOVES = const(240)
MOST_OF_PROTOCOL = const(120)
PERMILLE = const(1000)
_FEWER = const(8)
_called: list[bool] = []  # empty until the first part since this file was loaded, which took the time of most of a part


def unpack(packed: bytes, to_check: bool = True) -> packing.Program:
    """Return the program of these bytes; `to_check` also imports what its check needs.

    Refusals of `packing.unpack`, and `not_loaded` if flash or memory fails: call it before anything is changed.
    """
    try:
        new = packing.unpack(packed)
        if to_check and new.settings is not None:
            __import__("pumpcore.limits.limits")
            __import__("pumpcore.limits.order_limits")
        if to_check and new.protocol is not None:
            __import__("pumpcore.limits.windows")
            __import__("app.delivery.course")
    except (ImportError, OSError, MemoryError) as error:
        raise Refusal("not_loaded", cause=repr(error)[:80])
    return new


def take(setup: Setup, packed: bytes, whole: bool = True) -> None:
    """Make the stored program active. Refusals of `packing.unpack` and `limits.check_program`; then nothing has changed.

    The windows of a protocol, and without `whole` those of any program, are searched later, in parts (`look_through`).
    """
    new = packing.unpack(packed)
    _take(setup, new, packed, whole and new.protocol is None)


def look_through(pump: "Pump") -> "Steps":
    """Check the windows of the active program, a part at each step. One that does not fit is forgotten, with `program_invalid`."""
    setup = pump.setup
    row = Staged(setup.digest, setup.packed)
    setup.program.peaks = row.peaks
    while search(setup.program, row) < PERMILLE:
        yield
    try:
        limits.check_program(setup.program, setup.bench, setup.calibration)
    except Refusal:
        setup.forget_program()
        pump.alarms.raise_fault("program_invalid")


def _take(setup: Setup, new: packing.Program, packed: bytes, whole: bool = True) -> None:
    ceilings, basal = limits.check_program(new, setup.bench, setup.calibration, whole), Basal
    if new.protocol is not None:
        from app.delivery.course import Course as basal
    setup.ceilings, setup.basal = ceilings, basal
    setup.program = new
    setup.packed = packed
    setup.digest = packing.digest(packed)


def stage(setup: Setup, packed: bytes) -> packing.Program:
    """Read a program and keep it in memory; `check` judges it later. Refusals `program_...`, `alarm_active` without a bench."""
    if setup.bench is None:
        raise Refusal("alarm_active", alarm="not_commissioned")
    new = unpack(packed, to_check=False)
    setup.keep_staged(packing.digest(packed), packed)
    return new


def check(setup: Setup, staged: Staged, uptime_ms: int) -> int:
    """Continue the check of a staged program for a part of a second. Return the progress in permille, PERMILLE when it fits.

    Refusals of `limits.check_program`, and `dose_rounded`, end the check.
    """
    if staged.checked:
        return PERMILLE
    new = unpack(staged.packed)
    new.peaks = staged.peaks
    setup.go_on_checking(staged, uptime_ms)
    found, goes_on = len(new.peaks), bool(new.peaks) or staged.search is not None
    part = search(new, staged)
    if part < PERMILLE or (goes_on and len(new.peaks) > found):  # after a search of several parts the judgement is one of its own
        return min(part, PERMILLE - 1)
    setup.end_check()
    limits.check_program(new, setup.bench, setup.calibration)
    limits.check_demand_steps(new, setup.calibration)
    staged.checked = True
    return PERMILLE


def search(new: packing.Program, staged: Staged) -> int:
    """Search for the fullest window of each length. Return the progress in permille."""
    loaded = not _called
    _called[:] = [True]
    if new.protocol is not None:
        return _search_protocol(new, staged, MOST_OF_PROTOCOL // (_FEWER if loaded and staged.search else 1))
    entries, windows = new.entries, limits.windows_of(new)
    whole = 2 * len(entries)
    large, most = whole > MOST_MOVES, MOST_MOVES
    if loaded and large:
        most //= _FEWER
    for minutes in windows:
        if minutes in new.peaks:
            continue
        if staged.search is None:
            staged.search = limits.begin_peak(entries, minutes)
            if large:  # takes as long as a part
                break
        before = limits.moves_left(staged.search)
        if limits.go_on(entries, staged.search, most):
            break
        limits.keep_peak(new, staged.search)
        staged.search = None
        most -= before
        if large:
            break
    found = PERMILLE * len([minutes for minutes in windows if minutes in new.peaks])
    if staged.search is None:
        return found // len(windows)
    # A window that has begun counts too, so that each answer reports progress; only the end is PERMILLE.
    found += PERMILLE * (whole - limits.moves_left(staged.search)) // whole
    return min(found // len(windows) + 1, PERMILLE - 1)


def _search_protocol(new: packing.Program, staged: Staged, most: int) -> int:
    """The same for the windows of a protocol, one of them in each call."""
    from pumpcore.limits import windows

    wanted = limits.windows_of(new)
    for number, minutes in enumerate(wanted):
        if minutes in new.peaks:
            continue
        if staged.search is None:  # for one call enough: the first also loads what the check needs
            staged.search = windows.begin_peak(new.protocol, minutes)
            return PERMILLE * number // len(wanted)
        left = windows.go_on(new.protocol, staged.search, most)
        moves = max(left, staged.search[windows.MOVES])
        if not left:
            limits.keep_peak(new, staged.search)
            staged.search = None
        return (PERMILLE * number + PERMILLE * (moves - left) // moves) // len(wanted)
    return PERMILLE


def activate(setup: Setup, packed: bytes, new: packing.Program) -> None:
    """Store a checked program and make it active. Raises OSError or StoreError; then the old one stays."""
    setup.store.save("program", packed)
    _take(setup, new, packed)


def recalibrated(setup: Setup, ceilings: Ceilings | None) -> None:
    """Another calibration is in force: use these ceilings, and forget the staged programs, which were checked with the old one."""
    setup.forget_staged()
    if setup.program is not None:
        setup.ceilings = ceilings
