"""Where modules come from: what MicroPython brings stands where it looks first, what is ours lies in one file, the pack."""

import errno
import gc
import io
import sys

import vfs
from micropython import const

if 0:  # for the type checker alone
    from hal.ports import BinaryFile, Reader

# --- pack --------------------------------------------------------------------------------------------------------------------
# Imports from one file, the pack, that holds all modules: to find, open and hash a hundred of them is slow.
#
# The pack begins with a line `bytes up to the first module`, five digits; then a line of the folders, each between spaces; then a line
# `path first-byte bytes` for each module; an empty line; the modules. Written by `thecal.deploy.pack`.

PATH = "/firmware.pack"
MOUNT = "/p"  # a part of each module's `__file__`
_DIGITS = const(5)
_FOLDER = (0x4000, 0, 0, 0, 0, 0, 0, 0, 0, 0)
_FILE = (0x8000, 0, 0, 0, 0, 0, 0, 0, 0, 0)
_PART_BYTES = const(8_192)  # a larger module is read from a file of its own


class Pack:
    """The modules as a file system, as far as imports need one. Its table is read at the first import, and kept until `let_go`: a command
    that loads ten modules reads it once. From `hold` on, too, the file stays open: each that is opened takes 1.2 kB, which lie between what
    stays, and a collection looks for them for 20 ms."""

    def __init__(self) -> None:
        self._head = b""
        self._rows = 0  # where they begin: before them stand the folders
        self._path, self._at, self._bytes = "", 0, 0  # the module that was found last
        self._file: "BinaryFile | None" = None
        self._part = bytearray()

    def mount(self, *options: bool) -> None:
        """Called when it is mounted, and when it is taken away."""

    umount = mount

    def stat(self, path: str) -> tuple[int, ...]:
        """An import asks for a folder, a .py and an .mpy, in this order. What is no folder may be a file: it goes on asking."""
        if path.endswith(".mpy"):
            if self._look(path):
                return _FILE
        elif not path.endswith(".py"):
            return _FOLDER if b" %s " % path.encode() in self.head()[: self._rows] else _FILE
        raise OSError

    def open(self, path: str, mode: str) -> "Reader":
        """The pack, at the begin of this module: an .mpy tells itself where it ends."""
        if path != self._path and not self._look(path):
            raise OSError(errno.ENOENT)
        held = self._file if self._bytes <= len(self._part) else None
        file = held or open(PATH, "rb")
        file.seek(self._at)
        if held is None:
            return file
        part = memoryview(self._part)[: self._bytes]
        file.readinto(part)
        return io.BytesIO(part)

    def _look(self, path: str) -> bool:
        """Whether there is this module; then `open` knows where it is."""
        head, row = self.head(), b"\n%s " % path.encode()
        at = head.find(row) + len(row)
        if at < len(row):
            return False
        first, size = head[at : head.find(b"\n", at)].split(b" ")
        self._path, self._at, self._bytes = path, int(first), int(size)
        return True

    def head(self) -> bytes:
        """The table. OSError when there is none."""
        if not self._head:
            self._head = table()
            self._rows = self._head.find(b" \n") + 1
        return self._head

    def hold(self) -> None:
        """Many modules are going to be loaded. To be called when the file system is mounted for good: a file that is open while it is
        mounted anew would be read by what is not there any more."""
        if self._head:
            self._part = bytearray(_PART_BYTES)
            self._file = open(PATH, "rb")

    def let_go(self) -> None:
        """Gives the memory back until the next import."""
        self._head, self._part = b"", bytearray()
        file, self._file = self._file, None
        if file:
            file.close()


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
