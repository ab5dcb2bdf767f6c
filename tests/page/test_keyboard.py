"""The whole page by keyboard alone, and the chart by keys and as a table."""

from collections.abc import Callable

import pytest

from support.page import fixtures
from support.page.fake_server import FakeServer
from support.page.screen import Screen

pytestmark = pytest.mark.long  # `make test` leaves them to test-long and test-page

FOCUSED = """() => {
  const one = document.activeElement;
  return (one.getAttribute('aria-label') || one.innerText || one.labels?.[0]?.innerText || one.id).trim();
}"""
VISIBLE = """() => {
  const one = document.activeElement;
  if (one.closest('#stopbar')) return true;
  const box = one.getBoundingClientRect();
  const bar = document.getElementById('stopbar').getBoundingClientRect();
  const outlined = getComputedStyle(one).outlineStyle !== 'none' || one.type === 'file' || one.name === 'span';
  return outlined && box.bottom <= bar.top + 1 && box.top >= -1;
}"""
MOST_KEYS = 60


def tab_to(screen: Screen, name: str) -> list[str]:
    """Press Tab until the control of that name has the focus; every one on the way is seen, outlined and not behind STOP."""
    way: list[str] = []
    for _ in range(MOST_KEYS):
        screen.page.keyboard.press("Tab")
        way.append(str(screen.page.evaluate(FOCUSED)))
        if way[-1]:
            assert screen.page.evaluate(VISIBLE) or way[-1].startswith("Chart"), f"{way[-1]} is hidden or without an outline"
        if way[-1].startswith(name):
            return way
    raise AssertionError(f"{name} was not reached: {way}")


def test_a_bolus_by_keyboard_alone(fake: FakeServer, screen: Screen) -> None:
    page = screen.page
    assert tab_to(screen, "flow-1")[0].startswith("STOP")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="flow-1").wait_for()
    tab_to(screen, "Order")
    page.keyboard.press("Enter")
    page.get_by_role("navigation", name="Orders").wait_for()
    tab_to(screen, "Bolus")
    page.keyboard.press("Enter")
    page.get_by_role("form", name="Bolus").wait_for()
    tab_to(screen, "Volume")
    page.keyboard.type("20 uL")
    page.keyboard.press("Tab")
    page.keyboard.type("2 mL/h")
    page.keyboard.press("Enter")
    page.get_by_role("region", name="Review").wait_for()
    assert page.evaluate("document.activeElement.tagName") == "H3", "the focus is on the review's question"
    tab_to(screen, "Give this bolus")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Bolus: done.").wait_for()
    assert [path for path, _ in fake.asked] == ["p1/review", "p1/confirm"]


def test_every_screen_is_walked_by_tab_at_360_px(fake: FakeServer, open_screen: Callable[..., Screen]) -> None:
    screen = open_screen(fake.address, width=360)
    screen.page.get_by_role("heading", name="flow-1").wait_for()
    screen.go("#/pump/p1/program")
    screen.page.locator("svg.day").wait_for()
    tab_to(screen, "Review")
    screen.go("#/pump/p1/now")
    screen.page.locator(".plot canvas").first.wait_for()
    tab_to(screen, "Events")


def test_the_chart_is_read_by_arrow_keys(screen: Screen) -> None:
    page = screen.page
    screen.go("#/pump/p1/now")
    page.locator(".plot canvas").first.wait_for()
    page.locator(".plot").first.focus()
    page.keyboard.press("Home")
    first = screen.text(".reading")
    page.keyboard.press("ArrowRight")
    second = screen.text(".reading")
    page.keyboard.press("End")
    last = screen.text(".reading")
    assert len({first, second, last}) == 3
    assert "planned 0 mL, delivered 0 mL" in first
    assert page.locator(".reading").get_attribute("role") == "status"


def test_the_chart_is_a_table_too_and_its_events_are_a_list(screen: Screen) -> None:
    page = screen.page
    screen.go("#/pump/p1/now")
    page.get_by_text("Chart as a table").click()
    page.locator("[data-name=points] tbody tr").first.wait_for()
    assert 50 < page.locator("[data-name=points] tbody tr").count() <= 110
    page.get_by_text("Events (4)").click()
    assert "the reservoir is low" in page.locator("[data-name=events] tbody tr").first.inner_text()


def test_the_chart_comes_back_whole_after_a_reload_and_in_another_span(screen: Screen) -> None:
    page = screen.page
    screen.go("#/pump/p1/now")
    page.get_by_text("30 days").click()
    screen.until("document.querySelectorAll('.plot canvas').length === 2")
    page.reload()
    page.locator(".plot canvas").first.wait_for()
    assert page.get_by_role("radio", name="30 days").is_checked()


def test_the_day_of_the_prescription_is_a_picture_with_words_and_a_table(screen: Screen) -> None:
    screen.go("#/pump/p1/program")
    picture = screen.page.get_by_role("img", name="Rates of the day: 00:00 to 06:00 0.3 mL/h, 06:00 to 08:00 0.8 mL/h")
    picture.wait_for()
    screen.page.get_by_text("Rates of the day as a table").click()
    assert screen.page.locator(".day-figure tbody tr").count() == 5


def test_steps_in_doubt_after_a_power_cut_are_a_line_of_their_own(fake: FakeServer, screen: Screen) -> None:
    whole = fixtures.chart("24h")
    fake.chart = lambda span: {**whole, "delivered_low_ml": [value * 0.99 for value in whole["delivered_ml"]]}
    screen.go("#/pump/p1/now")
    screen.page.locator(".plots").get_by_text("Delivered at least").wait_for()


def test_a_chart_whose_journal_is_still_read_says_so_and_asks_again(fake: FakeServer, screen: Screen) -> None:
    asked: list[str] = []

    def growing(span: str) -> fixtures.Json:
        asked.append(span)
        return {**fixtures.chart(span), "complete": len(asked) > 1, "done_permille": 400}

    fake.chart = growing
    screen.go("#/pump/p1/now")
    screen.page.get_by_text("Older parts of the journal are on their way (40 %).").wait_for()
    screen.page.get_by_text("From the pump's journal. Times are the pump's local time.").wait_for()
