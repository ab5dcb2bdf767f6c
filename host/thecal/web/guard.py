"""The gate of the server: every request passes it before any path. STOP passes with the right Host and Origin; the rest needs more."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from thecal.web.hosts import Hosts
from thecal.web.limits import Limits
from thecal.web.refusals import WebError
from thecal.web.sessions import COOKIE, Sessions

SECRET_HEADER = "x-thecal-secret"
STOP_PATH = re.compile(r"/api/pumps/[0-9a-z-]{1,80}/stop")
OPEN_PATHS = re.compile(r"/login|/page/[A-Za-z0-9_./-]+")
MOST_BODY_BYTES = 400_000
SAFE = ("GET", "HEAD")
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
# a report draws itself with its own style, and runs nothing
REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"
)
HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), usb=(), serial=()",
    "cache-control": "no-store",
}


@dataclass
class Rules:
    """`login`: nothing is shown without one. `secret`: of this start, for what changes something."""

    hosts: Hosts
    sessions: Sessions
    login: bool = False
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    limits: Limits = field(default_factory=Limits)


class Guard:
    """The middleware around the application."""

    def __init__(self, app: ASGIApp, rules: Rules) -> None:
        self._app, self._rules = app, rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it here."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        out = with_headers(send, self._rules.hosts.secure)
        try:
            self._check(scope, headers)
        except WebError as error:
            await refusal(scope, error)(scope, receive, out)
            return
        await self._app(scope, limited(receive), out)

    def _check(self, scope: Scope, headers: Headers) -> None:
        rules, method, path = self._rules, scope["method"], scope["path"]
        host = headers.get("host", "")
        if not rules.hosts.allows(host) or len(headers.getlist("host")) != 1:
            raise WebError(403, "wrong_host", "this server does not answer to that name", f"open {rules.hosts.url()}")
        origin = headers.get("origin")
        if (origin is None and method not in SAFE) or (origin is not None and origin != rules.hosts.origin(host)):
            raise WebError(403, "wrong_origin", "another page sent this request; it was not done", f"open {rules.hosts.url()}")
        scope["thecal_session"] = rules.sessions.get(cookies(headers).get(COOKIE, ""))
        if method == "POST" and STOP_PATH.fullmatch(path):
            return
        if not rules.limits.allow(client_of(scope)):
            raise WebError(429, "too_many", "too many requests from this computer", "wait a moment; STOP has no limit")
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > MOST_BODY_BYTES:
            raise WebError(413, "too_large", f"more than {MOST_BODY_BYTES} bytes", "send a smaller file")
        if rules.login and scope["thecal_session"] is None and not OPEN_PATHS.fullmatch(path):
            raise WebError(401, "login_needed", "nobody is logged in", "log in at /login")
        if method not in SAFE and path != "/login" and not secrets.compare_digest(
            headers.get(SECRET_HEADER, "").encode(), rules.secret.encode()
        ):
            raise WebError(403, "wrong_secret", "the server was started again, or this is not its page", "reload the page")


def client_of(scope: Scope) -> str:
    """Return the address of the other end."""
    return str(scope["client"][0]) if scope.get("client") else ""


def cookies(headers: Headers) -> dict[str, str]:
    """Return the cookies of a request."""
    return cookie_parser(headers.get("cookie", ""))


def refusal(scope: Scope, error: WebError) -> Response:
    """Answer a request that does not pass: a page goes to the login, everything else gets the error."""
    if error.failure.error.kind == "login_needed" and scope["path"] == "/":
        return RedirectResponse("/login", 303)
    return JSONResponse(error.failure.model_dump(), error.status)


def with_headers(send: Send, secure: bool) -> Send:
    """Add the headers of every answer."""

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers: Any = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("content-security-policy", POLICY)
            if secure:
                headers["strict-transport-security"] = "max-age=31536000"
        await send(message)

    return sent


def limited(receive: Receive) -> Receive:
    """Pass on a body up to its limit; a longer one ends the request, whatever its length said."""
    count_bytes = 0

    async def received() -> Message:
        nonlocal count_bytes
        message = await receive()
        if message["type"] == "http.request":
            count_bytes += len(message.get("body", b""))
            if count_bytes > MOST_BODY_BYTES:
                return {"type": "http.disconnect"}
        return message

    return received
