"""bolus.status: what became of a token, also after a reset; settles an order whose outcome is unknown."""

from app.pump import Pump
from pumpcore import bolus as boluses
from pumpcore.faults import Refusal
from pumpcore.wire import record_types, records

NEEDED = (record_types,)  # to decode; here, so that a flash that does not give it refuses the command


def bolus_status(pump: Pump, params: dict) -> dict:
    """`state` is ordered, delivering, paused, done, cancelled, cut, never_ordered, or forgotten: the journal does not reach back so far."""
    token = params["token"]
    known = pump.find_bolus(token)
    if known is None:
        return _from_journal(pump, token)
    return known.describe(pump.delivery.delivered(known))


def _from_journal(pump: Pump, token: str) -> dict:
    """The newest word on a token of an earlier boot; an ordered bolus without an end was cut."""
    raw_token, ring = bytes.fromhex(token), pump.journal.rings["events"]
    ended, ordered, oldest, whole = None, None, None, True
    for record in _newest_first(ring):
        if ordered is not None:  # what it was for stands right before it
            if ended is None and not whole:  # its end may be among what is lost
                break
            return _describe(token, ordered, ended, record.fields["purpose"] if record.name == "dose" else 0)
        if record.fields.get("token") == raw_token:
            if record.name == "bolus_ended" and ended is None:
                ended = record.fields
            if record.name in ("bolus_ordered", "run_ordered"):
                ordered = record.fields
        whole = whole and record.sequence == (oldest.sequence if oldest else ring.next_sequence) - 1
        if whole:  # behind a gap nobody knows what was ordered
            oldest = record
    if ordered is not None and (whole or ended is not None):
        return _describe(token, ordered, ended, 0)
    reaches = oldest is not None and oldest.sequence == 1
    reaches = reaches or _issued(pump, token) or _is_younger(raw_token, oldest, pump.journal.boot)
    if ordered is not None or ended is not None:
        reaches = False
    return {"token": token, "state": "never_ordered" if reaches else "forgotten"}


def _newest_first(ring: object) -> object:
    """Yields every whole record, one decoded at a time: a full segment of them is more than a chip has memory for."""
    for first, behind, data in ring.segments():
        for at in reversed(ring.starts(first, behind, data)):
            yield records.decode_at(data, at)


def _issued(pump: Pump, token: str) -> bool:
    """Whether this boot has issued it and nothing was ordered with it, however long ago that was."""
    try:
        pump.tokens.check(token, 0)
    except Refusal:
        return False
    return True


def _is_younger(raw_token: bytes, oldest: object, boot: int) -> bool:
    """Whether it is of a boot that began behind the oldest record. See app.tokens for its bits."""
    issued = raw_token[0] << 8 | raw_token[1]
    if raw_token[0] & 0x80:
        issued = (issued & 0x7FFF) << 8 | raw_token[2]
    return oldest is not None and 0 <= boot - issued < (boot - oldest.boot) & 0xFFFF


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
