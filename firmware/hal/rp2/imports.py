"""Where modules come from: MicroPython's own are preloaded, ours lie in one file, the pack."""

import errno
import gc
import io
import sys

import vfs
from micropython import const

if 0:  # for the type checker alone
    from hal.ports import BinaryFile, Reader

# --- pack --------------------------------------------------------------------------------------------------------------------
# One file holds all modules, because finding, opening and hashing a hundred files is slow.
#
# The pack begins with a line `bytes up to the first module`, five digits; then a line of the folders, each between spaces; then a line
# `path first-byte bytes` for each module; an empty line; the modules. Written by `thecal.deploy.pack`.

PATH = const("/firmware.pack")
MOUNT = const("/p")  # part of each module's `__file__`
_DIGITS = const(5)
_FOLDER = const((0x4000, 0, 0, 0, 0, 0, 0, 0, 0, 0))
_FILE = const((0x8000, 0, 0, 0, 0, 0, 0, 0, 0, 0))
_PART_BYTES = const(8_192)  # a larger module is read from the file itself


class Pack:
    """The modules as a file system, as far as imports need one. The table is read at the first import and kept until `let_go`.

    After `hold` the file stays open too: each open file takes 1.2 kB in the middle of the heap, and a collection to find that takes 20 ms.
    """

    def __init__(self) -> None:
        self._head = b""
        self.rows = 0  # where the rows of the modules begin, after the folders
        self.path, self.at, self.bytes = "", 0, 0  # the module found last
        self.file: "BinaryFile | None" = None
        self.part = bytearray()

    def mount(self, *options: bool) -> None:
        """Called by the mount and the unmount."""

    umount = mount

    def stat(self, path: str) -> tuple[int, ...]:
        """Answer as for a file. An import asks for a folder, a .py and an .mpy, in this order; a path that is no folder counts as a file.
        """
        if path.endswith(".mpy"):
            if self.look(path):
                return _FILE
        elif not path.endswith(".py"):
            return _FOLDER if b" %s " % path.encode() in self.head()[: self.rows] else _FILE
        raise OSError

    def open(self, path: str, mode: str) -> "Reader":
        """Return the pack, positioned at this module: an .mpy knows where it ends."""
        if path != self.path and not self.look(path):
            raise OSError(errno.ENOENT)
        held = self.file if self.bytes <= len(self.part) else None
        file = held or open(PATH, "rb")
        file.seek(self.at)
        if held is None:
            return file
        part = memoryview(self.part)[: self.bytes]
        file.readinto(part)
        return io.BytesIO(part)

    def look(self, path: str) -> bool:
        """Find this module for `open`. Return False if there is none."""
        head, row = self.head(), b"\n%s " % path.encode()
        at = head.find(row) + len(row)
        if at < len(row):
            return False
        first, size = head[at : head.find(b"\n", at)].split(b" ")
        self.path, self.at, self.bytes = path, int(first), int(size)
        return True

    def head(self) -> bytes:
        """Return the table. Raises OSError if there is no pack."""
        if not self._head:
            self._head = table()
            self.rows = self._head.find(b" \n") + 1
        return self._head

    def hold(self) -> None:
        """Keep the file open, because many modules follow.

        Call it after the last mount of the file system: a file that is open across a new mount would be read through the old one.
        """
        if self._head:
            self.part = bytearray(_PART_BYTES)
            self.file = open(PATH, "rb")

    def let_go(self) -> None:
        """Free the memory until the next import."""
        self._head, self.part = b"", bytearray()
        file, self.file = self.file, None
        if file:
            file.close()


def table() -> bytes:
    """Return the head of the pack. Raises OSError if there is no pack."""
    file: "BinaryFile"
    with open(PATH, "rb") as file:
        return file.read(int(file.read(_DIGITS)) - _DIGITS)


PACK = Pack()


def unmount() -> None:
    """Take the pack away, so that somebody at the prompt sees files only."""
    try:
        vfs.umount(MOUNT)
    except OSError:  # it is not mounted
        return


# --- imports -----------------------------------------------------------------------------------------------------------------

# MicroPython looks for each of these in the file system at every import, which takes milliseconds, unless it is loaded already.
_OWN = const("binascii errno hashlib io json machine os select struct time")


def begin() -> None:
    """From here on import modules from the pack, if there is one."""
    gc.collect()  # what is loaded now stays: put it at the front of memory, not after the garbage of reading and hashing
    places = sys.path[:]
    sys.path.clear()
    for name in _OWN.split():
        sys.modules[name] = __import__(name)
    sys.path.extend(places)
    try:
        PACK.head()
    except OSError:
        return
    vfs.mount(PACK, MOUNT)
    sys.path.insert(0, MOUNT)
    for name in ("hal", "hal.rp2"):  # a package remembers where its files are
        place = MOUNT + "/" + name.replace(".", "/")
        sys.modules[name].__path__ = place  # type: ignore[assignment]  # one text in MicroPython
    for folder in PACK.head()[: PACK.rows].decode().split():  # now, at the front of memory, because packages stay
        __import__(folder[1:].replace("/", "."))


def built() -> None:
    """The pump is built: free the table."""
    PACK.let_go()
