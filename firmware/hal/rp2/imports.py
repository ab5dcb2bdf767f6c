"""Where modules come from: what MicroPython brings stands where it looks first, what is ours lies in one file, the pack."""

import errno
import gc
import sys

import vfs

if 0:  # for the type checker alone
    from hal.ports import BinaryFile, Reader

# --- pack --------------------------------------------------------------------------------------------------------------------
# Imports from one file, the pack, that holds all modules: to find, open and hash a hundred of them is slow.
#
# The pack begins with a line `bytes up to the first module`, five digits; then a line `path first-byte bytes` for each; an empty line;
# the modules. Written by `thecal.deploy.pack`.

PATH = "/firmware.pack"
MOUNT = "/p"  # a part of each module's `__file__`
_DIGITS = 5
_FOLDER, _FILE = 0x4000, 0x8000
_SOURCE, _MODULE = ".py", ".mpy"


class Pack:
    """The modules as a file system, as far as imports need one. Its table is read at the first import, and kept until `let_go`: a command
    that loads ten modules reads it once."""

    def __init__(self) -> None:
        self._head = b""
        self._path, self._at = "", 0  # the module that was found last

    def mount(self, *options: bool) -> None:
        """Called when it is mounted, and when it is taken away."""

    umount = mount

    def stat(self, path: str) -> tuple[int, ...]:
        """An import asks for a folder, a .py and an .mpy, in this order: a look through the table takes milliseconds, so one that can find
        nothing is left out."""
        found = 0
        if path.endswith(_MODULE):
            found = _FILE if self._look(path) else 0
        elif not path.endswith(_SOURCE) and b"\n%s/" % path.encode() in self.head():
            found = _FOLDER
        if not found:
            raise OSError(errno.ENOENT)
        return (found,) + (0,) * 9

    def open(self, path: str, mode: str) -> "Reader":
        """The pack, at the begin of this module: an .mpy tells itself where it ends."""
        if path != self._path and not self._look(path):
            raise OSError(errno.ENOENT)
        file: "BinaryFile" = open(PATH, "rb")
        file.seek(self._at)
        return file

    def _look(self, path: str) -> bool:
        """Whether there is this module; then `open` knows where it begins."""
        head, row = self.head(), b"\n%s " % path.encode()
        at = head.find(row) + len(row)
        if at < len(row):
            return False
        self._path, self._at = path, int(head[at : head.find(b" ", at)])
        return True

    def head(self) -> bytes:
        """The table. OSError when there is none."""
        if not self._head:
            self._head = table()
        return self._head

    def let_go(self) -> None:
        """Gives the table's memory back until the next import."""
        self._head = b""


def table() -> bytes:
    """The head of the pack. OSError when there is none."""
    file: "BinaryFile"
    with open(PATH, "rb") as file:
        return file.read(int(file.read(_DIGITS)) - _DIGITS)


PACK = Pack()


def unmount() -> None:
    """Whoever is at the prompt then sees files only."""
    try:
        vfs.umount(MOUNT)
    except OSError:  # it is not mounted
        return


# --- imports -----------------------------------------------------------------------------------------------------------------
# Where modules come from: what MicroPython brings stands where it looks first, what is ours lies in the pack.

# MicroPython looks for each of these in the file system at every import, which takes milliseconds, unless it is among the loaded ones.
_OWN = "array binascii errno hashlib io json machine os select struct time"


def begin() -> None:
    """From here on modules come from the pack, if there is one."""
    gc.collect()  # what is loaded now stays: it shall lie at the front of memory, and not behind what reading and hashing have left
    _load_own()
    try:
        PACK.head()
    except OSError:
        return
    vfs.mount(PACK, MOUNT)
    sys.path.insert(0, MOUNT)
    for name in ("hal", "hal.rp2"):  # a package remembers where its files are
        place = MOUNT + "/" + name.replace(".", "/")
        sys.modules[name].__path__ = place  # type: ignore[assignment]  # one text in MicroPython


def _load_own() -> None:
    places = sys.path[:]
    sys.path.clear()
    for name in _OWN.split():
        sys.modules[name] = __import__(name)
    sys.path.extend(places)


def built() -> None:
    """The pump is built."""
    PACK.let_go()
