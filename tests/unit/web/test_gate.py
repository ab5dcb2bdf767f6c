"""The gate: who may ask, from which page, how often; and that nothing of it stands before STOP."""

import pytest
from starlette.testclient import TestClient

from support.host.fake_pump import wait_until
from support.host.therapy_pump import TherapyPump
from thecal.web.guard import MOST_BODY_BYTES, POLICY
from thecal.web.limits import Limits
from thecal.web.server import Server

RUN = {"kind": "run", "rate": "1 mL/h", "duration": "2 h"}
OTHER_PAGES = ["http://evil.example", "https://127.0.0.1:8765", "http://127.0.0.1:8766", "null", "http://localhost:8765"]


def kind(answer: object) -> str:
    return str(answer.json()["error"]["kind"])


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:8766", "127.0.0.1.evil.example:8765", "", "127.0.0.1:8765:8765"])
def test_a_request_under_another_name_is_refused(page: TestClient, pump_path: str, pump: TherapyPump, host: str) -> None:
    for answer in (page.get("/api/pumps", headers={"Host": host}), page.post(f"{pump_path}/stop", headers={"Host": host})):
        assert (answer.status_code, kind(answer)) == (403, "wrong_host")
    assert "stop" not in pump.executed


@pytest.mark.parametrize("origin", OTHER_PAGES)
def test_a_request_of_another_page_is_refused_a_stop_too(page: TestClient, pump_path: str, pump: TherapyPump, origin: str) -> None:
    for path in ("stop", "review", "confirm", "cancel", "calibrate"):
        answer = page.post(f"{pump_path}/{path}", json={}, headers={"Origin": origin})
        assert (answer.status_code, kind(answer)) == (403, "wrong_origin")
    assert kind(page.get("/api/pumps", headers={"Origin": origin})) == "wrong_origin"
    assert "stop" not in pump.executed


def test_a_post_without_an_origin_is_refused(page: TestClient, pump_path: str) -> None:
    del page.headers["Origin"]
    assert kind(page.post(f"{pump_path}/stop")) == "wrong_origin"
    assert page.get("/api/pumps").status_code == 200, "a browser sends none when it opens a page"


@pytest.mark.parametrize("path", ["review", "confirm", "cancel", "calibrate"])
@pytest.mark.parametrize("secret", ["", "guessed", "\u00e4"])
def test_a_change_needs_the_secret_of_this_start(page: TestClient, pump_path: str, path: str, secret: str) -> None:
    answer = page.post(f"{pump_path}/{path}", json=RUN, headers={"X-Thecal-Secret": secret.encode()})
    assert (answer.status_code, kind(answer)) == (403, "wrong_secret")


@pytest.mark.rule("R1")
def test_stop_needs_no_secret(page: TestClient, pump_path: str, pump: TherapyPump) -> None:
    del page.headers["X-Thecal-Secret"]
    answer = page.post(f"{pump_path}/stop")
    assert (answer.status_code, answer.json()["state"]) == (200, "stopped")
    assert "stop" in pump.executed


@pytest.mark.rule("R1")
def test_stop_has_no_rate_limit_and_needs_no_login(server: Server, page: TestClient, pump_path: str, pump: TherapyPump) -> None:
    server.rules.limits, server.rules.login = Limits(0.0, 1), True
    assert kind(page.get("/api/pumps")) == "login_needed"
    assert kind(page.get("/api/pumps")) == "too_many"
    assert page.post(f"{pump_path}/stop").status_code == 200


def test_a_stop_that_only_looks_like_one_is_limited(server: Server, page: TestClient) -> None:
    server.rules.limits = Limits(0.0, 0)
    for path in ("/api/pumps/../stop", "/api/pumps/x/y/stop", "/api/pumps/x/stop/", "/api/pumps/x/STOP"):
        assert page.post(path).status_code in (404, 429)


def test_a_long_body_is_refused_whatever_its_length_says(page: TestClient, pump_path: str) -> None:
    assert kind(page.post(f"{pump_path}/review", content=b"x" * (MOST_BODY_BYTES + 1))) == "too_large"

    def parts() -> object:
        for _ in range(MOST_BODY_BYTES // 1000 + 10):
            yield b"x" * 1000

    assert page.post(f"{pump_path}/review", content=parts()).status_code >= 400


@pytest.mark.parametrize("path", ["/", "/login", "/page/app.js", "/api/pumps", "/api/openapi.json", "/nowhere", "/api/pumps/none/chart"])
def test_every_answer_has_the_headers(page: TestClient, path: str) -> None:
    answer = page.get(path)
    assert answer.headers["content-security-policy"] == POLICY
    assert answer.headers["x-content-type-options"] == "nosniff" and answer.headers["x-frame-options"] == "DENY"
    assert "unsafe" not in POLICY and "http" not in POLICY.replace("https", "")


@pytest.mark.parametrize("path", ["../run.py", "%2e%2e/run.py", "..%2frun.py", "", "/etc/passwd", "app.py", "vendor/../../run.py"])
def test_only_the_files_of_the_page_are_given(page: TestClient, path: str) -> None:
    answer = page.get(f"/page/{path}")
    assert answer.status_code == 404 and "import" not in answer.text


def test_the_secret_stands_in_the_page_alone(server: Server, page: TestClient) -> None:
    assert f'content="{server.rules.secret}"' in page.get("/").text
    for path in ("/login", "/page/app.js", "/page/index.html", "/api/pumps", "/api/session", "/api/openapi.json"):
        assert server.rules.secret not in page.get(path).text


def test_a_server_for_others_shows_nothing_without_a_login(server: Server, page: TestClient, pump_path: str, pump: TherapyPump) -> None:
    server.rules.login = True
    assert page.get("/").headers["location"] == "/login"
    for path in ("/api/pumps", "/api/events", "/api/session", "/api/openapi.json", f"{pump_path}/chart", f"{pump_path}/journal.csv"):
        assert (page.get(path).status_code, kind(page.get(path))) == (401, "login_needed")
    for path in ("review", "confirm", "cancel", "calibrate"):
        assert kind(page.post(f"{pump_path}/{path}", json=RUN)) == "login_needed"
    assert page.get("/login").status_code == 200
    wait_until(lambda: "status" in pump.executed)
    assert not {"start", "program.activate", "bolus.start"} & set(pump.executed)
