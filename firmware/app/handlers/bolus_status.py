"""bolus.status: what became of a token, also after a reset; settles an order whose outcome is unknown."""

from app.journal import Journal
from app.pump import Pump
from pumpcore import bolus as boluses
from pumpcore.wire import record_types, records

NEEDED = (record_types,)  # to decode; here, so that a flash that does not give it refuses the command


def bolus_status(pump: Pump, params: dict) -> dict:
    """`state` is ordered, delivering, done, cancelled, cut, or never_ordered."""
    token = params["token"]
    known = pump.find_bolus(token)
    if known is None:
        return _from_journal(pump.journal, token)
    return known.describe(pump.delivery.delivered(known))


def _from_journal(journal: Journal, token: str) -> dict:
    """The newest word on a token of an earlier boot; an ordered bolus without an end was cut."""
    raw_token = bytes.fromhex(token)
    ended, ordered = None, None
    for data in journal.rings["events"].backwards():
        for record in records.newest_first(data):
            if ordered is not None:  # what it was for stands right before it
                return _describe(token, ordered, ended, record.fields["purpose"] if record.name == "dose" else 0)
            if record.fields.get("token") == raw_token:
                if record.name == "bolus_ended" and ended is None:
                    ended = record.fields
                if record.name in ("bolus_ordered", "run_ordered"):
                    ordered = record.fields
    return {"token": token, "state": "never_ordered"}


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
