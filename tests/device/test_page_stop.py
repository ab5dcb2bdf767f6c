"""STOP from the page to the last plant step: ten pumps at once, a terminal that downloads, a browser that asks for charts and files."""

import sys
from pathlib import Path

import pytest

pytest.importorskip("fastapi")

from support.page.serving import Downloads, measured, pumps, serving
from support.rig.device import Figures

pytestmark = [
    pytest.mark.needs("plant", "real_time"),
    pytest.mark.rule("R1"),
    pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals on Windows"),
]
COUNT, STOPS, LIMIT_S = 10, 20, 0.3


def test_stop_of_the_page_beside_downloads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, record_property: Figures) -> None:
    with pumps(tmp_path, COUNT, monkeypatch, days=10) as fleet, serving(tmp_path) as page:
        page.wait_for(COUNT)
        with Downloads(page, [one["port"] for one in fleet.facts], tmp_path, "7d") as downloads:
            found = measured(page, fleet, STOPS)
    record_property("figure", f"{found.text()} (limit {LIMIT_S})")
    assert downloads.count > 0 and downloads.answers > 0
    assert max(found.lags_s) <= LIMIT_S
