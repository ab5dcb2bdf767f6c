"""Images that must survive anything: program, bench, offset; each in two slots, the older one is overwritten, and a mark in another
folder that says which slot is the newest."""

import errno

from pumpcore.flash import slots

if 0:  # for the type checker alone
    from app.types import Flash

FOLDER = "/store"
MARKS = "/marks"


class StoreError(Exception):
    """An image is damaged, or is not the newest that was stored, or what was written does not read back."""


class Store:
    """Named images in `/store/<name>.a` and `.b`, marks in `/marks/<name>`. A cut at any moment leaves the old image or the new one.

    `failed` says that the flash refused a folder or a mark. `before_write` is called before each write: the motor may be running.
    """

    def __init__(self, flash: "Flash") -> None:
        self._flash = flash
        self.failed = False
        self.before_write = _nothing
        for folder in (FOLDER, MARKS):
            try:
                flash.make_folder(folder)
            except OSError:
                self.failed = True

    def load(self, name: str) -> bytes | None:
        """The image that counts, None when there never was one. StoreError when it is damaged or an older one."""
        images, mark = self._read(name)
        try:
            found = slots.judge(name, images, mark)
        except ValueError:
            raise StoreError(name)
        if found is None:
            return None
        if found[0] > slots.unpack_mark(mark)[0]:  # a cut came before its mark
            try:
                self._mark(name, found[0], images[found[2]])
            except (OSError, StoreError):
                self.failed = True
        return found[1]

    def holds(self, name: str) -> bool:
        """Whether a slot of this image is there, damaged or not."""
        return any(self._read(name)[0])

    def save(self, name: str, payload: bytes) -> None:
        """Writes the slot that does not hold the newest image and reads it back, then its mark. OSError or StoreError."""
        sequence, index = self._next(name)
        image = slots.pack(sequence, payload)
        self._write(self._paths(name)[index], image, name)
        self._mark(name, sequence, image)

    def _next(self, name: str) -> tuple[int, int]:
        """(sequence, slot) of the next image. What it has read is given back before that is made: both slots of a program have 8 kB."""
        images, mark = self._read(name)
        found = slots.newest(images)
        try:
            marked = slots.unpack_mark(mark)[0]
        except ValueError:
            marked = 0
        return max(found[0] if found else 0, marked) + 1, 1 - found[2] if found else 0

    def _mark(self, name: str, sequence: int, image: bytes) -> None:
        self._write("%s/%s" % (MARKS, name), slots.pack_mark(name, sequence, image), name)

    def _write(self, path: str, data: bytes, name: str) -> None:
        self.before_write()
        self._flash.write(path, data)
        if self._flash.read(path) != data:
            raise StoreError(name)

    def _paths(self, name: str) -> list[str]:
        return ["%s/%s.%s" % (FOLDER, name, letter) for letter in slots.LETTERS]

    def _read(self, name: str) -> tuple[list[bytes], bytes]:
        """([bytes of each slot], bytes of the mark); b"" of a file that is not there, or empty: a cut may leave one that was created
        and not written."""
        return [self._bytes(path) for path in self._paths(name)], self._bytes("%s/%s" % (MARKS, name))

    def _bytes(self, path: str) -> bytes:
        try:
            return self._flash.read(path)
        except OSError as error:
            return b"" if error.errno == errno.ENOENT else _UNREADABLE


_UNREADABLE = b"?"  # a folder, or blocks that the file system can't read: not valid, and not nothing


def _nothing() -> None:
    pass
