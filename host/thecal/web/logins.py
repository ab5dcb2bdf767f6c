"""The check of a typed key: each pump with keys proves it by answering a question that the key signs. Nothing is looked up here."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from thecal.errors import BadInput, ThecalError
from thecal.pump.signing import ROLES, read
from thecal.web.limits import Limits
from thecal.web.refusals import WebError

if TYPE_CHECKING:
    from thecal.web.fleet import Fleet
    from thecal.web.pump import WebPump

ALL = "all computers"
SHARES_NO_KEY = "the key is not right"


class Typed(NamedTuple):
    """The form of the login."""

    role: str
    key: str
    pump: str


class Tries:
    """How often a key may be tried: 5 times a minute from one computer, 30 times a minute in all."""

    def __init__(self) -> None:
        self._each, self._all = Limits(5 / 60, 5), Limits(30 / 60, 30)

    def count(self, client: str) -> None:
        """Raise WebError 429 for one try too many."""
        if not self._each.allow(client) or not self._all.allow(ALL):
            raise WebError(429, "too_many", "too many wrong keys", "wait a minute, then try again")


def roles(fleet: Fleet, tries: Tries, client: str, typed: Typed) -> dict[str, tuple[str, bytes]]:
    """Return the role and key for each pump, by unique id, that takes this key. Raises WebError if none does."""
    tries.count(client)
    try:
        named, key = read(typed.key)
    except BadInput as error:
        raise WebError(403, "wrong_key", error.cause, error.do) from None
    role = named or typed.role
    if role not in ROLES:
        raise WebError(403, "wrong_key", "the key names no role", f"choose {', '.join(ROLES)}")
    asked = [one for one in fleet.all() if one.keys != "none" and typed.pump in ("", one.id)]
    found = {one.unique_id: (role, key) for one in asked if proves(one, role, key)}
    if not found:
        raise WebError(403, "wrong_key", SHARES_NO_KEY, "copy the line that `thecal key show` prints")
    return found


def proves(pump: WebPump, role: str, key: bytes) -> bool:
    """Return True if a pump takes this key. A pump that is away does not."""
    try:
        client = pump.new_client()
        client.hello()
        return client.proves(role, key)
    except ThecalError:
        return False
