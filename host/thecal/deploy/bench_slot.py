"""Commission a board: write the bench into the one of its two slots that does not contain the newest, as the pump itself does."""

from __future__ import annotations

from collections.abc import Mapping

from pumpcore.bench import bench, sensors
from pumpcore.faults import fault_texts
from pumpcore.flash import slots
from thecal.deploy import marks
from thecal.errors import BadInput
from thecal.files.bench import Bench, payload
from thecal.hardware import check
from thecal.quantities.amounts import ml, ml_per_h

NAME = "bench"
PATHS = tuple(marks.slot_paths(NAME))
TARGET = "rp2"


def require_for_board(wanted: Bench) -> None:
    """Raise BadInput unless the bench may go to a board. Nothing overrides that.

    It must describe a rig with an RP2040, no sensor but the rotor's (the pump would refuse it), and break no electrical rule.
    """
    if wanted.get("target") != TARGET:
        cause = f"the bench {wanted.get('name')} is for target {wanted.get('target')}, not for a board"
        raise BadInput(cause, f'name a bench file with target = "{TARGET}"')
    if bench.SENSORS in wanted and not sensors.is_read(wanted):
        cause, do = fault_texts.told("sensor_unsupported")
        raise BadInput(f"{wanted.get('name')}: {cause} (sensor_unsupported)", do)
    check.require_bench(wanted)


def newest(files: Mapping[str, bytes]) -> tuple[int, bytes, str] | None:
    """Return (sequence, payload, path) of the pump's present bench; None if there is none, or it is damaged. `files`: the slots and the
    mark, by their paths; without any mark the flash adopts the pump."""
    return marks.counting(NAME, {**marks.missing(files), **files})


def to_write(files: Mapping[str, bytes], wanted: Bench) -> dict[str, bytes]:
    """Return the slot and its mark to write, in this order; nothing if the pump already runs with this bench."""
    present = newest(files)
    if present is not None and present[1] == payload(wanted):
        return {}
    sequence, path = marks.next_slot(NAME, files)
    return marks.marked(path, slots.pack(sequence, payload(wanted)))


def describe(held: bytes) -> str:
    """Return name, calibration and ceilings of a bench in a slot, for a person."""
    try:
        found = bench.parse(held)
    except bench.BenchError:
        return "a bench that this firmware can't read"
    pair = found.calibration
    most = f"at most {ml_per_h(found.rate_nl, found.rate_seconds_s)}, {ml(found.hour_nl)} an hour, {ml(found.day_nl)} a day"
    return f"{found.name} ({pair.volume_nl} nl per {pair.steps} steps, {pair.state}; {most})"
