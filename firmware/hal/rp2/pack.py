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
_LAST = ".mpy"  # MicroPython looks for a folder, for NAME.py, for NAME.mpy


class Pack:
    """The modules as a file system, as far as imports need one. MicroPython looks for a module three times before it opens it: `head`, the
    pack's table, stays from the first of these looks to the last; while the pump starts (`keeps`) it stays for all modules."""

    def __init__(self) -> None:
        self.head = b""
        self.keeps = False

    def mount(self, *options: bool) -> None:
        """Called when it is mounted, and when it is taken away."""

    umount = mount

    def stat(self, path: str) -> tuple:
        self.head, row = self.head or table(), b"\n" + path.encode()
        found = _FILE if row + b" " in self.head else _FOLDER if row + b"/" in self.head else 0
        if not found:
            if path.endswith(_LAST):
                self._let_go()
            raise OSError(errno.ENOENT)
        return (found,) + (0,) * 9

    def open(self, path: str, mode: str) -> object:
        """The pack, at the begin of this module: an .mpy tells itself where it ends."""
        head = self.head or table()
        self._let_go()
        file = open(PATH, "rb")
        file.seek(int(head[head.index(b"\n" + path.encode() + b" ") :].split(None, 2)[1]))
        return file

    def _let_go(self) -> None:
        if not self.keeps:
            self.head = b""


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
