"""What is deployed: a line `path sha256` for each source, sorted; an empty line; a line `path sha256 crc32` for each file that lies on
the pump; an empty line, without which the manifest is cut short.

A file that lies there is the source itself, one that was joined from several, or the .mpy made from it, under the path of the source;
a file of a library, which is no source of ours; or the pack, which holds what is made of all the other sources. The SHA-256 of the
first part, as it stands, is the release: every target with the same sources has the same. A pump checks all of it (main.py): the CRC-32
of every file before it loads any, the SHA-256 while it says that it is checking.
"""

import binascii

from pumpcore.units import sha256_hex

LIBRARY = "/lib/"


def build(files: dict, lying: dict | None = None, pack: tuple | None = None, library: dict | None = None) -> bytes:
    """Manifest of {path: source bytes}; `lying` has, by the same paths, what lies on the pump; without it the sources do.

    `pack`: (path, bytes) of the rest. `library`: what lies below /lib, in the same way. Paths start with a slash and are those of the
    sources.
    """
    own = files if lying is None else lying
    library = library or {}
    rows = [(path, own[path]) for path in sorted(own)] + [(path, library[path]) for path in sorted(library)] + ([pack] if pack else [])
    sources = ["%s %s\n" % (path, sha256_hex(files[path])) for path in sorted(files)]
    lines = ["%s %s %08x\n" % (path, sha256_hex(data), binascii.crc32(data)) for path, data in rows]
    return ("".join(sources) + "\n" + "".join(lines) + "\n").encode()


def names(path: str) -> tuple:
    """Where the file of a manifest's path may lie, in the order in which MicroPython's import looks."""
    return (path, path[:-3] + ".mpy") if path.endswith(".py") else (path,)


def parse(manifest: bytes) -> tuple:
    """(the sources' lines, {path of what lies on the pump: its SHA-256}). ValueError when it is of another form, cut short for
    instance."""
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
    """The release digest, of the sources' lines."""
    return sha256_hex(sources)
