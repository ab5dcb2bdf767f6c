"""Logins with a role key: what they allow, what they do not, how often a key may be tried; the server signs for nobody else."""

import pytest
from starlette.testclient import TestClient

from pumpcore.faults.faults import Refusal
from support.host.fake_pump import wait_until
from support.host.therapy_pump import TherapyPump
from support.page.asked import URL
from thecal.errors import NoKey
from thecal.pump import keys as stored
from thecal.pump.client import Client
from thecal.pump.signing import KEY_BYTES, ROLES, text_of
from thecal.web import sessions as sessions_module
from thecal.web.server import Server
from thecal.web.sessions import COOKIE, Sessions, nobody

KEYS = {role: bytes([number]) * KEY_BYTES for number, role in enumerate(ROLES, 0xA1)}
RUN = {"kind": "run", "rate": "1 mL/h", "duration": "2 h"}
BOLUS = {"kind": "bolus", "volume": "50 uL", "rate": "2 mL/h"}


@pytest.fixture
def keyed(page: TestClient, server: Server, pump: TherapyPump, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bytes]]:
    """Give the pump keys; return the proofs that it was asked for."""
    tried: list[tuple[str, bytes]] = []

    def proves(self: Client, role: str, key: bytes) -> bool:
        tried.append((role, key))
        return KEYS[role] == key

    status = pump.do_status
    pump.do_status = lambda: {**status(), "keys": "set"}
    pump.do_key_challenge = lambda: {"challenge": "00" * 16, "valid_ms": 60_000}
    monkeypatch.setattr(Client, "proves", proves)
    wait_until(lambda: server.fleet.all()[0].keys == "set")
    return tried


def login(page: TestClient, role: str, key: str | None = None, **more: str) -> object:
    return page.post("/login", data={"role": role, "key": key or KEYS[role].hex(), **more})


def kind(answer: object) -> str:
    return str(answer.json()["error"]["kind"])


def test_nothing_is_changed_without_a_login_where_keys_are_set(page: TestClient, pump_path: str, keyed: list, pump: TherapyPump) -> None:
    for path, body in (("review", RUN), ("review", BOLUS), ("cancel", {"token": "0" * 16}), ("calibrate", {"step": "plan"})):
        answer = page.post(f"{pump_path}/{path}", json=body)
        assert (answer.status_code, kind(answer)) == (403, "role")
    assert page.post(f"{pump_path}/stop").status_code == 200
    assert not {"program.stage", "bolus.token"} & set(pump.executed)


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_do_its_part(page: TestClient, pump_path: str, keyed: list, role: str) -> None:
    answer = login(page, role)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    (shown,) = page.get("/api/session").json()["roles"].values()
    assert shown == role
    allowed = {"look": 0, "operate": 1, "program": 2}[role]
    for needed, asked in ((1, BOLUS), (2, RUN)):
        answer = page.post(f"{pump_path}/review", json=asked)
        assert (answer.status_code == 403) == (allowed < needed), answer.text


def test_the_cookie_is_for_this_server_alone(page: TestClient, keyed: list, server: Server) -> None:
    text = login(page, "look").headers["set-cookie"]
    assert text.startswith(f"{COOKIE}=") and "HttpOnly" in text and "SameSite=strict" in text and "Path=/" in text
    server.rules.hosts.secure = True
    page.headers["Origin"] = URL.replace("http", "https")
    assert "Secure" in login(page, "look").headers["set-cookie"]


@pytest.mark.parametrize("key", ["", "0" * 64, "x" * 64, "0" * 63, KEYS["look"].hex()[:-1] + "g", "\u00e4" * 64])
def test_a_wrong_key_logs_nobody_in(page: TestClient, keyed: list, key: str) -> None:
    answer = page.post("/login", data={"role": "look", "key": key})
    assert answer.status_code in (403, 422) and "set-cookie" not in answer.headers
    assert page.get("/api/session").json()["logged_in"] is False


def test_a_key_is_right_for_its_own_role_only(page: TestClient, keyed: list) -> None:
    assert login(page, "program", KEYS["look"].hex()).status_code == 403
    assert keyed == [("program", KEYS["look"])]


