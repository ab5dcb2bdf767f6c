"""What this machine knows of pumps: the simulated ones that run here (written by `thecal sim`, read by `thecal find`), and
the boards that were flashed from here. One small file each."""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
from pathlib import Path

Entry = dict[str, object]


def folder() -> Path:
    """Where the files lie; THECAL_RUNTIME moves it (one simulator farm per test run, for instance)."""
    chosen = os.environ.get("THECAL_RUNTIME")
    if chosen:
        return Path(chosen)
    import platformdirs

    return platformdirs.user_state_path("thecal")


def add(entry: Entry) -> Path:
    """Write this process's entry (keys as `sim.serve` describes a pump). Only its owner can read it: the control port's secret is in it."""
    place = folder() / "simulators"
    place.mkdir(parents=True, exist_ok=True)
    path = place / f"{os.getpid()}.json"
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with open(draft, "w", encoding="utf-8", opener=lambda name, flags: os.open(name, flags | os.O_EXCL, 0o600)) as file:
        json.dump(entry, file)
    draft.replace(path)
    return path


def entries() -> list[Entry]:
    """The simulators that still run; files of dead ones are removed."""
    found = []
    for path in sorted((folder() / "simulators").glob("*.json")):
        entry = read(path)
        if entry is not None and runs(entry):
            found.append(entry)
        else:
            path.unlink(missing_ok=True)
    return found


def read(path: Path) -> Entry | None:
    try:
        entry = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return entry if isinstance(entry, dict) else None


def runs(entry: Entry) -> bool:
    """Whether the simulator's socket still takes connections (a process number says less, and on Windows asking is not safe)."""
    import socket

    host, _, port = str(entry.get("control", "")).rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=0.3).close()
    except (OSError, ValueError):
        return False
    return True


def remember_pump(unique_id: str, facts: Entry) -> None:
    """Keeps what a board was when it was flashed: MicroPython formats a flash that it can't mount, and only the host can notice."""
    place = folder() / "pumps"
    place.mkdir(parents=True, exist_ok=True)
    draft = place / f"{unique_id.lower()}.new"
    draft.write_text(json.dumps(facts), encoding="utf-8")
    draft.replace(_pump_file(unique_id))


def known_pump(unique_id: str) -> Entry | None:
    """What `remember_pump` kept of a board, by the unique id that is also its USB serial number; None when it is new here."""
    return read(_pump_file(unique_id))


def note_stop(port_url: str) -> None:
    """Leave word that `thecal stop` was given for this port: a verb that has the motor in hand begins no further run. Raises OSError."""
    path = _stop_file(port_url)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(secrets.token_hex(8), encoding="utf-8")


def last_stop(port_url: str) -> str:
    """What changes with each stop that was noted for this port; "" while there was none."""
    try:
        return _stop_file(port_url).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""


def _stop_file(port_url: str) -> Path:
    """One for each port: names of one device (by-id, a link) and the two ports of a simulator are one."""
    port = port_url if "://" in port_url else os.path.realpath(port_url)
    for path in (folder() / "simulators").glob("*.json"):
        entry = read(path)
        if entry is not None and port in (entry.get("port"), entry.get("socket")):
            port = str(entry.get("control"))
    return folder() / "stops" / hashlib.sha256(port.encode(errors="surrogateescape")).hexdigest()[:16]


def remember_zone(unique_id: str, facts: Entry) -> None:
    """Keeps by which zone's name this computer set a pump's clock, and when: the pump itself knows the next change only."""
    path = _zone_file(unique_id)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".new")
        draft.write_text(json.dumps(facts), encoding="utf-8")
        draft.replace(path)


def known_zone(unique_id: str) -> Entry | None:
    """What `remember_zone` kept; None when this computer never named the pump's zone."""
    path = _zone_file(unique_id)
    return None if path is None else read(path)


def _zone_file(unique_id: str) -> Path | None:
    """None for an id that is none: it comes from the other end and becomes the name of a file."""
    plain = unique_id.lower()
    return folder() / "zones" / f"{plain}.json" if re.fullmatch("[0-9a-f]{1,64}", plain) else None


def _pump_file(unique_id: str) -> Path:
    return folder() / "pumps" / f"{unique_id.lower()}.json"
