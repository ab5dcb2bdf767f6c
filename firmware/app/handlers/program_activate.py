"""program.activate: makes a staged program the stored one; harmless to repeat (the digest names it)."""

from app.pump import Pump
from pumpcore import program
from pumpcore.faults import Refusal


def program_activate(pump: Pump, params: dict) -> dict:
    """Refusals `not_stopped`, `not_staged`; journaled before it is stored."""
    digest, setup = params["digest"], pump.setup
    if digest == setup.digest:
        return {"digest": digest}
    if not pump.idle():
        raise Refusal("not_stopped")
    packed = setup.staged(digest)
    if packed is None:
        raise Refusal("not_staged", digest=digest)
    pump.journal.append("program_activated", (bytes.fromhex(digest),))
    _journal_overrides(pump, packed)
    setup.activate(packed)
    pump.alarms.clear_name("program_invalid")
    return {"digest": setup.digest}


def _journal_overrides(pump: Pump, packed: bytes) -> None:
    """The soft limits of the drug library that this program passes with somebody's leave."""
    new = program.unpack(packed)
    if new.settings is not None and new.settings.overrides:
        from pumpcore import settings_limits

        for what, asked, limit in settings_limits.passed(new):
            pump.journal.append("override", (what, asked, limit, new.settings.library_version))
