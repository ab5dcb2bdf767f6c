"""Commissioning: the bench goes into the one of its two slots that does not hold the newest, as the pump itself would do it."""

from __future__ import annotations

from pumpcore import bench, slots
from thecal.bench import Bench, payload
from thecal.errors import BadInput

PATHS = ("/store/bench.a", "/store/bench.b")
TARGET = "rp2"


def require_for_board(wanted: Bench) -> None:
    """BadInput when the bench describes a rig that has no RP2040."""
    if wanted.get("target") != TARGET:
        cause = f"the bench {wanted.get('name')} is for target {wanted.get('target')}, not for a board"
        raise BadInput(cause, f'name a bench file with target = "{TARGET}"')


def newest(images: dict[str, bytes]) -> tuple[int, bytes, str] | None:
    """(sequence, payload, path) of the bench that the pump runs with; None when no slot holds a valid one."""
    found = []
    for path in reversed(PATHS):  # of two with the same sequence the pump takes the second
        try:
            found.append((*slots.unpack(images.get(path, b"")), path))
        except ValueError:
            continue
    return max(found, key=lambda slot: slot[0], default=None)


def to_write(images: dict[str, bytes], wanted: Bench) -> tuple[str, bytes] | None:
    """(path, image) of the slot to write so that the pump runs with this bench; None when it does already."""
    present = newest(images)
    if present is None:
        return PATHS[0], slots.pack(1, payload(wanted))
    sequence, held, path = present
    if held == payload(wanted):
        return None
    return PATHS[1 - PATHS.index(path)], slots.pack(sequence + 1, payload(wanted))


def describe(held: bytes) -> str:
    """Name and calibration of a bench in a slot, for a person."""
    try:
        found = bench.parse(held)
    except bench.BenchError:
        return "a bench that this firmware can't read"
    pair = found.calibration
    return f"{found.name} ({pair.volume_nl} nl per {pair.steps} steps, {pair.state})"
