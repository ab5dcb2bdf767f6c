"""Handlers of program.stage, check, activate and read."""

import binascii
import json

from app.delivery.delivery import RUNS
from app.programs import programs
from app.pump import Pump
from pumpcore.faults.faults import Refusal
from pumpcore.program import packing
from pumpcore.units import const
from pumpcore.wire import messages

if 0:  # for the type checker alone
    from app.types import Change, Setup

# --- packed ------------------------------------------------------------------------------------------------------------------
# loaded together with the handlers that return a program

_PART_BYTES = const(384)  # a multiple of three: only the last part of a base64 text is padded


def with_program(told: dict, raw: bytes | None) -> list:
    """Return the JSON of `told` with `raw` as base64 under `program`, in small parts.

    Handling 5 kB at once would take several pieces of memory of that size.
    """
    head = (json.dumps(told)[:-1] + ', "program": ').encode()
    if not raw:
        return [head, b"null}"]
    parts = [head + b'"']
    for at in range(0, len(raw), _PART_BYTES):
        parts.append(binascii.b2a_base64(raw[at : at + _PART_BYTES], newline=False))
    parts.append(b'"}')
    return parts


# --- program_read ------------------------------------------------------------------------------------------------------------


def program_read(pump: Pump, params: dict) -> list:
    """Return the active program's bytes; `program` is null if none is active."""
    return with_program({"digest": pump.setup.digest}, pump.setup.packed)


# --- program_stage -----------------------------------------------------------------------------------------------------------


def program_stage(pump: Pump, params: dict) -> list:
    """Stage a program; nothing changes yet. Return its digest, its bytes, and the state of the line. Refusals `program_...`."""
    sent = params["program"]
    if type(sent) is not bytes:
        try:
            sent = messages.unbase64([sent.encode()])
        except ValueError:
            raise Refusal("bad_params", parameter="program")
    new = programs.stage(pump.setup, sent)
    kept = pump.setup.newest_staged()
    told = {"digest": kept.digest, "bytes": len(sent), "line": None}
    if new.line_nl():
        pump.setup.load_lines()
        from app.programs import lines

        told["line"] = lines.told(pump, new)
    return with_program(told, kept.packed)


# --- program_check -----------------------------------------------------------------------------------------------------------


def program_check(pump: Pump, params: dict) -> dict:
    """Check a staged program for a part of a second; ask again until `done`.

    Refusals `not_staged`, `busy` while another one is checked, and those of `programs.check`.
    """
    digest, setup, part = params["digest"], pump.setup, programs.PERMILLE
    if digest != setup.digest:
        row, now_ms = setup.staged(digest), pump.board.clock.uptime_ms()
        if row is None:
            raise Refusal("not_staged", digest=digest)
        setup.refuse_while_checking(now_ms, row)
        part = programs.check(setup, row, now_ms)
    return {"digest": digest, "done": part == programs.PERMILLE, "done_permille": part}


# --- program_activate --------------------------------------------------------------------------------------------------------


def program_activate(pump: Pump, params: dict) -> dict:
    """Store a checked program and make it the active one. Harmless to repeat, because the digest names it. Journaled first.

    Refusals `not_staged`, `not_checked`, `not_stopped`, `drug_running`, those of a start, and those of what runs.
    """
    digest, setup = params["digest"], pump.setup
    if digest == setup.digest and not ("line" in setup.damaged or "primed" in setup.damaged):
        return {"digest": digest}
    packed, new = checked(setup, digest)
    change = _change(pump, new)
    if not pump.idle():
        _check_running(pump, new)
    pump.journal.append("program_activated", (bytes.fromhex(digest),))
    _journal_overrides(pump, new)
    if change is not None:
        change.first()
    programs.activate(setup, packed, new)
    if change is not None:
        change.last()
    if "primed" in setup.damaged:
        setup.store.save("primed", b"")
        setup.mended("primed", pump.alarms.clear_name)
    pump.delivery.take_over()
    setup.mended("program", pump.alarms.clear_name)
    pump.alarms.clear_name("program_invalid")
    return {"digest": setup.digest}


def checked(setup: "Setup", digest: str) -> "tuple[bytes, packing.Program]":
    """Return (bytes, program) with the findings of its check."""
    if digest == setup.digest:
        return setup.packed, setup.program
    row = setup.staged(digest)
    if row is None:
        raise Refusal("not_staged", digest=digest)
    if not row.checked:
        raise Refusal("not_checked", digest=digest)
    new = programs.unpack(row.packed)
    new.peaks = row.peaks
    return row.packed, new


def _change(pump: Pump, new: packing.Program) -> "Change | None":
    """Return the change of the line; None if there is surely none: the same content, or the line was never filled."""
    setup, old = pump.setup, pump.setup.program
    clean = setup.line is None and "line" not in setup.damaged
    if clean and (old.content() == new.content() if old is not None else not setup.store.load("line")):
        return None
    setup.load_lines()
    from app.programs import lines

    return lines.Change(pump, new)


def _journal_overrides(pump: Pump, new: packing.Program) -> None:
    """Journal the soft limits of the drug library that this program passes with an override."""
    if new.settings is not None and new.settings.overrides:
        from pumpcore.limits import limits

        for one in limits.passed(new):
            pump.journal.append("override", (one.what, one.asked, one.limit, new.settings.library_version))


def _check_running(pump: Pump, new: packing.Program) -> None:
    """Refuse if the program cannot take over from the running one: another drug, or something else under way."""
    delivery, old = pump.delivery, pump.setup.program
    if delivery.state is not RUNS or pump.resume is not None:
        raise Refusal("not_stopped", state=pump.state())
    from app.wire.handlers.bolus import check_running, check_temporary
    from app.wire.handlers.start import check_tank

    check_running(pump)
    drugs = [" and ".join(["%s %d ng in %d nl" % drug for drug in one.content()]) for one in (new, old)]
    others = tuple(new.drugs) != tuple(old.drugs)
    if others or (new.fluid, new.concentration[0] * old.concentration[1]) != (old.fluid, old.concentration[0] * new.concentration[1]):
        raise Refusal("drug_running", rule="R9", asked=drugs[0], limit=drugs[1], nearest=drugs[1])
    if bool(new.concentration[1]) != bool(old.concentration[1]):
        raise Refusal("drug_running", rule="R9", asked=drugs[0], limit=drugs[1], nearest=drugs[1])
    if delivery.orders.live():
        raise Refusal("bolus_active", token=delivery.orders.live()[0].token)
    check_temporary(pump)
    if new.needs_clock() and not pump.book.wall.known() and new.on_clock_loss == "stop":
        raise Refusal("clock_unknown")
    if new.settings is not None and new.settings.capacity_nl:
        check_tank(pump, new.settings)
    if pump.setup.line is not None:
        pump.setup.load_lines()
        from app.programs import lines

        lines.check(pump, new)
