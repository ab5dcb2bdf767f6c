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
        sources, lying = manifest.parse(flash.read(PATH))
    except (OSError, ValueError):
        return manifest.release(b""), False
    listed, others = {}, {}
    for path, (deployed, parts) in lying.items():
        actual = _actual(flash, path, listed, imported or {})
        if actual != deployed:
            others.update({part: actual for part in parts})
    if others:
        sources = manifest.replaced(sources, others)
    return manifest.release(sources), not others


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
