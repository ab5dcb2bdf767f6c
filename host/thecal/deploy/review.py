"""The review that the user reads before a board is written."""

from __future__ import annotations

import time
from typing import Any

from thecal.deploy.bench_slot import describe
from thecal.deploy.build import Built
from thecal.deploy.finding import Seen
from thecal.errors import BadInput
from thecal.files.bench import Bench, payload
from thecal.terminal.console import columns

IDLE = ("stopped", "alarm", "maintenance")


def of_pump(port_url: str, seen: Seen, built: Built, bench: Bench | None) -> str:
    """Describe a pump as it is, and as it will be."""
    hello, status = seen.hello or {}, seen.status or {}
    pair = status.get("calibration") or {}
    now = f"{hello.get('bench') or 'none'} ({pair.get('volume_nl')} nl per {pair.get('steps')} steps, {pair.get('state')})"
    rows = [
        ("", "now", "then"),
        ("port", port_url, ""),
        ("pump", str(hello.get("unique_id")), ""),
        ("state", str(status.get("state")), "stopped"),
        ("program", str(status.get("program_name") or "none"), "the same"),
        ("release", str(hello.get("release"))[:12], built.release[:12]),
        ("bench", now, describe(payload(bench)) if bench else "the same"),
    ]
    return columns(rows)


def unknown_files(hello: dict[str, Any], built: Built) -> str:
    """Describe the plan for a pump in a dry run, without disturbing it."""
    if hello.get("release") == built.release:
        return f"the pump has this release already; thecal would compare its {len(built.files)} files and copy those that differ"
    return f"thecal would compare {len(built.files)} files with those in the pump and copy those that differ"


def bench_change(held: bytes, bench: Bench) -> str:
    return columns([("bench now", describe(held)), ("bench then", describe(payload(bench)))])


def formatted(known: dict[str, object]) -> str:
    """Describe a board that this computer knows as a pump, and whose file system is new."""
    flashed_s = known.get("flashed_utc_s")
    when = time.strftime("%Y-%m-%d", time.gmtime(flashed_s)) if isinstance(flashed_s, int) else "an earlier day"
    return (
        f"this board was a pump (bench {known.get('bench')}, flashed on {when}) and its file system is empty now: it was formatted."
        " Its journal, ledger and program are gone from the board; older backups are unchanged"
    )


def no_bench() -> BadInput:
    do = "name its bench file: BENCH=hardware/NAME.toml (thecal flash --bench)"
    return BadInput("this board has no bench, and you named none", do)
