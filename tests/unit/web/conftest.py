"""The server of the page around a fake pump."""

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("fastapi")

from starlette.testclient import TestClient

from support.host.fake_pump import wait_until
from support.host.therapy_pump import TherapyPump
from support.page.asked import browser, made
from thecal.web import fleet as fleets
from thecal.web import pump as pumps
from thecal.web.server import Server


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Poll ten times a second, in a runtime folder of the test."""
    monkeypatch.setattr(pumps, "INTERVAL_S", 0.1)
    monkeypatch.setattr(fleets, "LOOK_EVERY_S", 0.1)
    monkeypatch.setenv("THECAL_RUNTIME", str(tmp_path / "runtime"))


@pytest.fixture
def pump() -> Iterator[TherapyPump]:
    with TherapyPump() as running:
        running.known += ["bolus.start", "bolus.cancel"]
        yield running


@pytest.fixture
def server(pump: TherapyPump) -> Server:
    return made([pump.port_url])


@pytest.fixture
def page(server: Server) -> Iterator[TestClient]:
    """A page of the server that knows its pump."""
    with browser(server) as client:
        wait_until(lambda: any(one.known.online for one in server.fleet.all()))
        yield client


@pytest.fixture
def pump_path(server: Server, page: TestClient) -> str:
    return f"/api/pumps/{server.fleet.all()[0].id}"
