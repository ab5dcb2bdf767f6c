"""The marks of images in a pump's store (pumpcore.flash.slots): who writes a slot writes its mark; the pump alarms if one is missing."""

from __future__ import annotations

from collections.abc import Mapping

from pumpcore.flash import slots

FOLDER = "/marks"
STORE = "/store"


def slot_paths(name: str) -> list[str]:
    """Return the two places of an image, in the order in which the pump looks."""
    return [f"{STORE}/{name}.{letter}" for letter in slots.LETTERS]


def mark_path(name: str) -> str:
    return f"{FOLDER}/{name}"


def marked(path: str, image: bytes) -> dict[str, bytes]:
    """Return a slot's file and its mark, to write in this order."""
    name = path.rpartition("/")[2].partition(".")[0]
    return {path: image, mark_path(name): slots.pack_mark(name, slots.unpack(image)[0], image)}


def counting(name: str, files: Mapping[str, bytes]) -> tuple[int, bytes, str] | None:
    """Return (sequence, payload, path) of the image that the pump uses, None if it uses none: damaged, older than its mark, or missing."""
    images = [files.get(path, b"") for path in slot_paths(name)]
    try:
        found = slots.judge(name, images, files.get(mark_path(name), b""))
    except ValueError:
        return None
    return None if found is None else (found.sequence, found.payload, slot_paths(name)[found.index])


def next_slot(name: str, files: Mapping[str, bytes]) -> tuple[int, str]:
    """Return (sequence, path) of the next slot: never the place of the newest valid one, never a used number."""
    images = [files.get(path, b"") for path in slot_paths(name)]
    found = slots.newest(images)
    try:
        number = slots.unpack_mark(files.get(mark_path(name), b""))[0]
    except ValueError:
        number = 0
    sequence = max(found.sequence if found else 0, number) + 1
    return sequence, slot_paths(name)[1 - found.index if found else 0]


def missing(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return marks for images without one: a flash adopts a pump whose firmware wrote no marks, once."""
    found = {}
    names = sorted({path.rpartition("/")[2].partition(".")[0] for path in files if path.startswith(STORE + "/")})
    for name in names:
        images = [files.get(path, b"") for path in slot_paths(name)]
        newest = slots.newest(images)
        if newest is not None and not files.get(mark_path(name)):
            found[mark_path(name)] = slots.pack_mark(name, newest.sequence, images[newest.index])
    return found
