"""The table of the rotor in the store: read at power-up; checked, set and read by command."""

import binascii

from app.delivery.law import Law
from app.programs.setup import Setup
from app.pump import Pump
from app.records.store import StoreError
from pumpcore.bench import learned, weighed
from pumpcore.bench.learned import Learned
from pumpcore.faults.faults import Refusal
from pumpcore.units import S_PER_DAY, const
from pumpcore.wire.messages import unbase64

NAME = const("rotor")


def load(pump: Pump) -> None:
    """At power-up: use the stored table. Its rotor stands anywhere: by angle, until somebody finds the phase. A damaged one is an alarm."""
    setup = pump.setup
    setup.take(NAME, _take)
    pump.delivery.motion.law = setup.law
    if NAME in setup.damaged:
        pump.alarms.raise_fault("rotor_damaged")


def _take(setup: Setup, packed: bytes) -> None:
    table = learned.unpack(packed)
    setup.law = Law(setup.bench)
    _use(setup, table)


def _use(setup: Setup, table: Learned) -> None:
    cause = why_not(setup, table)
    setup.law.set_table(table.rotor() if cause != "other_bench" else None, cause)


def judge(setup: Setup) -> None:
    """Decide after a change of calibration if the stored table still counts. Another pair of the same tube and lot keeps it."""
    table = stored(setup)
    if table is not None:
        _use(setup, table)


def stored(setup: Setup) -> Learned | None:
    """Return the stored table, None if there is none or it is damaged."""
    try:
        payload = setup.store.load(NAME)
        return learned.unpack(payload) if payload else None
    except (StoreError, Refusal):
        return None


def why_not(setup: Setup, table: Learned) -> str:
    """Return why a table does not count with the calibration in force, "" if it does. An expiry the law finds by itself."""
    if not table.fits(setup.bench):
        return "other_bench"
    if setup.validity is None:
        return "uncalibrated"
    one = weighed.unpack(weighed.unpack_image(setup.store.load("calibration")).rows[0][1])
    return "" if (one.tube, one.lot) == (table.tube, table.lot) else "other_tube"


def check(pump: Pump, params: dict) -> dict:
    """Return what was read, packed again, and its id; "" for both without a table."""
    table = checked(pump, params)
    packed = learned.pack(table) if table else b""
    return {"id": weighed.identity(packed) if table else "", "rotor": _text(packed)}


def checked(pump: Pump, params: dict) -> Learned | None:
    """Return the table that was sent. Refuses whatever must not be set: `rotor_format`, `rotor_other`, `calibration_date`."""
    setup = pump.setup
    if setup.bench is None:
        raise Refusal("alarm_active", alarm="not_commissioned")
    try:
        packed = unbase64([params["rotor"].encode()])  # strict: nonsense must not stand for no table
    except ValueError:
        raise Refusal("bad_params", parameter="rotor")
    if not packed:
        return None
    table, wall = learned.unpack(packed), pump.book.wall
    table.rotor()
    if wall.known() and table.utc_s > wall.utc_s() + S_PER_DAY:
        raise Refusal("calibration_date", asked_utc_s=table.utc_s, limit_utc_s=wall.utc_s() + S_PER_DAY)
    cause = why_not(setup, table)
    if cause:
        raise Refusal("rotor_other", cause=cause)
    return table


def put(pump: Pump, params: dict) -> dict:
    """Set the table, or without bytes none. Journaled, stored, then used; what is set already is not written again."""
    _check_stopped(pump)
    setup, table, zero_steps = pump.setup, checked(pump, params), params["zero_steps"]
    packed = learned.pack(table) if table else b""
    if packed != (_payload(setup) or b"") or NAME in setup.damaged:
        identity = bytes.fromhex(weighed.identity(packed)) if table else bytes(weighed.ID_BYTES)
        values = (identity, table.bins, table.deviation_nl, table.utc_s) if table else (identity, 0, 0, 0)
        pump.journal.append("rotor_set", values)
        setup.store.save(NAME, packed)
        setup.mended(NAME, pump.alarms.clear_name)
        pump.alarms.clear_name("by_angle")  # the next start says it anew, if it is so
        motion = pump.delivery.motion
        if setup.law is None:
            setup.law = motion.law = Law(setup.bench)  # from the next span on the motor has a path
            setup.law.watch = motion.watch
        setup.law.set_table(table.rotor() if table else None)
        setup.law.lose_phase("phase_power")  # that of another table
        if motion.watch is not None:
            motion.watch.zero = -1
    if table and zero_steps >= 0:
        _find(pump, zero_steps)
    return describe(pump, table)


def _payload(setup: Setup) -> bytes | None:
    try:
        return setup.store.load(NAME)
    except StoreError:
        return None


def _check_stopped(pump: Pump) -> None:
    if not pump.idle():
        raise Refusal("not_stopped", state=pump.state())


def find(pump: Pump, params: dict) -> dict:
    """Note the motor position at which the first bin begins, after the rotor was verified."""
    _check_stopped(pump)
    table = stored(pump.setup)
    if table is None or pump.setup.law is None:
        raise Refusal("no_rotor")
    _find(pump, params["zero_steps"])
    return describe(pump, table)


def _find(pump: Pump, zero_steps: int) -> None:
    """Journal the phase, then use it."""
    motion = pump.delivery.motion
    pump.journal.append("rotor_phase", (zero_steps, motion.motor_steps()))
    motion.law.set_phase(zero_steps)
    if motion.watch is not None:
        from app.programs import sighting

        motion.watch.learn(zero_steps)
        sighting.save(pump)


def read(pump: Pump, params: dict) -> dict:
    """Return the stored table, null without one, and whether it counts."""
    table = stored(pump.setup)
    return {"rotor": _text(learned.pack(table)) if table else None, "status": describe(pump, table)}


def describe(pump: Pump, table: Learned | None) -> dict:
    """Return the table without its volumes, and by which law the next lease would be. The zero is in motor steps, null if unknown."""
    law = pump.setup.law
    cause = law.cause_now(pump.setup) if law is not None else "no_table"
    known = law is not None and not law.no_phase
    return {
        "table": table.describe() if table else None, "law": "angle" if cause else "volume", "law_cause": cause,
        "zero_steps": law.zero_steps if known else None, "motor_steps": pump.delivery.motion.motor_steps(),
    }


def _text(packed: bytes) -> str:
    return binascii.b2a_base64(packed).decode().strip()
