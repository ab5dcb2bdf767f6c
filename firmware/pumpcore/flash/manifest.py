"""The manifest: a line `path sha256` for each source, sorted; an empty line; a line `path sha256 crc32` for each file that lies on the
pump; an empty line, which shows that the manifest is whole.

A file on the pump is one of: the source itself, several sources joined, or the .mpy made from them, under the source's path; a library
file, which is not one of our sources; the pack, which holds what is made of all other sources. The release is the SHA-256 of the first
part: the same on every target with the same sources. A pump checks the CRC-32 of every file before it loads any, and the SHA-256 while
`status` says `checking` (main.py).
"""

import binascii

from pumpcore.units import sha256_hex

LIBRARY = "/lib/"


def build(files: dict, lying: dict | None = None, pack: tuple | None = None, library: dict | None = None) -> bytes:
    """Return the manifest of {path: source bytes}. `lying` has the files on the pump, by source path (default: the sources).

    `pack`: (path, bytes) of all that does not lie by itself. `library`: {path: bytes} of the files below /lib. Paths start with a slash
    and are those of the sources.
    """
    own = files if lying is None else lying
    library = library or {}
    rows = [(path, own[path]) for path in sorted(own)] + [(path, library[path]) for path in sorted(library)] + ([pack] if pack else [])
    sources = ["%s %s\n" % (path, sha256_hex(files[path])) for path in sorted(files)]
    lines = ["%s %s %08x\n" % (path, sha256_hex(data), binascii.crc32(data)) for path, data in rows]
    return ("".join(sources) + "\n" + "".join(lines) + "\n").encode()


def names(path: str) -> tuple:
    """Return where the file of a manifest's path may lie, in the order in which MicroPython's import looks."""
    return (path, path[:-3] + ".mpy") if path.endswith(".py") else (path,)


def parse(manifest: bytes) -> tuple:
    """Return (the sources' lines, {path on the pump: SHA-256}). Raises ValueError if the form is wrong or the end is cut off."""
    at = manifest.find(b"\n\n")
    sources, lying, packs = manifest[: at + 1], {}, 0
    for line in manifest[at + 2 : -1].decode().split("\n")[:-1]:
        path, digest, crc = (line + "  ").split(" ")[:3]
        lying[path] = digest
        packs += _is_pack(path)
        if len(digest) != 64 or len(crc) != 8 or packs > 1 or not (_is_pack(path) or path.startswith(LIBRARY) or _is_source(path, sources)):
            at = -1
    if at < 0 or not lying or manifest[-2:] != b"\n\n":
        raise ValueError("manifest is not lines of sources and lines of files")
    return sources, lying


def _is_pack(path: str) -> bool:
    return not path.endswith(".py")


def _is_source(path: str, sources: bytes) -> bool:
    row = path.encode() + b" "
    return sources.startswith(row) or b"\n" + row in sources


def release(sources: bytes) -> str:
    """Return the release: the digest of the sources' lines."""
    return sha256_hex(sources)
