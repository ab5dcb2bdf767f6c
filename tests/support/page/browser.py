"""The browser of the tests: Chromium of the system, driven by Playwright."""

import importlib.util
import os
import shutil
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def chromium() -> str | None:
    """Return the program of the browser: THECAL_CHROMIUM, otherwise the first of its names on the PATH; None without one."""
    named = os.environ.get("THECAL_CHROMIUM")
    return shutil.which(named) if named else next(filter(None, map(shutil.which, NAMES)), None)


def missing() -> str:
    """Return what is missing for the tests of the page, with the remedy; "" if nothing is."""
    if importlib.util.find_spec("playwright") is None:
        return "Playwright is missing, the page was not tested: pip install '.[page]', or make test-page"
    if chromium() is None:
        return "no Chromium was found, the page was not tested: sudo apt-get install chromium, or name one by THECAL_CHROMIUM"
    return ""


if __name__ == "__main__":
    sys.exit(missing() or None)
