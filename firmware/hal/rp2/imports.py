"""Where modules come from: what MicroPython brings stands where it looks first, what is ours lies in the pack."""

import sys

import vfs

from hal.rp2.pack import MOUNT, Pack, table

# MicroPython looks for each of these in the file system at every import, which takes milliseconds, unless it is among the loaded ones.
_OWN = "array binascii errno hashlib io json machine os select struct time"

_pack = Pack()


def begin() -> None:
    """From here on modules come from the pack, if there is one."""
    _load_own()
    try:
        _pack.head = table()
    except OSError:
        return
    _pack.keeps = True
    vfs.mount(_pack, MOUNT)
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
    """The pump is built: what is imported from here on is seldom enough to read the table for it."""
    _pack.keeps, _pack.head = False, b""