def test_the_line_of_thecal_key_show_names_its_role(page: TestClient, keyed: list) -> None:
    assert login(page, "look", text_of("operate", KEYS["operate"])).status_code == 303
    assert list(page.get("/api/session").json()["roles"].values()) == ["operate"]


def test_five_wrong_keys_a_minute_and_no_more_although_a_stop_still_passes(page: TestClient, pump_path: str, keyed: list) -> None:
    for _ in range(5):
        assert login(page, "look", "0" * 64).status_code == 403
    assert login(page, "look").status_code == 429 and len(keyed) == 5
    assert page.post(f"{pump_path}/stop").status_code == 200


def test_logging_out_forgets_the_keys(page: TestClient, pump_path: str, keyed: list, server: Server) -> None:
    login(page, "program")
    cookie = page.cookies[COOKIE]
    assert page.post("/logout").headers["location"] == "/login"
    page.cookies.set(COOKIE, cookie)
    assert page.get("/api/session").json()["logged_in"] is False
    assert page.post(f"{pump_path}/review", json=BOLUS).status_code == 403


def test_a_new_login_has_a_new_cookie_and_ends_the_old_one(page: TestClient, keyed: list) -> None:
    login(page, "look")
    first = page.cookies[COOKIE]
    login(page, "operate")
    assert page.cookies[COOKIE] != first
    assert page.get("/api/session", headers={"Cookie": f"{COOKIE}={first}"}).json()["logged_in"] is False


def test_a_review_can_be_confirmed_by_its_own_login_only(page: TestClient, pump_path: str, keyed: list, server: Server) -> None:
    login(page, "program")
    made = page.post(f"{pump_path}/review", json=RUN).json()
    page.cookies.clear()
    login(page, "program")
    answer = page.post(f"{pump_path}/confirm", json={"review": made["review"]})
    assert (answer.status_code, kind(answer)) == (409, "review_void")


def test_a_session_ends_after_twelve_hours(monkeypatch: pytest.MonkeyPatch) -> None:
    sessions = Sessions()
    token = sessions.begin(None, {"ab": ("look", b"k")}).token
    assert sessions.get(token) is not None and sessions.get(token + "x") is None and sessions.get("") is None
    monkeypatch.setattr(sessions_module, "LASTS_S", -1)
    assert sessions.get(token) is None


def test_a_login_signs_for_its_own_pump_and_role_only() -> None:
    session = Sessions().begin(None, {"ab": ("operate", KEYS["operate"])})
    assert session.signer("ab")("start", b"{}", b"c" * 16).role == "operate"
    for pump, method in (("ab", "program.activate"), ("cd", "start")):
        with pytest.raises(NoKey):
            session.signer(pump)(method, b"{}", b"c" * 16)
    with pytest.raises(NoKey):
        nobody()("program.read", b"{}", b"c" * 16)


@pytest.mark.rule("R1")
def test_the_server_never_signs_with_the_keys_of_this_computer(
    page: TestClient, pump_path: str, keyed: list, pump: TherapyPump, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "load", lambda unique_id: pytest.fail("the keys of this computer were read"))

    def refuse(**params: object) -> dict:
        raise Refusal("busy")

    pump.do_program_read = refuse
    stored.save(pump.unique_id, stored.Held(KEYS))
    server.fleet.all()[0].move(pump.port_url)
    wait_until(lambda: server.fleet.all()[0].known.online)
    page.get(f"{pump_path}/program")
    page.post(f"{pump_path}/review", json=RUN)
    page.post(f"{pump_path}/stop")


def test_a_pump_without_keys_can_t_be_changed_from_other_computers(page: TestClient, pump_path: str, server: Server) -> None:
    session = server.rules.sessions.begin(None, {"other": ("program", KEYS["program"])})
    server.rules.login = True
    page.cookies.set(COOKIE, session.token)
    answer = page.post(f"{pump_path}/review", json=RUN)
    assert (answer.status_code, kind(answer)) == (403, "no_keys")
    assert page.post(f"{pump_path}/stop").status_code == 200
