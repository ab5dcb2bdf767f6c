"""A page in a browser's profile, and our checks of it."""

import time
from typing import Any

from support.page import checks

HEIGHTS = {360: 740, 768: 1024, 1400: 900}
PATIENCE_MS = 20_000  # two cores may have other work
# A server that a test ends makes these; everything else in the console is a fault of the page.
EXPECTED = ("net::ERR_", "Failed to load resource")


class Profiles:
    """Profiles of one browser, made once for each size and colour: two of different size are two persons."""

    def __init__(self, browser: Any) -> None:
        self._browser = browser
        self._made: dict[tuple[int, bool], Any] = {}

    def get(self, width: int, dark: bool) -> Any:
        """Return the profile of a size and colour."""
        if (width, dark) not in self._made:
            self._made[width, dark] = self._browser.new_context(
                viewport={"width": width, "height": HEIGHTS[width]},
                color_scheme="dark" if dark else "light",
                locale="en-GB",
                timezone_id="UTC",
                accept_downloads=True,
            )
            self._made[width, dark].set_default_timeout(PATIENCE_MS)
        return self._made[width, dark]


class Screen:
    """`page` is Playwright's."""

    def __init__(self, profile: Any, address: str) -> None:
        self.page = profile.new_page()
        self._said: list[str] = []
        self.page.on("console", lambda message: self._said.append(message.text) if message.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda error: self._said.append(f"exception: {error}"))
        self.page.goto(address)

    def complaints(self) -> list[str]:
        """Return what the console complained about."""
        return [text for text in self._said if not any(expected in text for expected in EXPECTED)]

    def go(self, address: str) -> None:
        """Go to another screen of the page: "#/pump/p1/order"."""
        self.page.evaluate("(where) => { location.hash = where; }", address)

    def until(self, script: str) -> None:
        """Wait until an expression is true. Playwright's own waiting evaluates texts inside the page, which our policy forbids."""
        end_s = time.monotonic() + PATIENCE_MS / 1000
        while not self.page.evaluate(script):
            assert time.monotonic() < end_s, script
            self.page.wait_for_timeout(20)

    def text(self, selector: str) -> str:
        """Return the text of the only element of a selector."""
        return str(self.page.locator(selector).inner_text())

    def wrong(self) -> dict[str, list[str]]:
        """Return what our checks of a screen find: names, ids, width, size, contrast, STOP in front of everything."""
        made = {name: self.page.evaluate(script) for name, script in checks.ALL.items()}
        return {name: what for name, what in made.items() if what}
