"""Logins: a session holds the role keys that a person typed, in memory only. The server has no key of its own and signs for nobody else."""

from __future__ import annotations

import hmac
import secrets
import threading
import time
from dataclasses import dataclass, field

from thecal.pump.signing import ROLES, Signer, lowest, signer_of

COOKIE = "thecal_session"
LASTS_S = 12 * 3600
MOST_SESSIONS = 200


@dataclass
class Session:
    """The keys of one login: for each pump, by its unique id, the keys by role."""

    token: str
    begun_s: float
    keys: dict[str, dict[str, bytes]] = field(default_factory=dict)

    def role(self, unique_id: str) -> str:
        """Return the highest role at a pump; "" for none."""
        held = self.keys.get(unique_id, {})
        return next((role for role in reversed(ROLES) if role in held), "")

    def may(self, unique_id: str, needed: str) -> bool:
        """Return True if this login has a role that suffices."""
        return bool(lowest(self.keys.get(unique_id, {}), needed))

    def signer(self, unique_id: str) -> Signer:
        """Return the signer for a pump; it raises NoKey for a command beyond this login's role."""
        return signer_of(self.keys.get(unique_id, {}))


def nobody() -> Signer:
    """Return the signer of a server without a login: it signs nothing."""
    return signer_of({})


class Sessions:
    """The sessions of this start. Each ends 12 hours after its login."""

    def __init__(self) -> None:
        self._sessions: dict[str, Session] = {}
        self._lock = threading.Lock()

    def get(self, token: str) -> Session | None:
        """Return the session of a cookie; None for an unknown or old one."""
        with self._lock:
            self._forget_old()
            for known, session in self._sessions.items():
                if hmac.compare_digest(known.encode(), token.encode("utf-8", "replace")):
                    return session
        return None

    def begin(self, before: Session | None, found: dict[str, tuple[str, bytes]]) -> Session:
        """Return a new session with the roles of the earlier one, and `found`: for each pump a role and its key. The earlier one ends."""
        keys = {pump: dict(held) for pump, held in before.keys.items()} if before is not None else {}
        for pump, (role, key) in found.items():
            keys.setdefault(pump, {})[role] = key
        made = Session(secrets.token_urlsafe(32), time.monotonic(), keys)
        with self._lock:
            if before is not None:
                self._sessions.pop(before.token, None)
            self._forget_old()
            while len(self._sessions) >= MOST_SESSIONS:
                self._sessions.pop(next(iter(self._sessions)))
            self._sessions[made.token] = made
        return made

    def end(self, session: Session) -> None:
        """Forget a session and its keys."""
        with self._lock:
            self._sessions.pop(session.token, None)

    def _forget_old(self) -> None:
        now_s = time.monotonic()
        for token in [token for token, one in self._sessions.items() if now_s - one.begun_s > LASTS_S]:
            del self._sessions[token]
