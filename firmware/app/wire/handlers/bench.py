"""Handler of bench.set: other ceilings on a stopped pump. Raising one needs the stop button, held by a person at the pump (R5)."""

from app.programs import programs
from app.pump import Pump
from app.wire.handlers import held
from pumpcore.bench import bench
from pumpcore.faults.faults import Refusal
from pumpcore.limits import limits

if 0:  # for the type checker alone
    from app.types import Ceilings, Setup

_NAMES = ("rate_nl", "rate_seconds_s", "hour_nl", "day_nl")


def bench_set(pump: Pump, params: dict) -> dict:
    """Set the ceilings, journaled before they are stored. While a raise waits for the stop button, nothing changes: ask again until `done`.

    Windows and counts stay. Refusals `alarm_active` without a bench, `in_maintenance`, `not_stopped`, `bench_unfit` if the active program
    does not fit, `button_not_held` after 60 s.
    """
    setup = pump.setup
    if setup.bench is None:
        raise Refusal("alarm_active", alarm="not_commissioned")
    if pump.board.system.maintenance_requested:
        raise Refusal("in_maintenance")
    if not pump.idle():
        raise Refusal("not_stopped", state=pump.state())
    old, new = [getattr(setup.bench, name) for name in _NAMES], [params[name] for name in _NAMES]
    if old == new:
        return held.answer(True)
    packed, ceilings = _checked(setup, new)
    raises = new[0] * old[1] > old[0] * new[1] or new[2] > old[2] or new[3] > old[3]
    if raises:
        waiting = held.wait(pump, new)
        if waiting:
            return waiting
    pump.journal.append("bench_set", tuple(old + new + [int(raises)]))
    setup.store.save("bench", packed)
    for name, value in zip(_NAMES, new):
        setattr(setup.bench, name, value)
    programs.recalibrated(setup, ceilings)
    return held.answer(True)


def _checked(setup: "Setup", new: "list[int]") -> "tuple[bytes, Ceilings | None]":
    """Return the bytes of the slot with these ceilings, and those of the active program under them. All other bytes stay as deployed."""
    packed = setup.store.load("bench")
    begin = packed.index(b"{", packed.index(b'"ceilings"')) + 1
    ceilings = b'"day_nl":%d,"hour_nl":%d,"rate_nl":%d,"rate_seconds_s":%d' % (new[3], new[2], new[0], new[1])
    packed = packed[:begin] + ceilings + packed[packed.index(b"}", begin) :]
    made = bench.parse(packed)
    if [getattr(made, name) for name in _NAMES] != new:
        raise Refusal("bad_params", parameter="ceilings")
    if setup.program is None:
        return packed, None
    try:
        return packed, limits.check_program(setup.program, made, setup.calibration)
    except Refusal as refused:
        raise Refusal("bench_unfit", cause=refused.fault.name, **refused.detail)
