"""Every path of the server, asked by schemathesis from the server's own OpenAPI document, with valid and with invalid requests: each answer
is one that the document names, in its shape, and none is the error of a bug. The examples are the same in each run."""

import warnings
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from starlette.testclient import TestClient

pytest.importorskip("schemathesis")

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from schemathesis import GenerationMode, openapi

from support.host.fake_pump import CALIBRATION
from support.host.therapy_pump import TherapyPump
from support.page.asked import URL, made
from thecal.web import downloads
from thecal.web.app import application
from thecal.web.limits import Limits
from thecal.web.logins import Tries
from thecal.web.refusals import WebError
from thecal.web.server import Server
from thecal.web.shapes import Failure

STREAM = "GET /api/events"  # has no end
DOCUMENT = application(made([])).openapi()
OPERATIONS = {one.ok().label: one.ok() for one in openapi.from_dict(DOCUMENT).get_all_operations()}
MODES = {"valid": GenerationMode.POSITIVE, "invalid": GenerationMode.NEGATIVE}
EXAMPLES = max(6, settings.default.max_examples // 3)
READ = {"nominal": {"volume_nl": 1_000_003, "steps": 99_991, "state": "UNCALIBRATED"}, "turns": 1, "turns_steps": 3200, "calibration": None,
        "history": [], "status": CALIBRATION.describe()}  # fmt: skip
AWAY = (501, 503, 504)  # a pump that is away or busy, or an outcome that is not known
SAME = settings(
    max_examples=EXAMPLES, derandomize=True, deadline=None, database=None, report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


# their path names a pump, which is right, and they take nothing else
NOTHING_TO_GET_WRONG = (
    "GET /", "GET /login", "POST /logout", "GET /page/{name}", "GET /api/pumps", "GET /api/session", "GET /api/pumps/{pump}/calibrate",
    "GET /api/pumps/{pump}/journal.csv", "GET /api/pumps/{pump}/program", "POST /api/pumps/{pump}/stop",
)  # fmt: skip
CASES = [(label, mode) for label in sorted({*OPERATIONS} - {STREAM}) for mode in MODES
         if mode == "valid" or label not in NOTHING_TO_GET_WRONG]  # fmt: skip


@pytest.fixture
def unlimited(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "report", lambda pump, span: "<html>")  # a second each
    server.rules.limits = Limits(1e9, 1e9)
    monkeypatch.setattr(Tries, "count", lambda self, client: None)


def test_the_document_names_every_path() -> None:
    assert len(OPERATIONS) >= 19 and STREAM in OPERATIONS


@pytest.mark.parametrize(("label", "mode"), CASES)
def test_no_request_finds_a_bug(server: Server, page: TestClient, pump: TherapyPump, unlimited: None, label: str, mode: str) -> None:
    pump.do_calibration_read = lambda: READ
    operation, known = OPERATIONS[label], {"pump": server.fleet.all()[0].id}
    parameters = known if "{pump}" in label else None

    @SAME
    @given(operation.as_strategy(generation_mode=MODES[mode], path_parameters=parameters))
    def ask(case: Any) -> None:
        check(operation, sent(page, case))

    ask()
    assert page.get("/api/pumps").status_code == 200
    assert all(one.known.status is not None for one in server.fleet.all())


def sent(page: TestClient, case: Any) -> httpx2.Response | None:
    """Send a request as the page would; None if no client could send it."""
    asked = case.as_transport_kwargs(base_url=URL)
    body = {"json": asked["json"]} if "json" in asked else {"content": asked["data"]} if isinstance(asked.get("data"), bytes) else {}
    if isinstance(asked.get("data"), dict | list):
        body = {"data": {name: str(value) for name, value in dict(asked["data"]).items()}}
    try:
        return page.request(asked["method"], asked["url"], params=asked.get("params"), **body)
    except (UnicodeError, httpx2.InvalidURL, httpx2.RemoteProtocolError):
        return None


def check(operation: Any, answer: httpx2.Response | None) -> None:
    if answer is None:
        return
    assert answer.status_code < 500 or answer.status_code in AWAY, (answer.status_code, answer.text)
    if answer.status_code >= 400 and "/login" not in operation.label:
        Failure.model_validate_json(answer.text)
    elif answer.headers.get("content-type") == "application/json":
        operation.validate_response(answer)


def test_an_error_of_the_server_has_its_shape() -> None:
    assert WebError(418, "a", "b", "c").failure.model_dump() == {"error": {"kind": "a", "text": "b", "do": "c"}}
