"""Which firmware really runs: every file of the manifest is hashed again at power-up."""

import binascii

from pumpcore import manifest
from pumpcore.hashes import sha256_hex

PATH = "/manifest"


def check(flash: object, imported: dict | None = None) -> tuple:
    """(release digest of what lies on the flash, whether it is what the manifest says). No manifest: of nothing, False.

    A file whose deployed hash is right counts with its source hash, and so do its parts; another one with what was found. A .py
    beside its .mpy is what would be imported, and so what is hashed. `imported`: SHA-256 of the bytes that were run, by their path;
    those files are not read again.
    """
    try:
        rows = manifest.parse(flash.read(PATH))
    except (OSError, ValueError):
        return manifest.release([]), False
    lying = {row[0]: row[2] for row in rows}
    found, whole, listed, seen = [], len(rows) > 0, {}, {}
    for path, source, deployed in rows:
        place = deployed if deployed in lying else path  # of a part: where its unit lies
        if place not in seen:
            seen[place] = _actual(flash, place, listed, imported or {})
        whole = whole and seen[place] == lying[place]
        found.append((path, source if seen[place] == lying[place] else seen[place]))
    return manifest.release(found), whole


def _actual(flash: object, path: str, listed: dict, imported: dict) -> str:
    """SHA-256 of what an import of this path would load or has loaded, of b"" when there is nothing. `listed` keeps the names of
    each folder: a look-up in the file system costs milliseconds, twice for a hundred files."""
    folder = path[: path.rindex("/")]
    if folder not in listed:
        listed[folder] = flash.names(folder or "/")
    for name in manifest.names(path):
        if name[len(folder) + 1 :] in listed[folder]:
            return binascii.hexlify(imported[name]).decode() if name in imported else sha256_hex(flash.read(name))
    return sha256_hex(b"")
