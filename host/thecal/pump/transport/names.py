"""Names of pumps: kept in the pump; this computer remembers which pump has which, so that a name leads to one port."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from pathlib import Path

from thecal.errors import BadInput
from thecal.pump.transport import registry

LONGEST = 20
RESERVED = re.compile(r"(com|port|tty[a-z]*)[0-9]*|all|none")  # read as a port, or as a word of ours
RULE = f"write up to {LONGEST} letters a-z, digits, - or _, beginning with a letter, like flow-1"


@dataclass(frozen=True)
class Named:
    """A pump that had this name when it was last seen, by its unique id, which is a board's USB serial number. `port_url`: where it was."""

    name: str
    unique_id: str
    port_url: str = ""


def is_name(text: str) -> bool:
    """Return True if a pump can be called so. A name can't be mistaken for a port of any system."""
    return bool(re.fullmatch(rf"[a-z][a-z0-9_-]{{0,{LONGEST - 1}}}", text)) and not RESERVED.fullmatch(text)


def check(name: str) -> None:
    """Raise BadInput if no pump can be called so."""
    if not is_name(name):
        plain = re.sub(r"[^a-z0-9_-]+", "-", name.strip().lower()).strip("-_")[:LONGEST]
        near = f'did you mean "{plain}"? ' if is_name(plain) else ""
        raise BadInput(f'"{name[:40]}" can\'t be the name of a pump', near + RULE)


def learn(hello: dict[str, object], port_url: str) -> None:
    """Remember the name in a pump's greeting; forget an earlier one. Does nothing for a pump without a valid unique id."""
    path = _file(str(hello.get("unique_id", "")))
    if path is None or "name" not in hello:
        return
    name = str(hello["name"])
    if not is_name(name):
        path.unlink(missing_ok=True)
        return
    wanted = Named(name, str(hello["unique_id"]), port_url)
    if _read(path) != wanted:
        registry.keep(path, asdict(wanted))


def known() -> list[Named]:
    """Return the pumps whose names this computer knows, by name."""
    found = [_read(path) for path in (registry.folder() / "names").glob("*.json")]
    return sorted((one for one in found if one is not None), key=lambda one: (one.name, one.unique_id))


def called(name: str) -> list[Named]:
    """Return the pumps that have this name: more than one if two were named without knowing of each other."""
    return [one for one in known() if one.name == name]


def _read(path: Path) -> Named | None:
    entry = registry.read(path)
    if entry is None or not is_name(str(entry.get("name"))):
        return None
    return Named(str(entry["name"]), str(entry.get("unique_id", "")), str(entry.get("port_url", "")))


def _file(unique_id: str) -> Path | None:
    """Check an id, because it comes from the device and becomes a file name; None for an invalid one."""
    plain = unique_id.lower()
    return registry.folder() / "names" / f"{plain}.json" if re.fullmatch("[0-9a-z]{1,64}", plain) else None
