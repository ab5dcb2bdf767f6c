"""What is deployed: a line `path sha256` for each source, sorted; an empty line; the same for each file that lies on the pump.

A file that lies there is the source itself or the .mpy made from it, under the path of the source; a file of a library, which is no
source of ours; or, last of all, the pack, which holds what is made of all the other sources. The SHA-256 of the first part, as it
stands, is the release: every target with the same sources has the same. A pump checks all of it before it loads any (main.py).
"""

from pumpcore.units import sha256_hex

LIBRARY = "/lib/"


def build(files: dict, compiled: dict | None = None, pack: tuple | None = None, library: dict | None = None) -> bytes:
    """Manifest of {path: source bytes}; `compiled` has, by the same paths, the .mpy of those that are not deployed as they are.

    `pack`: (path, bytes); then `compiled` has all that lies beside it. `library`: what lies below /lib, in the same way. Paths start with a
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
    """Where the file of a manifest's path may lie, in the order in which MicroPython's import looks."""
    return (path, path[:-3] + ".mpy") if path.endswith(".py") else (path,)


def parse(manifest: bytes) -> tuple:
    """(the sources' lines, {path of what lies on the pump: its SHA-256}). ValueError when it is of another form, cut short for
    instance."""
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
    """The release digest, of the sources' lines."""
    return sha256_hex(sources)
