"""Who is there: the session, login and logout. The page itself, and its files."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from thecal.web import logins, static
from thecal.web.guard import client_of
from thecal.web.refusals import WebError
from thecal.web.server import server, session_of
from thecal.web.sessions import COOKIE, LASTS_S
from thecal.web.shapes import Session

who = APIRouter()
SEE_OTHER, FORBIDDEN, TOO_MANY = 303, 403, 429


@who.get("/api/session")
def session(request: Request) -> Session:
    """Return the roles of this login."""
    found, shared = session_of(request), server(request)
    roles = {one.id: found.role(one.unique_id) if found is not None else "" for one in shared.fleet.all() if one.keys != "none"}
    return Session.model_validate(
        {"logged_in": found is not None, "login_needed": shared.rules.login, "roles": roles, "version": version("thecal")}
    )


@who.get("/", response_class=HTMLResponse)
def index(request: Request) -> Response:
    """Return page/index.html with the secret of this start in its `<meta name="thecal-secret" content="">`. Without a needed login redirect
    to /login.

    Every other file of page/ is at /page/NAME. Close the EventSource of a hidden tab: a browser opens at most six connections to a
    server, and a STOP must never wait for one.
    """
    return HTMLResponse(static.page("index.html", server(request).rules.secret))


@who.get("/page/{name:path}", response_class=Response)
def file(name: str) -> Response:
    """Return a file of the page."""
    found = static.all_files().get(name)
    if found is None:
        raise WebError(404, "not_found", "there is no such file", "open /")
    return Response(found.content, media_type=found.media_type, headers={"cache-control": "no-cache"})


@who.get("/login", response_class=HTMLResponse)
def login_page() -> Response:
    """Return the login page: page/login.html."""
    return HTMLResponse(static.page("login.html", ""))


@who.post("/login")
def login(
    request: Request,
    key: Annotated[str, Form(max_length=200)],
    role: Annotated[str, Form(max_length=20)] = "",
    pump: Annotated[str, Form(max_length=100)] = "",
) -> Response:
    """Take a role and its key (the line of `thecal key show` names both), set the cookie and go to /. `pump`: an id, or empty for every
    pump of that key. 403 with the login page for a wrong key; 429 after too many tries."""
    shared = server(request)
    try:
        found = logins.roles(shared.fleet, shared.tries, client_of(request.scope), logins.Typed(role, key, pump))
    except WebError as error:
        status = TOO_MANY if error.status == TOO_MANY else FORBIDDEN
        return HTMLResponse(static.page("login.html", ""), status)
    made = shared.rules.sessions.begin(session_of(request), found)
    answer = RedirectResponse("/", SEE_OTHER)
    secure = shared.rules.hosts.secure
    answer.set_cookie(COOKIE, made.token, max_age=LASTS_S, httponly=True, samesite="strict", secure=secure)
    for one in shared.fleet.all():
        one.wake()
    return answer


@who.post("/logout")
def logout(request: Request) -> Response:
    """Forget the session and its keys."""
    found = session_of(request)
    if found is not None:
        server(request).rules.sessions.end(found)
    answer = RedirectResponse("/login", SEE_OTHER)
    answer.delete_cookie(COOKIE)
    return answer
