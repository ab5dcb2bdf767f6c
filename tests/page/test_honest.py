"""What the page says when it does not know: a server that is gone, a pump that is unplugged, alarms, sound, words for a screen reader."""

import re
import time
from collections.abc import Callable

import pytest

from support.page import fixtures
from support.page.fake_server import FakeServer
from support.page.screen import Screen

pytestmark = pytest.mark.long  # `make test` leaves them to test-long and test-page

XSS = "<img src=x onerror=\"document.title='broken'\">"


def test_a_killed_server_is_shown_at_once_with_the_age_of_what_is_seen(fake: FakeServer, screen: Screen) -> None:
    screen.page.get_by_text("Live", exact=True).wait_for()
    fake.die()
    began_s = time.monotonic()
    screen.page.locator("#lost").get_by_text("No connection to the server.").wait_for()
    assert time.monotonic() - began_s < 1.5
    card = screen.page.get_by_label("flow-1", exact=True)
    assert "Not live" in card.inner_text()
    screen.page.wait_for_timeout(2100)
    assert re.search(r"Last seen [2-4] s ago: running\.", card.inner_text())
    assert re.search(r"Last seen [2-4] s ago", screen.text("#lost"))
    assert "goes on by itself" in screen.text("#lost")
    fake.start()
    screen.page.locator("#lost").wait_for(state="hidden")
    card.get_by_text("Running").wait_for()


def test_a_server_that_falls_silent_without_closing_is_found_out(fake: FakeServer, screen: Screen) -> None:
    """A cable between tablet and server: no end of the connection is seen, only silence."""
    screen.page.get_by_text("Live", exact=True).wait_for()
    fake.mute = True
    screen.page.locator("#lost").get_by_text("No connection").wait_for(timeout=12_000)
    fake.mute = False
    screen.page.locator("#lost").wait_for(state="hidden")


def test_an_unplugged_pump_is_not_live_and_says_when_it_was_seen(fake: FakeServer, screen: Screen) -> None:
    away = {"kind": "no_pump", "text": "the port is gone", "do": "look at the cable"}
    fake.push("p2", online=False, error=away, asof_utc_s=int(time.time()) - 12)
    card = screen.page.get_by_label("flow-2", exact=True)
    card.get_by_text("Not live").wait_for()
    assert re.search(r"Last seen 1[2-4] s ago: running\. The port is gone\. Look at the cable\.", card.inner_text())
    assert screen.page.locator("#lost").is_hidden(), "the server itself is there"
    assert screen.text("#say") == "flow-2: does not answer"
    fake.push("p2", online=True, error=None)
    card.get_by_text("Running").wait_for()


def test_a_pump_that_comes_or_goes_is_shown_without_a_reload(fake: FakeServer, screen: Screen) -> None:
    screen.page.get_by_text("Live", exact=True).wait_for()
    fake.push("p1")
    fake.pumps["p9"] = fixtures.pump(9)
    fake.push("p9")
    screen.page.get_by_role("heading", name="flow-9").wait_for()
    fake.send("gone", {"id": "p9"})
    screen.page.get_by_role("heading", name="flow-9").wait_for(state="detached")


def test_a_change_of_state_is_said_to_a_screen_reader(fake: FakeServer, screen: Screen) -> None:
    screen.page.get_by_text("Live", exact=True).wait_for()
    fake.push("p1", state="stopped", state_text="stopped")
    screen.until("document.getElementById('say').textContent === 'flow-1: Stopped'")
    assert screen.page.locator("#say").get_attribute("role") == "status"
    assert screen.page.locator("#shout").get_attribute("role") == "alert"


def test_an_alarm_is_in_the_title_the_list_the_tab_and_the_speaker(fake: FakeServer, screen: Screen) -> None:
    page = screen.page
    page.get_by_role("button", name="Sound off").click()
    page.get_by_role("button", name="Sound on").wait_for()
    tones = int(page.evaluate("document.documentElement.dataset.tones"))
    assert tones == 1, "switching it on is heard"
    fake.push("p1", alarms=[fixtures.GUARD], state="alarm", state_text="alarm")
    screen.until("document.title.startsWith('▲ ALARM flow-1: the guard counted')")
    page.locator("#alarms").get_by_text("flow-1: the guard counted").wait_for()
    assert page.locator("#favicon").get_attribute("href") == "/page/icon-alarm.svg"
    assert "Check the wiring" in screen.text("#shout")
    screen.until(f"Number(document.documentElement.dataset.tones) > {tones}")
    page.locator("#alarms a").click()
    page.get_by_role("button", name="Acknowledge").click()
    page.get_by_role("region", name="Review").get_by_role("button", name="Acknowledge").click()
    page.get_by_text("Ack: done.").wait_for()
    screen.until("document.title === 'thecal'")
    assert ("p1/review", {"kind": "ack", "fault": fixtures.GUARD["fault"]}) in fake.asked


