"""The manifest: a line `path sha256` for each source, sorted; an empty line; the same for each file that lies on the pump.

A file on the pump is one of: the source itself, or the .mpy made from it, under the source's path; a library file, which is not one of our
sources; the pack (last), which holds what is made of all other sources. The release is the SHA-256 of the first part: the same on every
target with the same sources. A pump checks the whole manifest before it loads any file (main.py).
"""

from pumpcore.units import sha256_hex

LIBRARY = "/lib/"


def build(files: dict, compiled: dict | None = None, pack: tuple | None = None, library: dict | None = None) -> bytes:
    """Return the manifest of {path: source bytes}. `compiled` has the .mpy, by source path, of the files that are deployed compiled.

    `pack`: (path, bytes); then `compiled` has every file beside it. `library`: {path: bytes} of the files below /lib. Paths start with a
    slash and are those of the sources.
    """
    lying = dict(compiled or {})
    if pack is None:
        lying = {path: lying.get(path, files[path]) for path in files}
    rows = [(path, files[path]) for path in sorted(files)] + [None] + [(path, lying[path]) for path in sorted(lying)]
    rows += [(path, library[path]) for path in sorted(library or {})]
    return b"".join([_line(*row) if row else b"\n" for row in rows + ([pack] if pack else [])])


def _line(path: str, data: bytes) -> bytes:
    return ("%s %s\n" % (path, sha256_hex(data))).encode()


def names(path: str) -> tuple:
    """Return where the file of a manifest's path may lie, in the order in which MicroPython's import looks."""
    return (path, path[:-3] + ".mpy") if path.endswith(".py") else (path,)


def parse(manifest: bytes) -> tuple:
    """Return (the sources' lines, {path on the pump: SHA-256}). Raises ValueError if the form is wrong or the end is cut off."""
    at = manifest.find(b"\n\n")
    sources, lying, packs, foreign = manifest[: at + 1], {}, 0, 0
    for line in manifest[at + 2 :].decode().split("\n")[:-1]:
        path, _, digest = line.partition(" ")
        lying[path] = digest
        packs += _is_pack(path)
        foreign += path.startswith(LIBRARY)
        if len(digest) != 64 or packs > 1 or not (_is_pack(path) or path.startswith(LIBRARY) or _is_source(path, sources)):
            at = -1
    own = len(lying) - packs - foreign
    if at < 0 or manifest[-1:] != b"\n" or not (packs or own == sources.count(b"\n")):
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
