"""STOP: on every screen, one click, by keyboard, beside everything else, with its outcome."""

import time
from collections.abc import Callable

import pytest

from support.page.fake_server import FakeServer, Refusal
from support.page.screen import Screen

PLACES = ("#/", "#/pump/p1/now", "#/pump/p1/order/run", "#/pump/p1/program", "#/pump/p1/calibrate", "#/pump/p1/records")
QUICK_S = 0.15


def stops(fake: FakeServer) -> list[str]:
    return [path for path, _ in fake.asked if path.endswith("/stop")]


@pytest.mark.rule("R1")
@pytest.mark.parametrize("place", PLACES)
def test_one_click_on_every_screen_stops_and_shows_the_outcome(fake: FakeServer, screen: Screen, place: str) -> None:
    screen.go(place)
    screen.page.locator("#stop-main").click()
    names = "flow-1, flow-2, flow-3" if place == "#/" else "flow-1"
    screen.page.locator("#stop-results").get_by_text(f"{names}: stopped. This run delivered 0.94 uL in 4 s.").wait_for()
    assert set(stops(fake)) == ({"p1/stop", "p2/stop", "p3/stop"} if place == "#/" else {"p1/stop"})


def test_each_card_stops_its_own_pump(fake: FakeServer, screen: Screen) -> None:
    screen.page.get_by_role("button", name="STOP flow-2").click()
    screen.page.get_by_text("flow-2: stopped.").wait_for()
    assert stops(fake) == ["p2/stop"]
    screen.page.get_by_label("flow-2", exact=True).get_by_text("Stopped").wait_for()


def test_stop_needs_no_secret(fake: FakeServer, screen: Screen) -> None:
    screen.page.evaluate("document.querySelector('meta[name=thecal-secret]').remove()")
    screen.page.keyboard.press("Alt+s")
    screen.page.get_by_text("flow-1, flow-2, flow-3: stopped.").wait_for()


def test_stop_waits_for_no_other_request(fake: FakeServer, screen: Screen) -> None:
    """A chart, a review and a program hang in the server; STOP passes in the same moment."""
    fake.slow_s = {"review": 5}
    screen.go("#/pump/p1/order/run")
    for _ in range(6):
        screen.page.get_by_role("button", name="Review").click()
    began_s = time.monotonic()
    screen.page.locator("#stop-main").click()
    while not stops(fake) and time.monotonic() < began_s + 3:
        screen.page.wait_for_timeout(5)
    assert stops(fake) == ["p1/stop"] and time.monotonic() - began_s < QUICK_S + 0.3


def test_seven_tabs_of_one_browser_share_one_stream_and_stop_passes_in_the_last(
    fake: FakeServer, open_screen: Callable[..., Screen]
) -> None:
    """A browser opens six connections to a server; a stream a tab would use them up."""
    first = open_screen(fake.address)
    tabs = [open_screen(fake.address) for _ in range(6)]
    tabs[-1].page.get_by_role("heading", name="flow-1").wait_for()
    tabs[-1].page.wait_for_timeout(1200)
    assert tabs[-1].text("#link") == "Live"
    assert len(fake.streams) == 1
    tabs[-1].page.locator("#stop-main").click()
    tabs[-1].page.get_by_text("flow-1, flow-2, flow-3: stopped.").wait_for()
    first.page.get_by_label("flow-1", exact=True).get_by_text("Stopped").wait_for()


def test_the_next_tab_takes_the_stream_when_its_holder_closes(fake: FakeServer, open_screen: Callable[..., Screen]) -> None:
    first = open_screen(fake.address)
    first.page.get_by_text("Live", exact=True).wait_for()
    second = open_screen(fake.address)
    second.page.get_by_text("Live", exact=True).wait_for()
    first.page.close()
    second.page.wait_for_timeout(1500)
    fake.push("p1", rate_text="0.7 mL/h")
    second.page.get_by_text("0.7 mL/h").wait_for()


@pytest.mark.parametrize(
    ("status", "text", "remedy"),
    [(504, "the pump did not answer in time", "cut the motor's supply"), (503, "the port is gone", "look at the cable")],
)
def test_a_stop_that_fails_says_so_and_stays_on_the_screen(fake: FakeServer, screen: Screen, status: int, text: str, remedy: str) -> None:
    def refuse(*_: object) -> dict:
        raise Refusal(status, "unknown_outcome", text, remedy)

    fake.answers["stop"] = refuse
    screen.go("#/pump/p1/now")
    screen.page.locator("#stop-main").click()
    line = screen.page.locator("#stop-results .bad")
    line.get_by_text("STOP is not confirmed").wait_for()
    assert text.lower() in line.inner_text().lower() and remedy.lower() in line.inner_text().lower()
    del fake.answers["stop"]
    screen.page.locator("#stop-main").click()
    screen.page.get_by_text("flow-1: stopped.").wait_for()
    assert screen.page.locator("#stop-results .result").count() == 1, "the newest outcome replaces the one before"


def test_a_stop_without_a_server_names_the_button_on_the_pump(fake: FakeServer, screen: Screen) -> None:
    screen.go("#/pump/p1/now")
    fake.die()
    screen.page.locator("#stop-main").click()
    screen.page.get_by_text("Press the stop button on the pump, or switch off the motor's supply.").wait_for()


def test_a_pump_that_still_moves_after_stop_is_not_called_stopped(fake: FakeServer, screen: Screen) -> None:
    fake.answers["stop"] = lambda *_: {"state": "running", "delivered_text": ""}
    screen.go("#/pump/p1/now")
    screen.page.locator("#stop-main").click()
    screen.page.locator("#stop-results .bad").get_by_text("flow-1: answered: running.").wait_for()


def test_stop_is_the_first_stop_of_the_tab_key_and_nothing_covers_it(screen: Screen) -> None:
    screen.page.keyboard.press("Tab")
    assert screen.page.evaluate("document.activeElement.id") == "stop-main"
    screen.page.keyboard.press("Enter")
    screen.page.get_by_text("flow-1, flow-2, flow-3: stopped.").wait_for()


def test_stop_works_on_the_login_page_for_the_pumps_that_this_browser_knows(fake: FakeServer, screen: Screen) -> None:
    screen.page.goto(f"{fake.address}/login")
    assert screen.wrong() == {}
    screen.page.get_by_role("button", name="STOP all 3 pumps").click()
    screen.page.get_by_text("flow-1, flow-2, flow-3: stopped.").wait_for()
