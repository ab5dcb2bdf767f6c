"""Where modules come from: what MicroPython brings stands where it looks first, what is ours lies in the pack."""

import gc
import sys

import vfs

from hal.rp2.pack import MOUNT, PACK

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
