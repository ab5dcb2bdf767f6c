"""Text that belongs to one machine and not to the project: paths of a home folder, hosts of a package index."""

import re

from house_rules.tree import ROOT, tracked_paths

BINARY_SUFFIXES = (".png", ".jpg", ".gif", ".ico", ".bin", ".uf2", ".wasm", ".mpy", ".pdf", ".gz", ".zip", ".stl")

# Written in pieces, so that this file does not contain what it looks for.
PATTERNS = {
    "a path of one machine": re.compile(r"/(ro" r"ot|ho" r"me/\w+|Us" r"ers/\w+|wo" r"rk/(main|shared)|opt/py\w+)/"),
    "a Windows home folder": re.compile(r"[A-Z]:\\\\?Us" r"ers\\"),
    "a package index": re.compile(
        r"(--(extra-)?index" r"-url|--trusted" r"-host|--find" r"-links|pypi\.\w+|python" r"hosted|/sim" r"ple/)"
    ),
}


def text_violations(path: str, text: str) -> list[str]:
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        found += [f"{path}:{number}: {what}: {match.group()}" for what, pattern in PATTERNS.items() if (match := pattern.search(line))]
    return found


def violations() -> list[str]:
    found = []
    for path in tracked_paths():
        if not path.endswith(BINARY_SUFFIXES):
            found += text_violations(path, (ROOT / path).read_text(encoding="utf-8"))
    return found
