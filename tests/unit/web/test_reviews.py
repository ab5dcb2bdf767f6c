"""The two steps of an order: the review sends nothing, the confirmation sends once; and what makes a review void."""

import pytest
from starlette.testclient import TestClient

from support.host.cli import LIBRARY
from support.host.therapy_pump import TherapyPump
from thecal.pump import exchange
from thecal.web import pump as pumps
from thecal.web import reviews
from thecal.web.server import Server

RUN = {"kind": "run", "rate": "1 mL/h", "duration": "2 h"}
BOLUS = {"kind": "bolus", "volume": "50 uL", "rate": "2 mL/h"}
RX = 'title = "A"\ndrug = "water"\n\n[basal]\nrate = "0.5 mL/h"\n'


def review(page: TestClient, path: str, **asked: object) -> dict:
    answer = page.post(f"{path}/review", json=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


def confirm(page: TestClient, path: str, made: dict) -> object:
    return page.post(f"{path}/confirm", json={"review": made["review"]})


def kind(answer: object) -> str:
    return str(answer.json()["error"]["kind"])


def moved(pump: TherapyPump) -> list[str]:
    return [one for one in pump.executed if one in ("start", "program.activate", "bolus.start", "bolus.demand", "temporary.start", "ack")]


def test_a_review_sends_nothing_and_its_confirmation_sends_once(page: TestClient, pump_path: str, pump: TherapyPump) -> None:
    made = review(page, pump_path, **RUN)
    assert moved(pump) == [] and made["question"] == "Run it now?" and 0 < made["expires_s"] <= 120
    assert ["rate", "1 mL/h"] in [row[:2] for row in made["rows"]] or any("1 mL/h" in cell for row in made["rows"] for cell in row)
    assert [row for part in made["parts"] for row in part["rows"]] == made["rows"]
    done = confirm(page, pump_path, made)
    assert done.status_code == 200 and done.json()["digest"] == made["digest"] == pump.digest()
    assert moved(pump) == ["program.activate", "start"]
    again = confirm(page, pump_path, made)
    assert (again.status_code, kind(again)) == (409, "review_void")
    assert moved(pump) == ["program.activate", "start"]


def test_a_review_is_void_when_the_pump_s_state_changed(page: TestClient, pump_path: str, pump: TherapyPump) -> None:
    made = review(page, pump_path, **RUN)
    pump.boot += 1
    answer = confirm(page, pump_path, made)
    assert answer.status_code == 409 and "changed after the review" in answer.json()["error"]["text"]
    assert moved(pump) == []


def test_a_review_is_void_after_two_minutes(
    page: TestClient, pump_path: str, pump: TherapyPump, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reviews, "VALID_S", -1)
    assert kind(confirm(page, pump_path, review(page, pump_path, **RUN))) == "review_void"
    assert moved(pump) == []


@pytest.mark.rule("R1")
def test_nothing_is_sent_after_a_stop_that_came_during_the_confirmation(
    server: Server, page: TestClient, pump_path: str, pump: TherapyPump
) -> None:
    """The confirmation of a run activates its program, then starts it: a STOP between the two is the last word."""
    activate = pump.do_program_activate

    def stopped_meanwhile(digest: str) -> dict:
        server.fleet.all()[0].turn.stop_begins()
        server.fleet.all()[0].turn.stop_ends()
        return activate(digest)

    made = review(page, pump_path, **RUN)
    pump.do_program_activate = stopped_meanwhile
    answer = confirm(page, pump_path, made)
    assert answer.status_code == 409 and "STOP" in answer.json()["error"]["text"]
    assert moved(pump) == ["program.activate"] and pump.state == "stopped"


@pytest.mark.rule("R1")
def test_a_thecal_stop_in_a_terminal_ends_a_confirmation_too(page: TestClient, pump_path: str, pump: TherapyPump) -> None:
    from thecal.pump.transport import registry

    activate, made = pump.do_program_activate, review(page, pump_path, **RUN)
    pump.do_program_activate = lambda digest: registry.note_stop(pump.port_url) or activate(digest)
    assert confirm(page, pump_path, made).status_code == 409
    assert "start" not in pump.executed


def test_a_review_belongs_to_its_pump(page: TestClient, pump_path: str) -> None:
    made = review(page, pump_path, **RUN)
    assert page.post("/api/pumps/other/confirm", json={"review": made["review"]}).status_code == 404


@pytest.mark.parametrize(
    ("asked", "method"),
    [
        (BOLUS, "bolus.start"),
        ({"kind": "bolus", "volume": "50 uL", "over": "1 h"}, "bolus.extended"),
        ({"kind": "bolus"}, "bolus.demand"),
        ({"kind": "temporary", "percent": "50", "duration": "2 h"}, "temporary.start"),
        ({"kind": "temporary", "rate": "0.2 mL/h", "duration": "2 h"}, "temporary.start"),
        ({"kind": "prime", "rate": "2 mL/h"}, "bolus.prime"),
        ({"kind": "refill", "measured": "4 mL", "filled": "10 mL"}, "reservoir.refill"),
        ({"kind": "start"}, "start"),
        ({"kind": "program", "prescription": RX, "file_name": "../x.toml"}, "program.activate"),
        ({"kind": "ack", "fault": 612}, "ack"),
    ],
)
def test_every_kind_of_order(page: TestClient, pump_path: str, pump: TherapyPump, asked: dict, method: str) -> None:
    pump.alarms.append(612)
    pump.state = "running" if method.startswith(("bolus", "temporary")) and method != "bolus.prime" else "stopped"
    made = review(page, pump_path, **asked)
    assert made["kind"] == asked["kind"] and made["question"] and made["text"] and method not in pump.executed
    done = confirm(page, pump_path, made)
    assert done.status_code == 200, done.text
    assert method in pump.executed and done.json()["text"]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"kind": "run"}, "nothing to run"),
        ({"kind": "run", "rate": "5 mL"}, "rate"),
        ({"kind": "run", "rate": "1 mL/h", "volume": "1 mL", "duration": "1 h"}, ""),
        ({"kind": "bolus", "volume": "50 uL"}, "rate"),
        ({"kind": "temporary", "duration": "2 h"}, "rate"),
        ({"kind": "temporary", "rate": "1 mL/h"}, "duration"),
        ({"kind": "prime"}, "rate"),
        ({"kind": "program"}, "prescription"),
        ({"kind": "program", "prescription": "title = "}, "x.toml"),
        ({"kind": "refill", "measured": "1 mL"}, ""),
        ({"kind": "ack"}, "alarm"),
    ],
)
def test_a_wrong_order_says_what_is_wrong_and_sends_nothing(
    page: TestClient, pump_path: str, pump: TherapyPump, asked: dict, words: str
) -> None:
    answer = page.post(f"{pump_path}/review", json={"file_name": "x.toml", **asked})
    assert answer.status_code == 422 and kind(answer) == "bad_input", answer.text
    error = answer.json()["error"]
    assert error["do"] and words in error["text"] and "/tmp" not in answer.text
    assert moved(pump) == []


