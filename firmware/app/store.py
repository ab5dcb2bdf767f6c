"""Images that must survive anything: program, bench, offset; each in two slots, the older one is overwritten."""

from pumpcore import slots

FOLDER = "/store"


class StoreError(Exception):
    """Slots exist but none of them is valid, or what was written does not read back."""


class Store:
    """Named images in `/store/<name>.a` and `.b`. A cut at any moment leaves the old or the new one."""

    def __init__(self, flash: object) -> None:
        self._flash = flash
        flash.make_folder(FOLDER)

    def load(self, name: str) -> bytes | None:
        """The newest valid image, None when there never was one. StoreError when only damaged slots are there."""
        newest, _, present = self._scan(name)
        if newest is None and present:
            raise StoreError(name)
        return newest[1] if newest else None

    def save(self, name: str, payload: bytes) -> None:
        """Writes the slot that does not hold the newest image and reads it back. OSError or StoreError."""
        newest, spare, _ = self._scan(name)
        image = slots.pack(newest[0] + 1 if newest else 1, payload)
        self._flash.write(spare, image)
        if self._flash.read(spare) != image:
            raise StoreError(name)

    def _scan(self, name: str) -> tuple:
        """(newest (sequence, payload) or None, path to overwrite next, number of slot files)."""
        paths = ["%s/%s.%s" % (FOLDER, name, letter) for letter in "ab"]
        images = [self._read(path) for path in paths]
        first, second = [self._valid(image) for image in images]
        present = 2 - images.count(None)
        if second is None or (first is not None and first[0] > second[0]):
            return first, paths[1] if first else paths[0], present
        return second, paths[0], present

    def _read(self, path: str) -> bytes | None:
        """The slot file's bytes; None when it is not there or empty: a cut may leave a file that was created and not written."""
        return (self._flash.read(path) or None) if self._flash.exists(path) else None

    def _valid(self, image: bytes | None) -> tuple | None:
        if image is None:
            return None
        try:
            return slots.unpack(image)
        except ValueError:
            return None
