"""Every order in two steps: a review that sends nothing, then the confirmation, and what the pump holds after it."""

from collections.abc import Callable

import pytest

from support.page import fixtures
from support.page.fake_server import FakeServer, Refusal
from support.page.screen import Screen

pytestmark = pytest.mark.long  # `make test` leaves them to test-long and test-page

ORDERS = [
    ("start", {}, "Start the pump", {}),
    ("run", {"Rate": "1 mL/h", "Time": "2 h", "Drug": "water"}, "Run now", {"rate": "1 mL/h", "duration": "2 h", "drug": "water"}),
    ("bolus", {"Volume": "20 uL", "Rate": "2 mL/h"}, "Give this bolus", {"volume": "20 uL", "rate": "2 mL/h"}),
    ("temporary", {"Or percentage": "50 %", "Time": "2 h"}, "Begin this rate", {"percent": "50 %", "duration": "2 h"}),
    ("prime", {"Rate": "2 mL/h"}, "Prime the line", {"rate": "2 mL/h"}),
    ("refill", {"Found in the reservoir": "2.1 mL", "Filled in": "16 mL"}, "Report the refill", {"measured": "2.1 mL", "filled": "16 mL"}),
    ("restore", {}, "Bring it back", {}),
]


def asked(fake: FakeServer, what: str) -> list[dict]:
    return [body for path, body in fake.asked if path.endswith(f"/{what}")]


@pytest.mark.parametrize(("kind", "typed", "verb", "sent"), ORDERS, ids=[order[0] for order in ORDERS])
def test_an_order_is_reviewed_then_confirmed(fake: FakeServer, screen: Screen, kind: str, typed: dict, verb: str, sent: dict) -> None:
    screen.go(f"#/pump/p1/order/{kind}")
    for label, text in typed.items():
        screen.page.get_by_label(label, exact=True).fill(text)
    screen.page.get_by_role("button", name="Review").click()
    review = screen.page.get_by_role("region", name="Review")
    review.get_by_role("heading", name=f"Carry out this {kind}?").wait_for()
    assert "Nothing was sent yet" in review.inner_text()
    assert asked(fake, "review") == [{"kind": kind, **sent}]
    assert asked(fake, "confirm") == []
    review.get_by_role("button", name=verb).click()
    screen.page.get_by_role("heading", name=f"{kind.capitalize()}: done.").wait_for()
    assert asked(fake, "confirm") == [{"review": "r0"}]


def test_going_back_sends_nothing(fake: FakeServer, screen: Screen) -> None:
    screen.go("#/pump/p1/order/bolus")
    screen.page.get_by_role("button", name="Review").click()
    screen.page.get_by_role("button", name="Back, send nothing").click()
    assert screen.page.get_by_role("region", name="Review").count() == 0
    assert asked(fake, "confirm") == []
    assert screen.page.evaluate("document.activeElement.id") == "bolus-volume"


def test_a_refusal_shows_the_cause_and_what_to_do(fake: FakeServer, screen: Screen) -> None:
    def refuse(*_: object) -> dict:
        raise Refusal(409, "rate_above_ceiling", "a rate is above the highest that is allowed: 12 mL/h, at most 10 mL/h", "lower the rate")

    fake.answers["review"] = refuse
    screen.go("#/pump/p1/order/run")
    screen.page.get_by_role("button", name="Review").click()
    alert = screen.page.locator(".panel.bad")
    alert.get_by_text("Lower the rate.").wait_for()
    assert "12 mL/h, at most 10 mL/h" in alert.inner_text() and "Nothing was sent" in alert.inner_text()


def test_a_review_that_expired_can_not_be_confirmed(fake: FakeServer, screen: Screen) -> None:
    parts = [{"kind": "columns", "rows": [["a", "b"]]}]
    shown = {"question": "Run?", "rows": parts[0]["rows"], "parts": parts, "text": "", "digest": None}
    short = {"review": "r9", "kind": "run", **shown, "expires_s": 1}
    fake.answers["review"] = lambda *_: short
    screen.go("#/pump/p1/order/run")
    screen.page.get_by_role("button", name="Review", exact=False).first.click()
    screen.page.get_by_text("This review has expired. Nothing was sent.").wait_for()
    assert screen.page.get_by_role("button", name="Run now").is_disabled()
    screen.page.get_by_role("button", name="Review again").click()
    screen.page.get_by_text("valid for").wait_for()


def test_a_confirmation_without_an_answer_is_called_unknown(fake: FakeServer, screen: Screen) -> None:
    screen.go("#/pump/p1/order/bolus")
    screen.page.get_by_role("button", name="Review").click()
    screen.page.get_by_role("button", name="Give this bolus").wait_for()
    fake.die()
    screen.page.get_by_role("button", name="Give this bolus").click()
    screen.page.get_by_role("heading", name="The outcome is unknown").wait_for()
    screen.page.get_by_text("Look at the pump's state before you repeat the order.").wait_for()


