"""Which firmware really runs: every file of the manifest is hashed again at power-up."""

from pumpcore import manifest
from pumpcore.manifest import sha256_hex

PATH = "/manifest"


def check(flash: object) -> tuple:
    """(release digest of what lies on the flash, whether it is what the manifest says). No manifest: of nothing, False.

    A file whose deployed hash is right counts with its source hash; another one with what was found.
    """
    try:
        rows = manifest.parse(flash.read(PATH))
    except (OSError, ValueError):
        return manifest.release([]), False
    found, whole = [], True
    for path, source, deployed in rows:
        actual = sha256_hex(flash.read(path)) if flash.exists(path) else sha256_hex(b"")
        whole = whole and actual == deployed
        found.append((path, source if actual == deployed else actual))
    return manifest.release(found), whole
