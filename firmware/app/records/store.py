"""Images that must survive everything: program, bench, offset. Each has two slots and a mark.

A write replaces the older slot. The mark, in another folder, says which slot is the newest.
"""

import errno

from pumpcore.flash import slots
from pumpcore.units import const

if 0:  # for the type checker alone
    from app.types import Flash

STORE = const("/store")
MARKS = const("/marks")
_UNREADABLE = const(b"?")  # a folder, or blocks that the file system can't read: not valid, but not missing


class StoreError(Exception):
    """An image is damaged or outdated, or a write does not read back."""


class Store:
    """Named images in `/store/<name>.a` and `.b`, marks in `/marks/<name>`. A cut at any moment leaves the old image or the new one.

    `failed`: the flash refused a folder or a mark. `before_write` is called before each write: the motor may be running.
    """

    def __init__(self, flash: "Flash") -> None:
        self.flash = flash
        self.failed = False
        self.before_write = _nothing
        for folder in (STORE, MARKS):
            try:
                flash.make_folder(folder)
            except OSError:
                self.failed = True

    def load(self, name: str) -> bytes | None:
        """Return the newest image, None if there never was one. Raises StoreError if it is damaged or outdated."""
        images, mark = self.read(name)
        try:
            found = slots.judge(name, images, mark)
        except ValueError:
            raise StoreError(name)
        if found is None:
            return None
        if found.sequence > slots.unpack_mark(mark)[0]:  # the power failed before its mark was written
            try:
                self.mark(name, found.sequence, images[found.index])
            except (OSError, StoreError):
                self.failed = True
        return found.payload

    def holds(self, name: str) -> bool:
        """Return True if a slot of this image exists, damaged or not."""
        return any(self.read(name)[0])

    def save(self, name: str, payload: bytes) -> None:
        """Write the older slot, read it back, then write the mark. Raises OSError or StoreError."""
        sequence, index = self._next(name)
        image = slots.parts(sequence, payload)
        self.write(self._paths(name)[index], image, name)
        self.mark(name, sequence, image)

    def _next(self, name: str) -> tuple[int, int]:
        """Return (sequence, slot) of the next image. The slots are read in small parts: a program's two have 8 kB."""
        first, second = [self._sequence(path) for path in self._paths(name)]
        try:
            marked = slots.unpack_mark(self.bytes("%s/%s" % (MARKS, name)))[0]
        except ValueError:
            marked = 0
        return max(first, second, marked) + 1, int(first > second)

    def _sequence(self, path: str) -> int:
        try:
            with self.flash.open(path) as file:
                return slots.sequence_in(file)
        except OSError:
            return 0

    def mark(self, name: str, sequence: int, packed: "bytes | list[bytes]") -> None:
        self.write("%s/%s" % (MARKS, name), [slots.pack_mark(name, sequence, packed)], name)

    def write(self, path: str, image: list[bytes], name: str) -> None:
        self.before_write()
        self.flash.write(path, image)
        with self.flash.open(path) as file:
            if not slots.holds(file, image):
                raise StoreError(name)

    def _paths(self, name: str) -> list[str]:
        return ["%s/%s.%s" % (STORE, name, letter) for letter in slots.LETTERS]

    def read(self, name: str) -> tuple[list[bytes], bytes]:
        """Return ([bytes of each slot], bytes of the mark); b"" for a file that is missing or empty.

        A power cut may leave a file that was created and not written.
        """
        return [self.bytes(path) for path in self._paths(name)], self.bytes("%s/%s" % (MARKS, name))

    def bytes(self, path: str) -> bytes:
        try:
            return self.flash.read(path)
        except OSError as error:
            return b"" if error.errno == errno.ENOENT else _UNREADABLE


def _nothing() -> None:
    pass
