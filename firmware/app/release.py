"""Which firmware really runs: every file of the manifest is hashed again at power-up."""

from pumpcore import manifest
from pumpcore.manifest import sha256_hex

PATH = "/manifest"


def check(flash: object) -> tuple:
    """(release digest of what lies on the flash, whether it is what the manifest says). No manifest: of nothing, False.

    A file whose deployed hash is right counts with its source hash; another one with what was found. A .py beside its .mpy is
    what would be imported, and so what is hashed.
    """
    try:
        rows = manifest.parse(flash.read(PATH))
    except (OSError, ValueError):
        return manifest.release([]), False
    found, whole = [], len(rows) > 0
    for path, source, deployed in rows:
        lying = [name for name in manifest.names(path) if flash.exists(name)]
        actual = sha256_hex(flash.read(lying[0])) if lying else sha256_hex(b"")
        whole = whole and actual == deployed
        found.append((path, source if actual == deployed else actual))
    return manifest.release(found), whole
