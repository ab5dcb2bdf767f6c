"""Handler of bolus.status: what became of a token, also after a reset."""

from app.pump import Pump
from app.records import naming
from app.records.journal import BLOCK_BYTES
from pumpcore.faults.faults import Refusal
from pumpcore.orders import bolus as boluses
from pumpcore.units import const
from pumpcore.wire import record_types, records

if 0:  # for the type checker alone
    from app.types import Ring

_SEGMENTS = const(8)  # of 32, in one call: see tests/bench, group "work"


def bolus_status(pump: Pump, params: dict) -> dict:
    """Return the state of a token. `searching`: ask again.

    Other states: ordered, delivering, paused, done, cancelled, cut, never_ordered, forgotten (the journal does not reach back so far).
    """
    token = params["token"]
    known = pump.find_bolus(token)
    if known is None:
        return _from_journal(pump, token)
    return known.describe(pump.delivery.delivered(known))


def _from_journal(pump: Pump, token: str) -> dict:
    """Return the state of a token of an earlier boot. A bolus that was ordered and has no end was cut.

    One call searches a part of the ring and decodes only records with the token: decoding a full ring would take seconds.
    """
    found, ring = pump.search, pump.journal.rings["events"]
    if found is None or found["token"] != token:
        found = {"token": token, "behind": ring.next_sequence, "whole_from": ring.next_sequence, "ended": None, "ordered": None}
        found["purpose"], found["place"] = -1, 0
    pump.search = found
    if not look(ring, found, bytes.fromhex(token)):
        return {"token": token, "state": "searching"}
    pump.search = None
    return told(pump, token, found)


def look(ring: "Ring", found: dict, raw_token: bytes) -> bool:
    """Go back by a few segments; return True if nothing more can be found."""
    buffer, done = bytearray(BLOCK_BYTES), False
    for _ in range(_SEGMENTS):
        behind = found["behind"]
        first = naming.before(ring, behind)
        if done or not first:
            done = True
            break
        if found["whole_from"] == behind:
            found["whole_from"] = naming.whole_from(ring, first, behind, buffer)
        for raw in naming.naming(ring, first, behind, raw_token, buffer):
            _take(found, record_types.decode_at(raw, 0), raw_token)
        found["behind"] = first
        done = found["purpose"] >= 0
    ring.let_go()
    return done


def _take(found: dict, record: record_types.Record, raw_token: bytes) -> None:
    fields = record.fields
    if fields.get("token") != raw_token:
        return
    if record.name == "bolus_ended" and found["ended"] is None:
        found["ended"] = fields
    if record.name in ("bolus_ordered", "run_ordered"):
        found["ordered"], found["place"] = fields, record.sequence
    if found["ordered"] is not None and "purpose" in fields:  # the record before a bolus's order has its purpose
        found["purpose"] = fields["purpose"]


def told(pump: Pump, token: str, found: dict) -> dict:
    ordered, ended, whole_from = found["ordered"], found["ended"], found["whole_from"]
    if ordered is not None and (ended is not None or found["place"] >= whole_from):  # else its end may be among the lost records
        return _describe(token, ordered, ended, max(0, found["purpose"]))
    ring, raw_token = pump.journal.rings["events"], bytes.fromhex(token)
    reaches = whole_from == 1 < ring.next_sequence or _issued(pump, token) or _is_younger(raw_token, ring, whole_from, pump.journal.boot)
    if ordered is not None or ended is not None:
        reaches = False
    return {"token": token, "state": "never_ordered" if reaches else "forgotten"}


def _issued(pump: Pump, token: str) -> bool:
    """Return True if this boot issued it and it ordered nothing, however long ago."""
    try:
        pump.tokens.check(token, 0)
    except Refusal:
        return False
    return True


def _is_younger(raw_token: bytes, ring: "Ring", whole_from: int, boot: int) -> bool:
    """Return True if its boot began after the record from which on nothing is missing. app/wire/session.py has the token's bits."""
    oldest = bytearray(256)
    if not ring.read(whole_from, oldest)[0]:
        return False
    issued = raw_token[0] << 8 | raw_token[1]
    if raw_token[0] & 0x80:
        issued = (issued & 0x7FFF) << 8 | raw_token[2]
    return 0 <= boot - issued < (boot - records.boot_of(oldest)) & 0xFFFF


def _describe(token: str, ordered: dict, ended: dict | None, purpose: int) -> dict:
    reason = boluses.ENDS[ended["reason"]] if ended else boluses.CUT
    return {
        "token": token,
        "purpose": records.PURPOSES[ordered.get("purpose", purpose)],
        "state": reason if reason in (boluses.DONE, boluses.CANCELLED) else boluses.CUT,
        "volume_nl": ordered["volume_nl"],
        "rate_nl": ordered["rate_nl"],
        "ordered_steps": ordered["ordered_steps"],
        "delivered_steps": ended["delivered_steps"] if ended else 0,
    }
