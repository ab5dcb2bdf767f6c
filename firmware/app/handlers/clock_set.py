"""clock.set: UTC and the offset to local time; by more than 2 s only while stopped (R11)."""

from app.pump import Pump
from pumpcore.faults import Refusal

LARGEST_STEP_S = 2


def clock_set(pump: Pump, params: dict) -> dict:
    """Sets the clock. Refusal `clock_step` with the difference when running."""
    wall, utc_s, offset_s = pump.book.wall, params["utc_s"], params["offset_s"]
    old_utc_s = wall.utc_s()
    by_s = utc_s - old_utc_s
    if wall.known() and not pump.idle() and (abs(by_s) > LARGEST_STEP_S or offset_s != wall.offset_s):
        raise Refusal("clock_step", asked_s=by_s, limit_s=LARGEST_STEP_S)
    pump.journal.append("clock_set", (old_utc_s, utc_s, offset_s))
    wall.set(utc_s, offset_s)
    pump.delivery.shift_wall(by_s)
    return {"old_utc_s": old_utc_s, "utc_s": wall.utc_s(), "offset_s": wall.offset_s}
