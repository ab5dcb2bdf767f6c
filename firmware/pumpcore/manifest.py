"""What is deployed: one line per file, `path source-sha256 deployed-sha256`, sorted; its source column's SHA-256 is the release.

The second column is the hash of what lies on the pump: the same for a source file, another for the .mpy made from it; for a source
that became a part of another file it is that one's path. It is outside the release digest, so every target with the same sources
has the same release.
"""

import binascii
import hashlib

from pumpcore.hashes import sha256_hex


def build(files: dict, compiled: dict | None = None, units: dict | None = None) -> bytes:
    """Manifest of {path: source bytes}; `compiled` has, by the same paths, the .mpy of those that are not deployed as they are;
    `units` the path of the file that a source is a part of.

    Paths start with a slash and are those of the sources.
    """
    units = units or {}
    lying = dict(files)
    lying.update(compiled or {})
    rows = []
    for path in sorted(files):
        where = units.get(path, path)
        rows.append("%s %s %s\n" % (path, sha256_hex(files[path]), where if where != path else sha256_hex(lying[path])))
    return "".join(rows).encode()


def names(path: str) -> tuple:
    """Where the file of a manifest's path may lie, in the order in which MicroPython's import looks."""
    return path, path[:-3] + ".mpy"


def parse(manifest: bytes) -> list:
    """[(path, source_sha256, deployed_sha256 or path)]; ValueError when a line is not of that form."""
    rows = []
    for line in manifest.decode().split("\n"):
        if not line:
            continue
        row = tuple(line.split(" "))
        if len(row) != 3 or len(row[1]) != 64 or (len(row[2]) != 64 and row[2][0] != "/"):
            raise ValueError("manifest line is not path, hash, hash")
        rows.append(row)
    return rows


def release(rows: list) -> str:
    """The release digest: SHA-256 over the sorted `path source-sha256` lines."""
    digest = hashlib.sha256()
    for row in sorted(rows):
        digest.update(("%s %s\n" % (row[0], row[1])).encode())
    return binascii.hexlify(digest.digest()).decode()
