"""What is deployed: one line per file, `path source-sha256 deployed-sha256`, sorted; its source column's SHA-256 is the release.

The second column is the hash of what lies on the pump: the same for a source file, another for the .mpy made from it.
It is outside the release digest, so every target with the same sources has the same release.
"""

import binascii
import hashlib


def sha256_hex(data: bytes) -> str:
    """SHA-256 as 64 hex digits."""
    return binascii.hexlify(hashlib.sha256(data).digest()).decode()


def build(files: dict) -> bytes:
    """Manifest of {path: source bytes} that are deployed as they are. Paths start with a slash."""
    rows = []
    for path in sorted(files):
        digest = sha256_hex(files[path])
        rows.append("%s %s %s\n" % (path, digest, digest))
    return "".join(rows).encode()


def parse(manifest: bytes) -> list:
    """[(path, source_sha256, deployed_sha256)]; ValueError when a line is not of that form."""
    rows = []
    for line in manifest.decode().split("\n"):
        if not line:
            continue
        row = tuple(line.split(" "))
        if len(row) != 3 or len(row[1]) != 64 or len(row[2]) != 64:
            raise ValueError("manifest line is not path, hash, hash")
        rows.append(row)
    return rows


def release(rows: list) -> str:
    """The release digest: SHA-256 over the sorted `path source-sha256` lines."""
    text = "".join(["%s %s\n" % (row[0], row[1]) for row in sorted(rows)])
    return sha256_hex(text.encode())
