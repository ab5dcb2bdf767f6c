"""Which firmware really runs: every file of the manifest is hashed again at power-up."""

import binascii
import hashlib

from pumpcore import manifest
from pumpcore.hashes import sha256_hex

PATH = "/manifest"
_PART_BYTES = 4096


def check(flash: object) -> tuple:
    """(release digest of what lies on the flash, whether it is what the manifest says). No manifest: of nothing, False.

    A file whose deployed hash is right counts with its source hash, and so do its parts; another one with what was found. A .py
    beside its .mpy is what would be imported, and so what is hashed.
    """
    try:
        sources, lying = manifest.parse(flash.read(PATH))
    except (OSError, ValueError):
        return manifest.release(b""), False
    listed, others = {}, {}
    for path in lying:
        actual = _actual(flash, path, listed)
        if actual != lying[path]:
            others.update({part: actual for part in manifest.parts(path, sources, lying)})
    return manifest.release(sources, others), not others


def _actual(flash: object, path: str, listed: dict) -> str:
    """SHA-256 of what an import of this path would load, of b"" when there is nothing. `listed` keeps the names of each folder: a
    look-up in the file system costs milliseconds."""
    folder = path[: path.rindex("/")]
    if folder not in listed:
        listed[folder] = flash.names(folder or "/")
    for name in manifest.names(path):
        if name[len(folder) + 1 :] in listed[folder]:
            return _sha256_hex(flash.open(name))
    return sha256_hex(b"")


def _sha256_hex(file: object) -> str:
    """Of a file that may be larger than what is free. Closes it."""
    found, part = hashlib.sha256(), bytearray(_PART_BYTES)
    with file:
        length = file.readinto(part)
        while length:
            found.update(memoryview(part)[:length])
            length = file.readinto(part)
    return binascii.hexlify(found.digest()).decode()
