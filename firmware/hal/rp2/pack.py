"""Imports from one file, the pack, that holds all modules: to find, open and hash a hundred of them is slow.

The pack begins with a line `bytes up to the first module`, five digits; then a line `path first-byte bytes` for each; an empty line;
the modules. Written by `thecal.deploy.pack`.
"""

import errno

import vfs

PATH = "/firmware.pack"
MOUNT = "/p"  # a part of each module's `__file__`
_DIGITS = 5
_FOLDER, _FILE = 0x4000, 0x8000


class Pack:
    """The modules as a file system, as far as imports need one. `head` is its table while the pump starts, else it is read."""

    def __init__(self) -> None:
        self.head = b""

    def mount(self, *options: bool) -> None:
        """Called when it is mounted, and when it is taken away."""

    umount = mount

    def stat(self, path: str) -> tuple:
        head, row = self.head or table(), b"\n" + path.encode()
        found = _FILE if row + b" " in head else _FOLDER if row + b"/" in head else 0
        if not found:
            raise OSError(errno.ENOENT)
        return (found,) + (0,) * 9

    def open(self, path: str, mode: str) -> object:
        """The pack, at the begin of this module: an .mpy tells itself where it ends."""
        head = self.head or table()
        file = open(PATH, "rb")
        file.seek(int(head[head.index(b"\n" + path.encode() + b" ") :].split(None, 2)[1]))
        return file


def table() -> bytes:
    """The head of the pack. OSError when there is none."""
    with open(PATH, "rb") as file:
        return file.read(int(file.read(_DIGITS)) - _DIGITS)


def unmount() -> None:
    """Whoever is at the prompt then sees files only."""
    try:
        vfs.umount(MOUNT)
    except OSError:  # it is not mounted
        return
