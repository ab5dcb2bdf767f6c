"""Forget the keys of a board whose key is lost. The board is at its prompt, because somebody held its stop button at power-up.

thecal writes a file that asks for it. The firmware removes the keys at its next start, and writes that into its journal first.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from pumpcore.wire.signing import FORGET_PATH
from thecal.deploy import finding, marks
from thecal.deploy.board import Board
from thecal.deploy.runner import Runner
from thecal.errors import Failed
from thecal.pump import keys
from thecal.pump.client import Client
from thecal.pump.transport.ports import Candidate
from thecal.terminal.console import confirm, talk

DO_HOLD = (
    "unplug it, hold its stop button, plug it in, release the button after 3 s, and try again. "
    "While it runs: thecal key forget, with the same button"
)


def forget(candidate: Candidate, runner: Runner, yes: bool, dry_run: bool) -> dict[str, Any]:
    """Remove the keys of the board at its prompt; ask before. Returns the report. Raises Failed if a pump runs there, or has no keys."""
    seen = finding.look(candidate.port_url)
    if not seen.prompt:
        what = "a pump runs" if seen.hello else "no prompt answers"
        raise Failed(f"{what} on {candidate.port_url}: the keys of a pump are forgotten at its prompt only", DO_HOLD)
    board = Board(candidate.port_url, runner)
    survey = board.survey()
    unique_id = str(survey.facts.get("unique_id"))
    report = {"dry_run": dry_run, "port": candidate.port_url, "unique_id": unique_id}
    if not any(path in survey.files for path in (*marks.slot_paths("keys"), marks.mark_path("keys"))):
        board.reset()
        raise Failed(f"the pump {unique_id} has no keys; it starts again", "draw some: thecal key new")
    talk(f"the pump {unique_id} will forget its keys, and write that into its journal; program, calibration and totals stay")
    if dry_run:
        return report
    confirm("Forget the keys of this pump?", yes)
    with tempfile.TemporaryDirectory(prefix="thecal-") as place:
        (Path(place) / "data").write_bytes(b"forget\n")
        board.put(Path(place) / "data", FORGET_PATH)
    board.reset()
    report["keys"] = keys_after(candidate)
    keys.forget(unique_id)
    return report


def keys_after(candidate: Candidate) -> str:
    """Return the `keys` of the pump's status after its start. Raises Failed if it still has some."""
    found: list[str] = []

    def answered(port_url: str) -> bool:
        with Client(port_url) as client:
            client.hello()
            found.append(str(client.status().get("keys", "none")))
        return True

    finding.await_port(candidate, answered)
    if found[-1] != "none":
        raise Failed(f"the pump still has its keys ({found[-1]})", "see why: thecal alarms, thecal journal")
    return found[-1]