@pytest.mark.parametrize(
    "body", [{"kind": "reboot"}, {"kind": "run", "more": 1}, [], None, {"kind": "run", "rate": 5}, {"kind": "run", "rate": "x" * 300}]
)
def test_a_request_of_another_shape_is_refused(page: TestClient, pump_path: str, body: object) -> None:
    answer = page.post(f"{pump_path}/review", json=body)
    assert (answer.status_code, kind(answer)) == (422, "bad_request")


def test_each_soft_limit_needs_a_word_of_its_own(page: TestClient, pump_path: str, pump: TherapyPump) -> None:
    library = (LIBRARY / "data" / "bench-fluids.toml").read_text(encoding="utf-8")
    words: list[str] = []
    while True:
        asked = {"kind": "program", "prescription": soft(), "library": library, "overrides": words}
        answer = page.post(f"{pump_path}/review", json=asked)
        if answer.status_code == 200:
            break
        assert (answer.status_code, kind(answer)) == (409, "soft_limit"), answer.text
        words.append(answer.json()["error"]["do"].split("add ")[1].split(" ")[0])
    assert words == ["rate", "day"]


def soft() -> str:
    """A prescription beyond a soft rate of the shipped library, within its hard one."""
    return 'title = "A"\ndrug = "dye in water"\nconcentration = "500 ug/mL"\n\n[basal]\nrate = "1.02 mL/h"\n'


def test_cancel_ends_an_order_by_its_token(page: TestClient, pump_path: str, pump: TherapyPump) -> None:
    pump.state = "running"
    done = confirm(page, pump_path, review(page, pump_path, **BOLUS)).json()
    answer = page.post(f"{pump_path}/cancel", json={"token": done["reply"]["token"]})
    assert answer.status_code == 200 and "cancelled" in answer.json()["text"]
    assert pump.boluses[done["reply"]["token"]] == "cancelled"


def test_a_lost_answer_is_an_unknown_outcome(page: TestClient, pump_path: str, pump: TherapyPump, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pumps, "REPLY_TIMEOUT_S", 0.1)
    monkeypatch.setattr(exchange, "PATIENCE_S", 0.3)
    made = review(page, pump_path, kind="start")
    pump.trouble = {"start": ["mute"] * 200, "status": []}
    start = pump.do_start
    pump.do_start = lambda: pump.trouble["status"].extend(["silent"] * 400) or start()
    answer = confirm(page, pump_path, made)
    assert (answer.status_code, kind(answer)) == (504, "unknown_outcome"), answer.text
    assert pump.executed.count("start") == 1
