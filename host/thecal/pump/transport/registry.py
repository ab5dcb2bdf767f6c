"""The pumps known to this computer: its simulators (written by `thecal sim`, read by `thecal find`), and the boards that it flashed. One
small file each."""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
from pathlib import Path

Entry = dict[str, object]


def folder() -> Path:
    """Return the folder of the files; THECAL_RUNTIME overrides it (one set of simulators per test run, for instance)."""
    chosen = os.environ.get("THECAL_RUNTIME")
    if chosen:
        return Path(chosen)
    import platformdirs

    return platformdirs.user_state_path("thecal")


def add(entry: Entry, which: str = "1") -> Path:
    """Write the entry of one of this process's simulators (keys as in `sim.served`). Only its owner can read it, because it contains the
    control port's secret."""
    place = folder() / "simulators"
    place.mkdir(parents=True, exist_ok=True)
    path = place / f"{os.getpid()}-{which}.json"
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with open(draft, "w", encoding="utf-8", opener=lambda name, flags: os.open(name, flags | os.O_EXCL, 0o600)) as file:
        json.dump(entry, file)
    draft.replace(path)
    return path


def entries() -> list[Entry]:
    """Return the simulators that still run; remove the files of the others."""
    found = []
    for path in sorted((folder() / "simulators").glob("*.json")):
        entry = read(path)
        if entry is not None and runs(entry):
            found.append(entry)
        else:
            path.unlink(missing_ok=True)
    return found


def read(path: Path) -> Entry | None:
    """Return an entry of the registry; None if it can't be read."""
    try:
        entry = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return entry if isinstance(entry, dict) else None


def keep(path: Path | None, facts: Entry) -> None:
    """Write a file whole or not at all; nothing without a path. Raises OSError."""
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".new")
        draft.write_text(json.dumps(facts), encoding="utf-8")
        draft.replace(path)


def runs(entry: Entry) -> bool:
    """Return True if the simulator's socket accepts connections (a process number proves less, and on Windows the test is not safe)."""
    import socket

    host, _, port = str(entry.get("control", "")).rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=0.3).close()
    except (OSError, ValueError):
        return False
    return True


def remember_pump(unique_id: str, facts: Entry) -> None:
    """Remember a flashed board: MicroPython formats a flash that it can't mount, and only the host can notice."""
    keep(_pump_file(unique_id), facts)


def known_pump(unique_id: str) -> Entry | None:
    """Return the data of `remember_pump` by the unique id, which is also the USB serial number; None for a new board."""
    return read(_pump_file(unique_id))


def note_stop(port_url: str) -> None:
    """Note a `thecal stop` for this port, so that a verb that runs the motor begins no further run. Raises OSError."""
    path = _stop_file(port_url)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(secrets.token_hex(8), encoding="utf-8")


def last_stop(port_url: str) -> str:
    """Return a text that changes with each noted stop of this port; "" if there was none."""
    try:
        return _stop_file(port_url).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""


def _stop_file(port_url: str) -> Path:
    """Return one key per pump: several names of one device (by-id, a link) and the two ports of a simulator give the same key."""
    port = port_url if "://" in port_url else os.path.realpath(port_url)
    for path in (folder() / "simulators").glob("*.json"):
        entry = read(path)
        if entry is not None and port in (entry.get("port"), entry.get("socket")):
            port = str(entry.get("control"))
    return folder() / "stops" / hashlib.sha256(port.encode(errors="surrogateescape")).hexdigest()[:16]


def remember_zone(unique_id: str, facts: Entry) -> None:
    """Remember the zone name with which this computer set a pump's clock, and when: the pump itself stores only the next change."""
    keep(_zone_file(unique_id), facts)


def known_zone(unique_id: str) -> Entry | None:
    """Return the data of `remember_zone`; None if this computer never set the pump's zone."""
    path = _zone_file(unique_id)
    return None if path is None else read(path)


def remember_replaced(unique_id: str, facts: Entry) -> None:
    """Remember the program that `thecal run` replaced in a pump, and the digest of the run. Raises OSError."""
    keep(_owned_file("replaced", unique_id), facts)


def known_replaced(unique_id: str) -> Entry | None:
    """Return the data of `remember_replaced`; None if this computer never replaced a program of the pump."""
    path = _owned_file("replaced", unique_id)
    return None if path is None else read(path)


def _zone_file(unique_id: str) -> Path | None:
    return _owned_file("zones", unique_id)


def _owned_file(place: str, unique_id: str) -> Path | None:
    """Check an id, because it comes from the device and becomes a file name; None for an invalid one."""
    plain = unique_id.lower()
    return folder() / place / f"{plain}.json" if re.fullmatch("[0-9a-f]{1,64}", plain) else None


def _pump_file(unique_id: str) -> Path:
    return folder() / "pumps" / f"{unique_id.lower()}.json"
