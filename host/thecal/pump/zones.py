"""Local time: a zone by its name, this computer's zone, or the pump's.

A pump stores its offset and the next change of it. This computer remembers the zone's name, which gives all later changes.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pumpcore.program.schedule import Zone
from pumpcore.units import S_PER_DAY
from thecal.errors import BadInput
from thecal.files import config
from thecal.pump.transport import registry
from thecal.quantities.typed import shown

if TYPE_CHECKING:
    from thecal.pump.client import Client

LOOK_AHEAD_DAYS = 400
LARGEST_OFFSET_S = 64_800  # as the pump's own check
LOCALTIME = Path("/etc/localtime")
# Files next to the zones that are no zones: "Factory" means that no zone is set.
NO_ZONES = ("localtime", "Factory", "posixrules")
EXAMPLES = "write one like Europe/Berlin, America/New_York or UTC"
DO_NAME = "name the pump's zone with --zone, like --zone Europe/Berlin"

# what people say, and the zone that most of them mean
SPOKEN = {
    "cest": "Europe/Berlin",
    "bst": "Europe/London",
    "est5edt": "America/New_York",
    "edt": "America/New_York",
    "cdt": "America/Chicago",
    "mdt": "America/Denver",
    "pst": "America/Los_Angeles",
    "pdt": "America/Los_Angeles",
    "ist": "Asia/Kolkata",
    "jst": "Asia/Tokyo",
    "aest": "Australia/Sydney",
    "aedt": "Australia/Sydney",
    "germany": "Europe/Berlin",
    "france": "Europe/Paris",
    "uk": "Europe/London",
    "switzerland": "Europe/Zurich",
    "italy": "Europe/Rome",
    "spain": "Europe/Madrid",
    "india": "Asia/Kolkata",
    "china": "Asia/Shanghai",
}

OffsetAt = Callable[[int], int]


class LocalTime(NamedTuple):
    """A zone. `offset_at` returns local time minus UTC in seconds at a UTC second; `name` is "" if only the offsets are known."""

    name: str
    offset_at: OffsetAt

    def zone(self, utc_s: int) -> Zone:
        """Return the offset at `utc_s` and its next change within 400 days (transition 0: none)."""
        offset_s = self.offset_at(utc_s)
        for after_s in range(utc_s + S_PER_DAY, utc_s + LOOK_AHEAD_DAYS * S_PER_DAY, S_PER_DAY):
            if self.offset_at(after_s) != offset_s:
                at_s = first_change(self.offset_at, after_s - S_PER_DAY, after_s)
                return Zone(offset_s, at_s, self.offset_at(at_s))
        return Zone(offset_s)


def first_change(offset_at: OffsetAt, before_s: int, after_s: int) -> int:
    """Return the first second in (before_s, after_s] with another offset than at `before_s`."""
    old_s = offset_at(before_s)
    while after_s - before_s > 1:
        middle_s = (before_s + after_s) // 2
        if offset_at(middle_s) == old_s:
            before_s = middle_s
        else:
            after_s = middle_s
    return after_s


def named(name: str) -> LocalTime:
    """Return the zone that the user named. Raises BadInput with the nearest name."""
    found = by_name(name)
    if found is None:
        raise BadInput(f"--zone: {shown(name)} is not a time zone", suggestion(name) + EXAMPLES)
    return found


def by_name(name: str) -> LocalTime | None:
    """Return the zone with exactly this `name` from the time zone database; None if there is none."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    if name in NO_ZONES:
        return None
    try:
        found = ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None

    def offset_at(utc_s: int) -> int:
        offset = datetime.fromtimestamp(utc_s, UTC).astimezone(found).utcoffset()
        return round(offset.total_seconds()) if offset else 0

    return LocalTime(name, offset_at)


def suggestion(text: str) -> str:
    """Return 'did you mean "Europe/Berlin"? ' for a slip in a name; "" if no name is near."""
    from difflib import get_close_matches
    from zoneinfo import available_timezones

    names = {name.lower(): name for name in sorted(available_timezones()) if name not in NO_ZONES}
    cities = {name.rpartition("/")[2]: name for name in names}
    plain = text.strip(" :\t\r\n\"'`").lower().replace(" ", "_").rpartition("zoneinfo/")[2]
    near = names.get(plain) or names.get(cities.get(plain, "")) or SPOKEN.get(plain) or fixed(plain)
    if near is None:
        found = get_close_matches(plain, [name for name in names if "/" in name], 1, 0.8)
        near = names[found[0]] if found else None
    if near is None:
        found = get_close_matches(plain.rpartition("/")[2], list(cities), 1, 0.8)
        near = names[cities[found[0]]] if found else None
    return f'did you mean "{near}"? ' if near else ""


