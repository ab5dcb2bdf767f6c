"""What is deployed: a line `path source-sha256` for each source, sorted; an empty line; a line for each file that lies on the pump.

That is `path sha256`, of the source itself or of the .mpy made from it, with the paths of the sources that it is made of behind it
when they are several. The SHA-256 of the first part, as it stands, is the release: every target with the same sources has the same.
"""

from pumpcore.hashes import sha256_hex

_BESIDE_PATH = 66  # characters of a line of the first part: space, digest, line end


def build(files: dict, compiled: dict | None = None, units: dict | None = None) -> bytes:
    """Manifest of {path: source bytes}; `compiled` has, by the same paths, the .mpy of those that are not deployed as they are;
    `units` the path of the file that a source is a part of.

    Paths start with a slash and are those of the sources.
    """
    lying = dict(files)
    lying.update(compiled or {})
    parts, sources, unit_of = {}, [], units or {}
    for path in sorted(files):
        sources.append("%s %s\n" % (path, sha256_hex(files[path])))
        where = unit_of.get(path, path)
        parts[where] = parts.get(where, "") + (" " + path if path in unit_of else "")
    rows = ["%s %s%s\n" % (path, sha256_hex(lying[path]), parts[path]) for path in sorted(parts)]
    return "".join(sources + ["\n"] + rows).encode()


def names(path: str) -> tuple:
    """Where the file of a manifest's path may lie, in the order in which MicroPython's import looks."""
    return path, path[:-3] + ".mpy"


def parse(manifest: bytes) -> tuple:
    """(the sources' lines, {path of what lies on the pump: (its SHA-256, paths of its sources)}). ValueError when it is of another
    form, cut short for instance."""
    at = manifest.find(b"\n\n")
    sources, lying, chars = manifest[: at + 1], {}, 0
    for line in manifest[at + 2 :].decode().split("\n")[:-1]:
        row = line.split(" ")
        if len(row) < 2 or len(row[1]) != 64:
            at = -1
            break
        lying[row[0]] = row[1], row[2:] or row[:1]
        for path in lying[row[0]][1]:
            chars += len(path) + _BESIDE_PATH
    if at < 0 or not lying or chars != len(sources):
        raise ValueError("manifest is not lines of sources and lines of files")
    return sources, lying


def replaced(sources: bytes, digests: dict) -> bytes:
    """The sources' lines with other digests, {path: SHA-256}."""
    lines = [line.split(" ") for line in sources.decode().split("\n")[:-1]]
    return "".join(["%s %s\n" % (path, digests.get(path, digest)) for path, digest in lines]).encode()


def release(sources: bytes) -> str:
    """The release digest, of the sources' lines."""
    return sha256_hex(sources)
