"""What the paths share: the pumps, the gate's rules, the reviews, the wizards and the charts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import Request

from thecal.web.charts import Charts
from thecal.web.logins import Tries
from thecal.web.refusals import WebError
from thecal.web.reviews import Reviews
from thecal.web.wizards import Wizards

if TYPE_CHECKING:
    from thecal.web.fleet import Fleet
    from thecal.web.guard import Rules
    from thecal.web.pump import WebPump
    from thecal.web.sessions import Session


class Server:
    """One server."""

    def __init__(self, fleet: Fleet, rules: Rules) -> None:
        self.fleet, self.rules = fleet, rules
        self.reviews, self.wizards, self.charts, self.tries = Reviews(), Wizards(), Charts(), Tries()


def server(request: Request) -> Server:
    """Return the server of a request."""
    found: Server = request.app.state.server
    return found


def pump_of(request: Request, pump: str) -> WebPump:
    """Return the pump of a path. Raises WebError 404."""
    return server(request).fleet.pump(pump)


def session_of(request: Request) -> Session | None:
    """Return the login of a request; None without one."""
    found: Session | None = request.scope.get("thecal_session")
    return found


def require(request: Request, pump: WebPump, role: str) -> Session | None:
    """Return the login. Raises WebError 403 if the pump has keys and the login has no role that suffices, or if a server for other
    computers finds a pump without keys: it would let everybody who may log in change it."""
    session = session_of(request)
    if pump.keys == "none":
        if server(request).rules.login:
            raise WebError(403, "no_keys", f"{pump.title} has no keys, so nothing can be changed from other computers", "thecal key new")
        return session
    if session is None or not session.may(pump.unique_id, role):
        raise WebError(403, "role", f"this needs the {role} key of {pump.title}", "log in with that key at /login")
    return session
