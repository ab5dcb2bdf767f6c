"""The pack: one file for all modules of the firmware, as `hal.rp2.imports` reads it.

It begins with the number of bytes up to the first module, in five digits and a line end; then a line of the folders, each between
spaces; then a line `path first-byte bytes` for each module; an empty line; the modules.
"""

from __future__ import annotations

from pathlib import PurePosixPath

from thecal.deploy.files import Files

PATH = "/firmware.pack"
_HEAD = "%05d\n"


def pack(modules: Files) -> bytes:
    """The pack of {path: .mpy}."""
    rows = _rows(modules, 0)
    head = _rows(modules, len(rows))
    while len(head) != len(rows):  # the numbers in it may be of more digits than those that it was measured with
        rows, head = head, _rows(modules, len(head))
    return head + b"".join(modules[path] for path in sorted(modules))


def unpack(data: bytes) -> Files:
    """{path: .mpy} of a pack. ValueError when it is none."""
    end = int(data[:5])
    found = {}
    for line in data[6 : end - 1].decode().splitlines()[1:]:
        path, begin, length = line.split(" ")
        if int(begin) != end:
            raise ValueError("the modules of the pack do not follow each other")
        end += int(length)
        found[path] = data[int(begin) : end]
    if end != len(data):
        raise ValueError("the table of the pack is not of its modules")
    return found


def _rows(modules: Files, first: int) -> bytes:
    """The head of a pack whose first module begins at this byte."""
    folders = sorted({folder.as_posix() for path in modules for folder in PurePosixPath(path).parents} - {"/"})
    text, at = _HEAD % first + f" {' '.join(folders)} \n", first
    for path in sorted(modules):
        text += f"{path} {at} {len(modules[path])}\n"
        at += len(modules[path])
    return text.encode() + b"\n"