def test_a_pump_that_holds_another_program_than_the_reviewed_one_is_shouted(fake: FakeServer, screen: Screen) -> None:
    fake.answers["confirm"] = lambda *_: {"reply": {}, "digest": fixtures.DIGEST, "text": "uploaded"}
    screen.go("#/pump/p1/order/run")
    screen.page.get_by_role("button", name="Review").click()
    screen.page.get_by_role("button", name="Run now").click()
    screen.page.get_by_text("The pump holds another program than the one you reviewed").wait_for()


DROP = """(text) => { const zone = document.querySelector('.drop'); const data = new DataTransfer();
  data.items.add(new File([text], 'feed.toml', { type: 'text/plain' }));
  zone.dispatchEvent(new DragEvent('dragover', { dataTransfer: data, bubbles: true, cancelable: true }));
  zone.dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true })); }"""


@pytest.mark.parametrize("way", ["drop", "button", "paste"])
def test_a_prescription_is_uploaded(fake: FakeServer, screen: Screen, way: str) -> None:
    screen.go("#/pump/p1/program")
    page = screen.page
    if way == "drop":
        page.evaluate(DROP, fixtures.TOML)
    elif way == "button":
        file = {"name": "feed.toml", "mimeType": "text/plain", "buffer": fixtures.TOML.encode()}
        page.get_by_label("Choose a file").set_input_files(file)
    else:
        page.get_by_label("Prescription (TOML)").fill(fixtures.TOML)
    if way != "paste":
        page.get_by_text("Read feed.toml.").wait_for()
    page.get_by_role("button", name="Review").click()
    review = page.get_by_role("region", name="Review")
    assert "My first prescription" in review.inner_text()
    review.get_by_role("button", name="Upload and activate").click()
    page.get_by_text("It holds what you reviewed: digest 40c1be5512a7").wait_for()
    name = "prescription.toml" if way == "paste" else "feed.toml"
    assert asked(fake, "review") == [{"kind": "program", "prescription": fixtures.TOML, "file_name": name}]


def test_a_soft_limit_is_confirmed_by_its_word(fake: FakeServer, screen: Screen) -> None:
    screen.go("#/pump/p1/order/run")
    screen.page.get_by_text("Confirm a soft limit of the drug library").click()
    screen.page.get_by_label("bolus", exact=True).check()
    screen.page.get_by_role("button", name="Review").click()
    screen.page.get_by_role("region", name="Review").wait_for()
    assert asked(fake, "review") == [{"kind": "run", "overrides": ["bolus"]}]


def test_a_bolus_that_runs_is_ended_by_its_token(fake: FakeServer, screen: Screen) -> None:
    fake.push("p1", orders=[{"token": "800001000025a820", "kind": "bolus", "text": "delivering, 6.2 of 19.99 uL, 24 s left"}])
    screen.go("#/pump/p1/now")
    screen.page.get_by_role("button", name="End it: Bolus: delivering").click()
    screen.page.get_by_text("The bolus has ended").wait_for()
    assert asked(fake, "cancel") == [{"token": "800001000025a820"}]


def test_the_calibration_wizard_from_plan_to_store(fake: FakeServer, screen: Screen) -> None:
    screen.go("#/pump/p3/calibrate")
    page = screen.page
    page.get_by_label("Name of the tube").fill("T1")
    page.get_by_label("Number of runs").fill("2")
    page.get_by_role("button", name="Plan the runs").click()
    for run in (1, 2):
        page.get_by_role("button", name=f"Start run {run} of 2").click()
        page.get_by_role("progressbar").wait_for()
        fake.wizard = fixtures.wizard("weigh", run)
        page.get_by_label("Weight after the run").fill("1.0023 g")
        page.get_by_role("button", name="Take this weight").click()
    page.get_by_role("button", name="Store this calibration").click()
    page.get_by_role("heading", name="Stored and read back").wait_for()
    steps = [body["step"] for body in asked(fake, "calibrate")]
    assert steps == ["plan", "run", "mass", "run", "mass", "store"]
    assert asked(fake, "calibrate")[2] == {"wizard": "w1", "step": "mass", "mass": "1.0023 g", "tare": "0 g"}


@pytest.mark.parametrize("name", ["Journal (CSV)", "Report (page)", "Comparison (CSV)"])
def test_records_are_downloaded(screen: Screen, name: str) -> None:
    screen.go("#/pump/p1/records")
    with screen.page.expect_download() as download:
        screen.page.get_by_role("link", name=name).click()
    assert download.value.suggested_filename.split(".")[0] in ("journal", "report", "compare")


def test_two_browsers_see_the_same_pump(fake: FakeServer, screen: Screen, open_screen: Callable[..., Screen]) -> None:
    other = open_screen(fake.address, width=360)
    other.page.get_by_role("heading", name="flow-3").wait_for()
    other.page.get_by_text("Live", exact=True).wait_for()
    screen.go("#/pump/p3/order/run")
    screen.page.get_by_label("Rate", exact=True).fill("1.5 mL/h")
    screen.page.get_by_role("button", name="Review").click()
    screen.page.get_by_role("button", name="Run now").click()
    other.page.get_by_label("flow-3", exact=True).get_by_text("1.5 mL/h").wait_for()
    other.page.get_by_role("button", name="STOP flow-3").click()
    screen.page.locator(".pump-head .badge", has_text="Stopped").wait_for()