def fixed(text: str) -> str | None:
    """Return the zone without summer time that "utc+2" or "gmt-5" means; the names of these zones have the opposite sign."""
    found = re.fullmatch(r"(?:utc|gmt)_*([+-])_*0?(1[0-4]|[1-9])(?::?00)?", text)
    return f"Etc/GMT{'-' if found.group(1) == '+' else '+'}{found.group(2)}" if found else None


def of_computer() -> LocalTime:
    """Return this computer's zone. Raises BadInput if `TZ` is invalid or no zone is set."""
    text = os.environ.get("TZ")
    if text is not None and text != f":{LOCALTIME}":
        return by_variable(text)
    if os.name != "nt" and not LOCALTIME.exists():
        raise BadInput("this computer has no time zone: there is no /etc/localtime", DO_NAME)
    return system_zone()


def of_user() -> LocalTime:
    """Return the default zone of the config file, otherwise this computer's. Raises BadInput."""
    name = config.default("zone")
    if name is None:
        return of_computer()
    found = by_name(name)
    if found is None:
        raise BadInput(f"{config.origin('zone')}: {shown(name)} is not a time zone", suggestion(name) + EXAMPLES)
    return found


def by_variable(text: str) -> LocalTime:
    """Return the zone in `TZ`: a name, ":name", or the path of a zone file. Refuses a rule like "CET-1CEST", because it need not contain
    the dates."""
    if not text.strip():
        raise BadInput("this computer has no time zone: TZ is empty", DO_NAME)
    name = text.removeprefix(":")
    found = by_name(name.rpartition("zoneinfo/")[2] if name.startswith("/") else name)
    if found is None:
        raise BadInput(f"TZ: {shown(text)} is not the name of a time zone", f"{suggestion(text)}set TZ to a zone's name, or {DO_NAME}")
    return found


def system_zone() -> LocalTime:
    """Return the zone of /etc/localtime: a link to a zone file gives its name, a copy only the offsets."""
    if LOCALTIME.is_symlink():
        target = os.readlink(LOCALTIME).rpartition("zoneinfo/")[2].removeprefix("posix/")
        if target in NO_ZONES:
            raise BadInput("this computer has no time zone: none is set", DO_NAME)
        found = by_name(target)
        if found is not None:
            return found
    return LocalTime("", lambda utc_s: time.localtime(utc_s).tm_gmtoff)


def check(zone: str | None) -> None:
    """Check a zone name, typed or in `TZ`; raise BadInput. A computer without a zone is no error while the pump has one."""
    if zone is not None:
        named(zone)
    elif config.default("zone"):
        of_user()
    elif os.environ.get("TZ", "").strip():
        of_computer()


def of_pump(client: Client, status: dict[str, Any]) -> LocalTime | None:
    """Return the pump's zone; None if it was never set. After the change that the pump knows, use the name remembered here."""
    values = [status.get(name) or 0 for name in ("offset_s", "transition_utc_s", "transition_offset_s")]
    known = status.get("zone_known", bool(status.get("utc_s") or any(values)))
    if not known or max(abs(values[0]), abs(values[2])) > LARGEST_OFFSET_S:
        return None
    own = LocalTime("", Zone(*values).offset_at_s)
    memory = registry.known_zone(client.unique_id)
    name = memory.get("zone") if memory else None
    found = by_name(name) if isinstance(name, str) else None
    if memory is None or found is None:
        return own
    return found if agrees(found, status, memory) else own


def agrees(found: LocalTime, status: dict[str, Any], memory: dict[str, object]) -> bool:
    """Return True if the pump still keeps the zone that this computer set: another computer may have set it since."""
    utc_s = int(status.get("utc_s") or time.time())
    pump = Zone(status["offset_s"], status.get("transition_utc_s") or 0, status.get("transition_offset_s") or 0)
    zone = found.zone(utc_s)
    if pump.offset_at_s(utc_s) != zone.offset_s:
        return False
    if pump.transition_utc_s > utc_s:
        return pump.values() == zone.values()
    return not zone.transition_utc_s or not status.get("utc_s") or status.get("clock_set_utc_s") == memory.get("clock_set_utc_s")


def chosen(client: Client, status: dict[str, Any], zone: str | None) -> LocalTime:
    """Return the named zone, otherwise the pump's, otherwise the user's. Raises BadInput if there is none."""
    return named(zone) if zone is not None else of_pump(client, status) or of_user()
