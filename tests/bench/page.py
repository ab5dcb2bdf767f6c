"""STOP of the page of `thecal serve`: from the click to the last plant step, with ten pumps at once and downloads running; the first
chart of 30 days after a start of the server."""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from _pytest.monkeypatch import MonkeyPatch

from bench.table import HOST, Row, at_most
from support.page.serving import Downloads, Page, Stops, measured, pumps, serving

PUMPS, STOPS, DAYS = 10, 50, 30
STOP_LIMIT_S, CHART_LIMIT_S = 0.3, 1.0


def rows() -> list[Row]:
    with TemporaryDirectory() as name, MonkeyPatch.context() as patched:
        folder = Path(name)
        with pumps(folder, PUMPS, patched, DAYS) as fleet:
            with serving(folder) as page:
                page.wait_for(PUMPS)
                with Downloads(page, [one["port"] for one in fleet.facts], folder, "30d") as downloads:
                    found = measured(page, fleet, STOPS)
                wait_for_journals(page)
            with serving(folder) as page:  # its files hold the journals now, its memory does not
                chart_s = first_charts_s(page)
    told = f"{downloads.count} journals by a terminal, {downloads.answers} charts and files by a browser meanwhile; {found.text()}"
    return [*of_stops(found, told), Row(f"page: first chart of {DAYS} days", "s", max(chart_s), at_most(CHART_LIMIT_S), "-", source=HOST)]


def of_stops(found: Stops, told: str) -> list[Row]:
    """Return the rows of STOP: median and worst."""
    named = f"page: click on STOP to the last step, {PUMPS} pumps, {STOPS} times"
    return [
        Row(f"{named}, median", "s", median(found.lags_s), at_most(STOP_LIMIT_S), "-", source=HOST, remark=told),
        Row(f"{named}, worst", "s", max(found.lags_s), at_most(STOP_LIMIT_S), "-", source=HOST),
    ]


def wait_for_journals(page: Page) -> None:
    """Wait until the server has the whole journal of each pump."""
    for pump in page.wait_for(PUMPS):
        while not page.http.get(f"/api/pumps/{pump}/chart?span=24h").json()["complete"]:
            time.sleep(0.5)


def first_charts_s(page: Page) -> list[float]:
    """Return the seconds of the first chart of each pump."""
    took_s = []
    for pump in page.wait_for(PUMPS):
        begun_s = time.monotonic()
        found = page.http.get(f"/api/pumps/{pump}/chart?span=30d").json()
        took_s.append(time.monotonic() - begun_s)
        assert len(found["t"]) > 1000, len(found["t"])
    return took_s
