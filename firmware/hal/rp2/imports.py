"""Imports while the pump starts. MicroPython looks four times for each module, and a look in the file system takes milliseconds:
here the looks are answered from a list, and each file is read once, for its hash and to be run."""

import errno
import gc
import hashlib
import io
import os
import sys

import vfs

_MOUNT = "/i"  # a part of each module's `__file__`
_FOLDER, _FILE = 0x4000, 0x8000
_COLLECT_BUILDING_BYTES = 65_536  # from here to System.built nearly all is litter, and a collection takes 75 ms


class _Listed:
    """The mounted file system again, as far as imports need it; what lies in a folder is asked once."""

    def __init__(self) -> None:
        self._folders = {}
        self.digests = {}

    def mount(self, readonly: bool, mkfs: bool) -> None:
        """Called when it is mounted."""

    def umount(self) -> None:
        """Called when it is taken away."""

    def stat(self, path: str) -> tuple:
        at = path.rfind("/")
        kind = self._inside(path[:at]).get(path[at + 1 :])
        if kind is None:
            raise OSError(errno.ENOENT)
        return (kind, 0, 0, 0, 0, 0, 0, 0, 0, 0)

    def _inside(self, folder: str) -> dict:
        if folder not in self._folders:
            there = not folder or self.stat(folder)[0] == _FOLDER
            self._folders[folder] = {entry[0]: entry[1] for entry in os.ilistdir(folder or "/")} if there else {}
        return self._folders[folder]

    def open(self, path: str, mode: str) -> object:
        with open(path, "rb") as file:
            data = file.read()
        self.digests[path] = hashlib.sha256(data).digest()
        return io.BytesIO(data)


_listed = _Listed()


def begin() -> None:
    """From here on imports go by the list."""
    vfs.mount(_listed, _MOUNT)
    sys.path.insert(0, _MOUNT)


def end() -> dict:
    """Imports go by the file system again. {path: SHA-256 of the bytes that were imported from it}."""
    gc.threshold(_COLLECT_BUILDING_BYTES)
    sys.path.remove(_MOUNT)
    vfs.umount(_MOUNT)
    for module in sys.modules.values():  # a package remembers where its files are
        place = getattr(module, "__path__", "")
        if place.startswith(_MOUNT + "/"):
            module.__path__ = place[len(_MOUNT) :]  # type: ignore[assignment]  # one text in MicroPython
    return _listed.digests
