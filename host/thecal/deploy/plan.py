"""The plan of a flash: files to copy, to remove, and to leave alone."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from posixpath import dirname

from thecal.deploy import marks, pack
from thecal.deploy.board import NEW
from thecal.deploy.build import Built
from thecal.deploy.files import MAIN, MANIFEST_PATH, Files
from thecal.deploy.survey import CODE, DATA, Survey
from thecal.errors import Failed
from thecal.terminal.console import columns

BLOCK_BYTES = 4096  # of the board's file system; a small file may take less, never more than this granularity
TOPS = (MAIN, MANIFEST_PATH, pack.PATH)
UNFINISHED = tuple(path + NEW for path in TOPS)
SPARE_BLOCKS = 8  # room for the file system's own work while a file is replaced


@dataclass(frozen=True)
class Plan:
    """Paths on the board. `copied` in the order of copying; `folders` are made, parents first."""

    copied: list[str]
    unchanged: list[str]
    removed: list[str]
    removed_folders: list[str]
    folders: list[str]
    left_alone: list[str]
    manifest_changes: bool

    @property
    def changes(self) -> bool:
        return bool(self.copied or self.removed or self.removed_folders or self.manifest_changes)


def make(built: Built, survey: Survey) -> Plan:
    """Return the difference between the wanted and the present files."""
    copied = [path for path, data in built.files.items() if not _lies(survey, path, data)]
    wanted_folders = _parents(built.files) | {marks.STORE, marks.FOLDER}
    ours = tuple(root + "/" for root in CODE)
    lying = survey.below(CODE) + [path for path in UNFINISHED if path in survey.files]
    strays = [path for path in lying if path not in built.files and path.removesuffix(NEW) not in copied]
    folders = [path for path in survey.folders if path.startswith(ours) and path not in wanted_folders]
    return Plan(
        copied=sorted(copied, key=lambda path: (path == MAIN, dirname(path), path)),
        unchanged=sorted(set(built.files) - set(copied)),
        removed=strays,
        removed_folders=sorted(folders, reverse=True),
        folders=sorted(wanted_folders - survey.folders),
        left_alone=_foreign(survey),
        manifest_changes=not _lies(survey, MANIFEST_PATH, built.manifest),
    )


def require_room(plan: Plan, built: Built, survey: Survey) -> None:
    """Raise Failed before any write if the files do not fit in addition to those that they replace."""
    needed = sum(_blocks(len(built.files[path])) for path in plan.copied) + len(plan.folders) * 2 + SPARE_BLOCKS
    free_bytes = int(survey.facts.get("free_bytes", 0))
    if needed * BLOCK_BYTES > free_bytes:
        cause = f"the board's flash has {free_bytes} bytes free, {needed * BLOCK_BYTES} are needed"
        raise Failed(cause, f"remove files that do not belong to the pump: {', '.join(plan.left_alone) or 'none'}")


def describe(plan: Plan, files: Files) -> str:
    """Format the plan for a person: one line per file that changes."""
    rows = [("copy", path, f"{len(files[path])} bytes") for path in plan.copied]
    rows += [("remove", path, "") for path in (*plan.removed, *plan.removed_folders)]
    rows += [("leave alone", path, _warning(path)) for path in plan.left_alone]
    rows += [("write last", MANIFEST_PATH, "")] if plan.changes else []
    return columns([*rows, ("unchanged", f"{len(plan.unchanged)} files", "")])


def _lies(survey: Survey, path: str, data: bytes) -> bool:
    lying = survey.files.get(path)
    return lying is not None and lying.sha256 == hashlib.sha256(data).hexdigest()


def _parents(files: Files) -> set[str]:
    found = set()
    for path in files:
        folder = dirname(path)
        while folder != "/":
            found.add(folder)
            folder = dirname(folder)
    return found


def _foreign(survey: Survey) -> list[str]:
    """Return foreign files at the top."""
    known = {"/lib", *TOPS, *UNFINISHED, *DATA, *CODE}
    tops = {"/" + path.split("/")[1] for path in (*survey.files, *survey.folders)}
    return sorted(tops - known)


def _warning(path: str) -> str:
    return "runs before the pump at every start: remove it unless you know why it is there" if path == "/boot.py" else "not the pump's"


def _blocks(size_bytes: int) -> int:
    return -(-size_bytes // BLOCK_BYTES)
