"""The calibration in the store: read at power-up; checked, set and forgotten by command."""

import binascii

from app.programs import programs
from app.programs.setup import Setup
from app.pump import Pump
from app.records.store import StoreError
from pumpcore.bench import weighed
from pumpcore.bench.weighed import Image, Weighed
from pumpcore.faults.faults import Refusal
from pumpcore.limits import limits
from pumpcore.limits.ceilings import Ceilings
from pumpcore.motion.dose import CALIBRATED, Calibration, Validity
from pumpcore.units import S_PER_DAY, const

NAME = const("calibration")


def load(setup: Setup, packed: bytes) -> None:
    """Use the stored calibration if it is for this bench, else report `calibration_other_bench`. Raises ValueError if it is damaged."""
    found = weighed.unpack_image(packed)
    if not found.fits(setup.bench):
        if found.current:
            setup.problems.append("calibration_other_bench")
        return
    _take(setup, found)


def _take(setup: Setup, data: Image) -> None:
    """From here on the first row's calibration is in force, or the nominal one if no row is."""
    setup.calibration, setup.validity = setup.bench.calibration, None
    if not data.current:
        return
    position_steps, packed = data.rows[0]
    try:
        one = weighed.unpack(packed)
    except Refusal:
        raise ValueError("a stored calibration is not one")
    setup.calibration = Calibration(one.volume_nl, one.steps, CALIBRATED)
    setup.validity = Validity(weighed.identity(packed), position_steps, one.utc_s, one.expires_nl, one.expires_days)
    setup.validity.scatter_ppm, setup.validity.runs = one.scatter_ppm, one.runs


def own_image(setup: Setup) -> Image:
    """Return the stored image for this bench; an empty one if there is none, or it is of another bench or damaged."""
    try:
        payload = setup.store.load(NAME)
        found = weighed.unpack_image(payload) if payload else None
    except (StoreError, ValueError):
        found = None
    if found is None or not found.fits(setup.bench):
        return Image(setup.bench.name, setup.bench.calibration, False, [])
    return found


def check(pump: Pump, params: dict) -> dict:
    """Return what was read, packed again, and its id; "" for both if it is the nominal calibration."""
    one, _ = checked(pump, sent(params))
    packed = weighed.pack(one) if one else b""
    return {"id": weighed.identity(packed) if one else "", "calibration": _text(packed)}


def read(pump: Pump, params: dict) -> dict:
    """Return the calibration in force (null: the nominal one) and the `history`, newest first. Refusal `alarm_active` without a bench."""
    setup = pump.setup
    _check_bench(setup)
    image = own_image(setup)
    rows = [{"packed": _text(packed), "position_steps": position} for position, packed in image.rows]
    bench = setup.bench
    return {
        "bench": bench.name,
        "nominal": bench.calibration.describe(),
        "turns": bench.turns,
        "turns_steps": bench.turns_steps,
        "calibration": rows.pop(0) if image.current else None,
        "history": rows,
        "status": setup.describe_calibration(pump.position_steps(), pump.book.wall),
    }


def put(pump: Pump, params: dict) -> dict:
    """Set the calibration. Setting the one in force again changes nothing."""
    if not pump.idle():
        raise Refusal("not_stopped", state=pump.state())
    setup, packed = pump.setup, sent(params)
    one, ceilings = checked(pump, packed)
    wanted = weighed.identity(packed) if one else ""
    if wanted != (setup.validity.id if setup.validity else "") or NAME in setup.damaged:
        store(pump, packed, one)
        programs.recalibrated(setup, ceilings)
        _settle_alarms(pump)
    return setup.describe_calibration(pump.position_steps(), pump.book.wall)


def _text(packed: bytes) -> str:
    return binascii.b2a_base64(packed).decode().strip()


def sent(params: dict) -> bytes:
    """Return the bytes that were sent; b"" stands for the nominal calibration."""
    try:
        return binascii.a2b_base64(params["calibration"])
    except ValueError:
        raise Refusal("bad_params", parameter="calibration")


def _check_bench(setup: Setup) -> None:
    if setup.bench is None:
        raise Refusal("alarm_active", alarm="not_commissioned")


def checked(pump: Pump, packed: bytes) -> tuple[Weighed | None, Ceilings | None]:
    """Return (the calibration, None for no bytes; the program's ceilings with it). Refuses whatever must not be set."""
    setup, pair, one, ceilings = pump.setup, None, None, None
    _check_bench(setup)
    if packed:
        one = weighed.unpack(packed)
        weighed.check_near(one, setup.bench.calibration)
        wall = pump.book.wall
        if wall.known() and one.utc_s > wall.utc_s() + S_PER_DAY:
            raise Refusal("calibration_date", asked_utc_s=one.utc_s, limit_utc_s=wall.utc_s() + S_PER_DAY)
        pair = Calibration(one.volume_nl, one.steps)
    if setup.program is not None:
        ceilings = check_program(setup, pair or setup.bench.calibration)
    return one, ceilings


def check_program(setup: Setup, calibration: Calibration) -> Ceilings:
    """Nothing is clamped (R7): if the new calibration puts the program above a ceiling, its author must change the program first."""
    try:
        return limits.check_program(setup.program, setup.bench, calibration)
    except Refusal as refused:
        raise Refusal("calibration_unfit", cause=refused.fault.name, **refused.detail)


def store(pump: Pump, packed: bytes, value: Weighed | None) -> None:
    """Journal, then store, then use it. If JournalError, OSError or StoreError passes, the old one stays."""
    setup = pump.setup
    image, old = own_image(setup), setup.calibration
    image = image.with_new(pump.position_steps(), packed) if value else image.without()
    if value:
        told = (bytes.fromhex(weighed.identity(packed)), value.volume_nl, value.steps, value.utc_s, value.scatter_ppm, value.runs)
    else:
        told = (bytes(weighed.ID_BYTES), setup.bench.calibration.volume_nl, setup.bench.calibration.steps, 0, 0, 0)
    pump.journal.append("calibration_set", told[:1] + (old.volume_nl, old.steps) + told[1:])
    setup.store.save(NAME, weighed.pack_image(image))
    _take(setup, image)


def _take_program(pump: Pump) -> None:
    """Load a program that was left out while the calibration was damaged, because it did not fit the nominal one.

    Its windows are searched in parts after the answer, as at power-up: at once they would hold the loop for seconds.
    """
    setup = pump.setup
    if setup.program is not None:
        return
    try:
        packed = setup.store.load("program")
        if packed:
            programs.take(setup, packed, False)
            pump.alarms.clear_name("program_invalid")
            pump.checking = programs.look_through(pump)
    except (StoreError, Refusal):
        return  # the reason has its own alarm


def _settle_alarms(pump: Pump) -> None:
    for name in ("calibration_expired", "calibration_other_bench"):
        pump.alarms.clear_name(name)
    pump.setup.mended(NAME, pump.alarms.clear_name)
    if pump.setup.law is not None:
        from app.programs import turning

        turning.judge(pump.setup)
    _take_program(pump)
    pump.delivery.watch_calibration(pump.position_steps())
