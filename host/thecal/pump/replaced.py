"""The program that `thecal run` replaced: this computer keeps it, so that `thecal run --restore` brings it back."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

from thecal.errors import Failed
from thecal.pump.transport import registry

if TYPE_CHECKING:
    from pumpcore.program.plan import Program
    from thecal.pump.facts import PumpFacts

NOTHING = "this computer has no program of this pump to restore"


def remember(pump: PumpFacts, run_digest: str) -> None:
    """Keep the active program before a run replaces it. The program before several runs in a row stays kept. Raises Failed."""
    told: Any = pump.client.program_read()
    kept = registry.known_replaced(pump.client.unique_id) or {}
    packed = kept.get("program") if kept and kept.get("run_digest") == told.get("digest") else told.get("program") or ""
    try:
        registry.remember_replaced(pump.client.unique_id, {"run_digest": run_digest, "program": packed})
    except OSError as error:
        cause = f"the program to be replaced can't be kept on this computer: {error.strerror}"
        raise Failed(cause, "make room, or set THECAL_RUNTIME to a folder that you may write to") from error


def comes_back(pump: PumpFacts) -> str:
    """Return the name of the program that `--restore` would bring back after another run; "" if none."""
    kept = registry.known_replaced(pump.client.unique_id) or {}
    if pump.program is None:
        return ""
    if kept.get("run_digest") != pump.status.get("program_digest"):
        return pump.program.name
    return program_of(packed_of(pump)).name if kept.get("program") else ""


def packed_of(pump: PumpFacts) -> bytes:
    """Return the packed program that the last run replaced. Raises Failed if there is none."""
    kept = registry.known_replaced(pump.client.unique_id) or {}
    try:
        packed = base64.b64decode(str(kept.get("program") or ""), validate=True)
    except (ValueError, binascii.Error):
        packed = b""
    if not packed:
        raise Failed(NOTHING, "upload it from its file: thecal program rx.toml")
    return packed


def program_of(packed: bytes) -> Program:
    """Unpack a kept program. Raises Failed if its file was changed."""
    from pumpcore.faults.faults import Refusal
    from pumpcore.program.packing import unpack

    try:
        return unpack(packed)
    except Refusal as refusal:
        raise Failed(f"{NOTHING}: what it kept is damaged", "upload it from its file: thecal program rx.toml") from refusal
