"""The application: the paths, and the errors of the library as answers. Its OpenAPI document is at /api/openapi.json."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from thecal.errors import ThecalError
from thecal.web.guard import Guard
from thecal.web.refusals import WebError, web_error
from thecal.web.routes.change import change
from thecal.web.routes.files import files
from thecal.web.routes.look import look
from thecal.web.routes.who import who
from thecal.web.server import Server
from thecal.web.shapes import Failure

STATUSES = (400, 401, 403, 404, 409, 413, 422, 429, 501, 503, 504)
FAILURES: dict[int | str, dict[str, Any]] = {status: {"model": Failure} for status in STATUSES}


def application(server: Server) -> FastAPI:
    """Return the application around the pumps of a server. Its start and end are theirs."""
    app = FastAPI(
        title="thecal", openapi_url="/api/openapi.json", docs_url=None, redoc_url=None, responses=FAILURES, lifespan=lifespan
    )
    app.state.server = server
    app.add_middleware(Guard, rules=server.rules)
    for router in (look, change, files, who):
        app.include_router(router)
    app.add_exception_handler(ThecalError, of_library)
    app.add_exception_handler(WebError, of_server)
    app.add_exception_handler(RequestValidationError, of_request)
    app.add_exception_handler(HTTPException, of_path)
    return app


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Poll the pumps as long as the server runs."""
    fleet, ended = app.state.server.fleet, threading.Event()
    fleet.hub.runs_in(asyncio.get_running_loop())
    fleet.start()
    threading.Thread(target=app.state.server.charts.ahead, args=(fleet, ended), name="charts", daemon=True).start()
    try:
        yield
    finally:
        ended.set()
        fleet.hub.close()
        app.state.server.worker.close()
        await asyncio.to_thread(fleet.end)


def answer(error: WebError) -> JSONResponse:
    """Return an error as its answer."""
    return JSONResponse(error.failure.model_dump(), error.status)


async def of_library(request: Request, error: Exception) -> JSONResponse:
    """Answer an error of the library."""
    assert isinstance(error, ThecalError)
    return answer(web_error(error))


async def of_server(request: Request, error: Exception) -> JSONResponse:
    """Answer an error of the server."""
    assert isinstance(error, WebError)
    return answer(error)


async def of_request(request: Request, error: Exception) -> JSONResponse:
    """Answer a request that does not have its shape; name the first wrong value."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"][1:]) or "request"
    return answer(WebError(422, "bad_request", f"{where}: {first['msg']}", "reload the page"))


async def of_path(request: Request, error: Exception) -> JSONResponse:
    """Answer a path that does not exist."""
    assert isinstance(error, HTTPException)
    return answer(WebError(error.status_code, "not_found" if error.status_code == 404 else "http", str(error.detail), ""))