def test_sound_that_was_on_asks_for_one_click_after_a_reload(fake: FakeServer, screen: Screen) -> None:
    screen.page.get_by_role("button", name="Sound off").click()
    screen.page.get_by_role("button", name="Sound on").wait_for()
    screen.page.reload()
    screen.page.get_by_role("button", name="Sound: click once").wait_for()
    screen.page.get_by_role("heading", name="flow-1").click()
    screen.page.get_by_role("button", name="Sound on").wait_for()


def test_text_of_a_pump_never_becomes_markup(fake: FakeServer, screen: Screen) -> None:
    fake.push("p1", name=XSS, rate_text=XSS, alarms=[{**fixtures.GUARD, "text": XSS, "do": XSS}], program={"name": XSS, "digest": "0"})
    screen.page.get_by_role("heading", name=XSS).wait_for()
    assert screen.page.locator("main img").count() == 0


def test_the_page_loads_nothing_from_elsewhere(fake: FakeServer, open_screen: Callable[..., Screen]) -> None:
    screen = open_screen("about:blank")
    hosts: set[str] = set()
    screen.page.on("request", lambda request: hosts.add(request.url.split("/")[2]))
    screen.page.goto(fake.address)
    screen.page.get_by_role("heading", name="flow-1").wait_for()
    screen.go("#/pump/p1/now")
    screen.page.locator(".plot canvas").first.wait_for()
    assert hosts == {fake.address.removeprefix("http://")}


def test_no_pump_says_what_to_do(open_screen: Callable[..., Screen]) -> None:
    empty = FakeServer([]).start()
    try:
        open_screen(empty.address).page.get_by_text("No pump was found. Plug one in").wait_for()
    finally:
        empty.die()


def test_a_button_does_not_move_or_lose_the_focus_when_the_numbers_change(fake: FakeServer, screen: Screen) -> None:
    screen.page.get_by_text("Live", exact=True).wait_for()
    stopper = screen.page.get_by_role("button", name="STOP flow-2")
    stopper.focus()
    before = stopper.element_handle()
    for number in range(5):
        fake.push("p2", rate_text=f"0.{number} mL/h")
    screen.page.get_by_text("0.4 mL/h").wait_for()
    assert screen.page.evaluate("(one) => one.isConnected && document.activeElement === one", before)


def test_a_server_that_was_started_again_takes_orders_without_a_reload(fake: FakeServer, screen: Screen) -> None:
    screen.go("#/pump/p1/order/bolus")
    screen.page.get_by_label("Volume").fill("20 uL")
    fake.die()
    fake.secret = "another"
    fake.start()
    screen.page.get_by_text("Live", exact=True).wait_for()
    screen.page.get_by_role("button", name="Review").click()
    screen.page.get_by_role("button", name="Give this bolus").wait_for()


def test_a_pump_with_keys_offers_the_login_and_says_the_role(fake: FakeServer, screen: Screen) -> None:
    screen.page.get_by_text("Live", exact=True).wait_for()
    assert screen.page.get_by_role("link", name="Log in").count() == 0, "no pump has keys: physical access decides"
    fake.push("p1", keys="set")
    screen.page.get_by_role("link", name="Log in").wait_for()
    screen.page.get_by_text("keys set, you are not logged in").wait_for()
    fake.session = {"logged_in": True, "roles": {"p1": "operate"}}
    screen.page.reload()
    screen.page.get_by_text("keys set, you may operate").wait_for()
    screen.page.get_by_role("button", name="Log out").click()
    screen.page.get_by_role("heading", name="thecal: log in").wait_for()


def test_an_answer_that_an_event_overtook_does_not_bring_the_past_back(fake: FakeServer, screen: Screen) -> None:
    screen.page.get_by_text("Live", exact=True).wait_for()
    fake.slow_s = {"pumps": 1.0}
    screen.page.get_by_role("button", name="STOP flow-2").click()
    screen.page.get_by_text("flow-2: stopped.").wait_for()
    screen.page.wait_for_timeout(300)
    fake.push("p1", state="stopped", state_text="stopped")
    card = screen.page.get_by_label("flow-1", exact=True)
    card.get_by_text("Stopped").wait_for()
    screen.page.wait_for_timeout(1500)
    assert "Stopped" in card.inner_text()


def test_a_card_and_a_screen_say_by_which_law_a_pump_doses_and_why(fake: FakeServer, screen: Screen) -> None:
    why = "by angle: the rotor's angle is unknown since a fault stopped the pump"
    fake.push("p1", law_text=why)
    card = screen.page.get_by_label("flow-1", exact=True)
    card.get_by_text(f"doses {why}").wait_for()
    assert "doses" not in screen.page.get_by_label("flow-2", exact=True).inner_text()
    fake.push("p1", law_text="by volume")
    card.get_by_text("doses by volume").wait_for()
    screen.go("#/pump/p1/now")
    screen.page.get_by_text("doses by volume").wait_for()
