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
AT_ONCE_S, RUNS_S = 3.0, 30.0  # after a start: a person opens a browser; the server has made the charts ahead


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
                at_once_s, chart_s = first_charts_s(page)
    told = f"{downloads.count} journals by a terminal, {downloads.answers} charts and files by a browser meanwhile; {found.text()}"
    first = f"of one pump, asked for {AT_ONCE_S:.0f} s after a start of the server: {at_once_s:.2f} s"
    charts = Row(f"page: first chart of {DAYS} days, worst", "s", max(chart_s), at_most(CHART_LIMIT_S), "-", source=HOST, remark=first)
    return [*of_stops(found, told), charts]


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


def first_charts_s(page: Page) -> tuple[float, list[float]]:
    """Return the seconds of the first chart just after the start of the server, and of the other pumps while it runs."""
    last, *others = reversed(page.wait_for(PUMPS))
    time.sleep(AT_ONCE_S)
    at_once_s = chart_s(page, last)
    time.sleep(RUNS_S)
    return at_once_s, [chart_s(page, pump) for pump in others]


def chart_s(page: Page, pump: str) -> float:
    """Return the seconds from the click to the whole chart."""
    begun_s = time.monotonic()
    found = page.http.get(f"/api/pumps/{pump}/chart?span=30d").json()
    took_s = time.monotonic() - begun_s
    assert len(found["t"]) > 1000, len(found["t"])
    return took_s
