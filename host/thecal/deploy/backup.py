"""Save the data that only the pump has before any write: both rings of the journal, the ledger, the store."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from thecal.deploy import marks
from thecal.deploy.board import Board, copying
from thecal.deploy.survey import DATA, Survey
from thecal.errors import Failed
from thecal.pump.client import Client
from thecal.terminal.console import Progress

RINGS = ("events", "faults")
STAMP = "%Y%m%dT%H%M%SZ"


def new_folder(chosen: Path | None, identity: str) -> Path:
    """Make an empty folder for this backup: below `chosen`, otherwise below the user's data folder; named by pump and time (UTC)."""
    if chosen is None:
        import platformdirs

        chosen = platformdirs.user_data_path("thecal") / "backups"
    stamp = chosen / (identity or "unknown") / time.strftime(STAMP, time.gmtime())
    for folder in (stamp, *(stamp.with_name(f"{stamp.name}-{count}") for count in range(2, 100))):
        try:
            folder.mkdir(parents=True)
        except FileExistsError:  # another backup in the same second
            continue
        except OSError as error:
            raise Failed(f"{folder} can't be made: {error.strerror}", "name another folder for the backup: --backup FOLDER") from None
        return folder
    raise Failed(f"{stamp} exists already", "try again")


def save_journal(client: Client, folder: Path, about: dict[str, Any]) -> dict[str, int]:
    """Both rings as raw records, `<ring>.journal`, read from the pump by our own protocol, and what it said of itself.

    Returns the last sequence number of each ring.
    """
    lasts = {}
    for ring in RINGS:
        progress = Progress(f"backing up {ring}")
        with (folder / f"{ring}.journal").open("wb") as file:
            lasts[ring] = _read_ring(client, ring, file.write, progress)
        progress.close()
    (folder / "pump.json").write_text(json.dumps({**about, "last_sequences": lasts}, indent=2), encoding="utf-8")
    return lasts


def _read_ring(client: Client, ring: str, write: Any, progress: Progress) -> int:
    first = None
    for reply, raw in client.journal_blocks(ring):
        write(raw)
        first = reply["first_sequence"] if first is None else first
        progress.update(reply["next_sequence"] - first, max(1, reply["last_sequence"] - first + 1))
    return int(reply["last_sequence"])


def save_files(board: Board, survey: Survey, folder: Path, roots: Iterable[str] = DATA) -> list[str]:
    """Save the files below these folders of the board unchanged. Raises Failed if one arrived damaged."""
    # keys stay on the board, which a flash never changes: in a backup everybody could read them
    paths = [path for path in survey.below(roots) if path not in marks.slot_paths("keys")]
    with copying("backing up files", {path: survey.files[path].size_bytes for path in paths}) as moved:
        board.fetch(paths, folder, moved)
    for path in paths:
        if (folder / path[1:]).stat().st_size != survey.files[path].size_bytes:
            raise Failed(f"{path} did not arrive whole; nothing was written to the board", "flash again")
    return paths


def saved(folder: Path, paths: Iterable[str]) -> dict[str, bytes]:
    """Return saved files by their path on the board; missing ones are left out."""
    return {path: (folder / path[1:]).read_bytes() for path in paths if (folder / path[1:]).is_file()}
