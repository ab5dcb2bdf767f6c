"""The files on a board, as its own prompt reports them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from thecal.deploy import pack
from thecal.deploy.files import LIBRARY, MANIFEST_PATH

CODE = ("/app", "/hal", "/pumpcore", f"/lib/{LIBRARY}")  # only our files: others than those of this release are removed
DATA = ("/journal", "/ledger", "/store", "/marks")  # the pump's own: backed up, never removed
HASHED = (*CODE, "/main.py", pack.PATH, MANIFEST_PATH, "/ledger", "/store", "/marks")
UNHASHED = "-"


@dataclass(frozen=True)
class Lying:
    """One file; `sha256` is "" if not requested."""

    size_bytes: int
    sha256: str


@dataclass(frozen=True)
class Survey:
    """`facts`: unique_id, machine, mpy, version, free_bytes. `files` and `folders` by absolute path."""

    facts: dict[str, Any]
    files: dict[str, Lying]
    folders: frozenset[str]

    def below(self, roots: Iterable[str]) -> list[str]:
        """Return the files in these folders, sorted."""
        starts = tuple(root + "/" for root in roots)
        return sorted(path for path in self.files if path.startswith(starts))

    def was_a_pump(self) -> bool:
        """Return True if a pump of ours has ever run from this file system: it makes its folders at its start."""
        return any(root in self.folders for root in DATA)


def parse(lines: Iterable[str]) -> Survey:
    """Return a survey from the board's output. Raises ValueError for a malformed line."""
    facts: dict[str, Any] = {}
    files: dict[str, Lying] = {}
    folders: set[str] = set()
    for line in lines:
        kind, _, rest = line.partition(" ")
        if kind == "facts":
            facts = json.loads(rest)
        elif kind == "folder":
            folders.add(rest)
        elif kind == "file":
            size, digest, path = rest.split(" ", 2)
            files[path] = Lying(int(size), "" if digest == UNHASHED else digest)
    if "mpy" not in facts:
        raise ValueError("no facts")
    return Survey(facts, files, frozenset(folders))
