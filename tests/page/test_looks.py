"""Every screen at 360, 768 and 1400 px, light and dark: nothing is cut, nameless, faint, or over STOP. The pictures are made here."""

import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.page import fixtures
from support.page.fake_server import FakeServer
from support.page.screen import Screen

pytestmark = pytest.mark.long  # `make test` leaves them to test-long and test-page

PICTURES = Path(__file__).resolve().parents[2] / "host" / "page"
SCREENS = {
    "pumps": "#/",
    "now": "#/pump/p1/now",
    "order": "#/pump/p1/order/bolus",
    "prescription": "#/pump/p1/program",
    "calibrate": "#/pump/p1/calibrate",
    "records": "#/pump/p1/records",
    "alarm": "#/pump/p4/now",
    "away": "#/pump/p5/now",
}
KEPT = ("pumps", "now")
COLOURS = 256  # of a kept picture: a third of the size


@pytest.fixture(scope="module")
def bench() -> Iterator[FakeServer]:
    """A server with six pumps in six states."""
    server = FakeServer(fixtures.bench()).start()
    yield server
    server.die()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [360, 768, 1400])
def test_every_screen_is_whole_named_and_readable(bench: FakeServer, open_screen: Callable[..., Screen], width: int, dark: bool) -> None:
    screen = open_screen(bench.address, width=width, dark=dark)
    screen.page.get_by_role("heading", name="flow-1").wait_for()
    wrong = {}
    for name, address in SCREENS.items():
        screen.go(address)
        ready(screen, name)
        wrong[name] = screen.wrong()
        keep(screen, f"{name}-{width}{'-dark' if dark else ''}", name in KEPT)
    assert {name: found for name, found in wrong.items() if found} == {}


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [360, 768, 1400])
def test_outcomes_and_a_lost_server_are_readable_too(open_screen: Callable[..., Screen], width: int, dark: bool) -> None:
    """The outcome of STOP, good and bad, the result of an order, the message that the server is gone, and the login."""
    fake = FakeServer(fixtures.bench()).start()
    screen = open_screen(fake.address, width=width, dark=dark)
    page, name = screen.page, f"{width}{'-dark' if dark else ''}"
    page.get_by_role("heading", name="flow-1").wait_for()
    screen.go("#/pump/p3/order/run")
    page.get_by_label("Rate", exact=True).fill("1 mL/h")
    page.get_by_role("button", name="Review").click()
    page.get_by_role("button", name="Run now").click()
    page.locator(".panel.good").wait_for()
    page.locator("#stop-main").click()
    page.locator("#stop-results .good").wait_for()
    wrong = {"outcome": screen.wrong()}
    keep(screen, f"outcome-{name}", False)
    fake.die()
    page.locator("#lost").get_by_text("No connection").wait_for()
    screen.go("#/")
    page.locator("#stop-main").click()
    page.locator("#stop-results .bad").get_by_text("flow-6: STOP is not confirmed").wait_for()
    wrong["lost"] = screen.wrong()
    keep(screen, f"lost-{name}", False)
    fake.start()
    page.goto(f"{fake.address}/login")
    page.get_by_role("button", name="STOP all 6 pumps").wait_for()
    wrong["login"] = screen.wrong()
    keep(screen, f"login-{name}", False)
    fake.die()
    assert {place: found for place, found in wrong.items() if found} == {}


def ready(screen: Screen, name: str) -> None:
    """Wait until a screen shows what it is for; in the picture of orders the review is open."""
    page = screen.page
    if name in ("now", "alarm", "away"):
        page.locator(".plot canvas").nth(1).wait_for()
    elif name == "prescription":
        page.locator("svg.day").wait_for()
    elif name == "order":
        page.get_by_label("Volume").fill("20 uL")
        page.get_by_label("Rate", exact=True).fill("2 mL/h")
        page.get_by_role("button", name="Review").click()
        page.get_by_role("button", name="Give this bolus").wait_for()
    elif name == "calibrate":
        page.get_by_role("button", name="Plan the runs").wait_for()
    page.evaluate("() => { document.activeElement?.blur(); scrollTo(0, 0); }")


def keep(screen: Screen, name: str, kept: bool) -> None:
    """Write a picture: THECAL_PICTURES names the folder of all, whole pages; with "keep" those of the documents go to host/page."""
    folder = os.environ.get("THECAL_PICTURES")
    if folder == "keep" and kept:
        shrink(screen.page.screenshot(), PICTURES / f"{name}.png")
    elif folder and folder != "keep":
        screen.page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def shrink(picture: bytes, path: Path) -> None:
    """Write a picture with few colours."""
    from PIL import Image

    path.parent.mkdir(exist_ok=True)
    with Image.open(io.BytesIO(picture)) as image:
        image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
