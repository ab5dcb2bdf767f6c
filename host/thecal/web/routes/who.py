"""Who is there: the session, login and logout. The page itself, and its files."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from thecal.web.refusals import not_yet
from thecal.web.shapes import Session

who = APIRouter()


@who.get("/api/session")
def session(request: Request) -> Session:
    """Return the roles of this login."""
    raise not_yet()


@who.get("/", response_class=HTMLResponse)
def index(request: Request) -> Response:
    """Return page/index.html; `@SECRET@` in it becomes the secret of this start. Without a needed login redirect to /login.

    Every other file of page/ is at /page/NAME. Close the EventSource of a hidden tab: a browser opens at most six connections to a
    server, and a STOP must never wait for one.
    """
    raise not_yet()


@who.get("/login", response_class=HTMLResponse)
def login_page(request: Request) -> Response:
    """Return the login page: page/login.html."""
    raise not_yet()


@who.post("/login")
def login(request: Request) -> Response:
    """Take a form (`role`: look, operate or program; `key`; `pump`: an id, or empty for every pump of that key), set the cookie and
    redirect to /. 403 with the login page for a wrong key; 429 after too many tries."""
    raise not_yet()


@who.post("/logout")
def logout(request: Request) -> Response:
    """Forget the session."""
    raise not_yet()
