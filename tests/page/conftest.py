"""One browser for all tests of the page. Without one they are skipped; `make test-page` (THECAL_PAGE=must) fails instead."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from support.page import browser as installed
from support.page import fixtures
from support.page.fake_server import FakeServer
from support.page.screen import Profiles, Screen


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """The browser that all tests share."""
    missing = installed.missing()
    if missing and os.environ.get("THECAL_PAGE") == "must":
        pytest.fail(missing)
    if missing:
        pytest.skip(missing)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # Inside a container there is no user namespace for the browser's own sandbox; the pages are ours.
        made = playwright.chromium.launch(
            executable_path=installed.chromium(), args=["--no-sandbox", "--autoplay-policy=user-gesture-required"]
        )
        yield made
        made.close()


@pytest.fixture
def fake() -> Iterator[FakeServer]:
    """A server with three pumps: two run, one is stopped."""
    server = FakeServer([fixtures.pump(1), fixtures.pump(2), fixtures.stopped(3)]).start()
    yield server
    server.die()


@pytest.fixture(scope="session")
def profiles(browser: Any) -> Profiles:
    """The browser's profiles. Each test has its own server, so its own origin: nothing that a page keeps reaches the next test."""
    return Profiles(browser)


@pytest.fixture
def open_screen(profiles: Profiles) -> Iterator[Callable[..., Screen]]:
    """Open a tab: `open_screen(address, width=1400, dark=False)`. Errors in its console fail the test."""
    screens: list[Screen] = []

    def opened(address: str, width: int = 1400, dark: bool = False) -> Screen:
        screens.append(Screen(profiles.get(width, dark), address))
        return screens[-1]

    yield opened
    for screen in screens:
        screen.page.close()
    assert [text for screen in screens for text in screen.complaints()] == []


@pytest.fixture
def screen(fake: FakeServer, open_screen: Callable[..., Screen]) -> Screen:
    """The page of the fake server, 1400 px wide, with its pumps on it."""
    made = open_screen(fake.address)
    made.page.get_by_role("heading", name="flow-1").wait_for()
    return made
