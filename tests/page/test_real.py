"""The page on `thecal serve` and simulated pumps: every flow to the pump's own state, a server killed in mid-dose, a pump unplugged."""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.page.real import Real
from support.page.screen import Screen

pytestmark = pytest.mark.long  # `make test` leaves them to test-long and test-page

pytest.importorskip("fastapi", reason="thecal serve needs its extra: pip install '.[serve]', or make test-page")

FAST = 10
RX = """title = "Page test"
drug = "water"
on_clock_loss = "stop"
after_power_loss = "stop"
[basal]
rate = "0.5 mL/h"
[limits]
max_rate = "8 mL/h"
max_per_hour = "4 mL"
max_per_day = "20 mL"
[line]
tubing = "60 uL"
catheter = "40 uL"
measured = 2026-01-31
"""
SLOW_MS = 40_000
MASSES = ("0.0641 g", "0.0639 g")  # of two turns, which deliver 0.064 mL


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory, browser: object) -> Iterator[Real]:
    """Two pumps, the first in real time, the second ten times as fast, named slow and fast; and the server."""
    made = Real(Path(tmp_path_factory.mktemp("real")), [1, FAST])
    try:
        for port, name in zip(made.ports, ("slow", "fast")):
            done = made.tool.run("name", name, "--port", port)
            assert done.returncode == 0, done.stderr
        made.serve()
        yield made
    finally:
        made.close()


@pytest.fixture
def screen(real: Real, open_screen: Callable[..., Screen]) -> Screen:
    """The page, both pumps stopped."""
    for port in real.ports:
        real.tool.run("stop", "--port", port)
    made = open_screen(real.address)
    made.page.get_by_role("heading", name="slow").wait_for()
    return made


def at(screen: Screen, name: str, part: str) -> None:
    """Go to a part of the screen of a pump, by its links."""
    if not screen.page.get_by_role("navigation", name="Parts of this pump").count():
        screen.page.get_by_role("heading", name=name).get_by_role("link").click()
    first, _, kind = part.partition("/")
    screen.page.get_by_role("navigation", name="Parts of this pump").get_by_role("link", name=first).click()
    if kind:
        screen.page.get_by_role("navigation", name="Orders").get_by_role("link", name=kind, exact=True).click()


def order(screen: Screen, verb: str, **typed: str) -> None:
    """Fill the form, review, confirm, and wait for the outcome."""
    form = screen.page.locator("form.order").last
    for label, text in typed.items():
        form.get_by_label(label, exact=True).fill(text)
    form.get_by_role("button", name="Review").click()
    for panel, then in ((".panel.ask", lambda: screen.page.get_by_role("button", name=verb).click()), (".panel.good", lambda: None)):
        screen.page.locator(f"{panel}, .panel.bad").first.wait_for(timeout=SLOW_MS)
        assert screen.page.locator(".panel.bad").count() == 0, screen.text(".panel.bad")
        then()


def upload(screen: Screen, name: str) -> None:
    """Give a stopped pump the prescription of this file."""
    at(screen, name, "Prescription")
    screen.page.get_by_label("Choose a file").set_input_files({"name": "rx.toml", "mimeType": "text/plain", "buffer": RX.encode()})
    screen.page.get_by_text("Read rx.toml.").wait_for()
    order(screen, "Upload and activate")


def test_upload_start_bolus_temporary_and_stop(real: Real, screen: Screen) -> None:
    page = screen.page
    upload(screen, "slow")
    page.get_by_text("The pump was read back. It holds what you reviewed").wait_for()
    page.locator("svg.day").wait_for()
    assert real.status()["program_name"] == "Page test"
    at(screen, "slow", "Order/Start")
    order(screen, "Start the pump")
    page.locator(".pump-head .badge", has_text="Running").wait_for()
    at(screen, "slow", "Order/Bolus")
    order(screen, "Give this bolus", Volume="20 uL", Rate="2 mL/h")
    at(screen, "slow", "Order/Temporary rate")
    order(screen, "Begin this rate", **{"Or percentage": "50 %", "Time": "2 h"})
    at(screen, "slow", "Now")
    page.get_by_role("button", name="End it: Bolus").wait_for()
    page.locator(".plot canvas").nth(1).wait_for()
    status = real.status()
    assert status["bolus"] and status["temporary"] and status["state"] == "running"
    page.get_by_role("button", name="End it: Bolus").click()
    page.get_by_role("button", name="End it: Bolus").wait_for(state="detached")
    page.locator("#stop-main").click()
    page.locator("#stop-results .good").get_by_text("slow: stopped.").wait_for()
    assert real.status()["state"] == "stopped"


@pytest.mark.rule("R1")
def test_a_server_killed_in_mid_dose_changes_no_dose(real: Real, screen: Screen) -> None:
    """The page says at once that it knows nothing; the pump delivers to the end; a new server draws it from the journal."""
    page = screen.page
    before = real.status(1)["delivered_steps"]
    at(screen, "fast", "Order/Run")
    order(screen, "Run now", Volume="100 uL", Rate="8 mL/h", Drug="water")
    page.locator(".pump-head .badge", has_text="Running").wait_for()
    real.kill()
    page.locator("#lost").get_by_text("No connection to the server.").wait_for()
    assert "Not live" in screen.text(".pump-head .badge")
    assert real.status(1)["state"] == "running", "the server was killed in mid-dose"
    end_s = time.monotonic() + 30
    while (status := real.status(1))["state"] != "stopped" and time.monotonic() < end_s:
        time.sleep(0.2)
    pair = status["calibration"]
    delivered_nl = (status["delivered_steps"] - before) * pair["volume_nl"] / pair["steps"]
    assert 100_000 - pair["volume_nl"] / pair["steps"] <= delivered_nl <= 100_000, "the whole dose, and no step more"
    real.serve()
    page.locator(".pump-head .badge", has_text="Stopped").wait_for(timeout=SLOW_MS)
    at(screen, "fast", "Now")
    page.locator(".plot canvas").nth(1).wait_for(timeout=SLOW_MS)
    page.get_by_text(re.compile(r"Events \(\d+\)")).click()
    page.locator("[data-name=events]").get_by_text("started").first.wait_for()


def test_two_browsers_and_a_terminal_see_one_pump(real: Real, screen: Screen, open_screen: Callable[..., Screen]) -> None:
    other = open_screen(real.address, width=360)
    at(screen, "slow", "Order/Run")
    order(screen, "Run now", Rate="0.7 mL/h", Drug="water")
    card = other.page.get_by_label("slow", exact=True)
    card.get_by_text("Running").wait_for()
    assert real.tool.run("stop", "--port", real.ports[0]).returncode == 0
    card.get_by_text("Stopped").wait_for()
    screen.page.locator(".pump-head .badge", has_text="Stopped").wait_for()


def test_a_refused_order_says_the_cause_of_the_pump(real: Real, screen: Screen) -> None:
    at(screen, "slow", "Order/Bolus")
    screen.page.get_by_label("Volume", exact=True).fill("twenty")
    screen.page.get_by_label("Rate", exact=True).fill("2 mL/h")
    screen.page.get_by_role("button", name="Review").click()
    screen.page.locator(".panel.bad").get_by_text("Nothing was sent.").wait_for()
    assert "2 mL/h" in screen.text(".panel.bad") or "twenty" in screen.text(".panel.bad")


def test_prime_fills_the_line(real: Real, screen: Screen) -> None:
    upload(screen, "fast")
    at(screen, "fast", "Order/Prime")
    order(screen, "Prime the line", Rate="8 mL/h")
    screen.page.locator(".pump-head .badge", has_text="Priming").wait_for()
    screen.page.locator(".pump-head .badge", has_text="Stopped").wait_for(timeout=SLOW_MS)


def test_calibrate_from_plan_to_the_stored_pair(real: Real, screen: Screen) -> None:
    page = screen.page
    at(screen, "fast", "Calibrate")
    plan = {"Name of the tube": "T1", "Turns of the head per run": "2", "Rate of the runs": "8 mL/h", "Number of runs": "2"}
    for label, text in plan.items():
        page.get_by_label(label).fill(text)
    page.get_by_role("button", name="Plan the runs").click()
    for run in (1, 2):
        page.get_by_role("button", name=f"Start run {run} of 2").click(timeout=SLOW_MS)
        page.get_by_label("Weight after the run").wait_for(timeout=SLOW_MS)
        page.get_by_label("Weight after the run").fill(MASSES[run - 1])
        page.get_by_role("button", name="Take this weight").click()
    page.get_by_role("button", name="Store this calibration").click(timeout=SLOW_MS)
    page.get_by_role("heading", name="Stored and read back").wait_for(timeout=SLOW_MS)
    assert real.status(1)["calibration"]["state"] != "UNCALIBRATED"


@pytest.mark.parametrize(("name", "inside"), [("Journal (CSV)", "started"), ("Report (page)", "<html"), ("Comparison (CSV)", ",")])
def test_records_are_those_of_the_pump(real: Real, screen: Screen, name: str, inside: str, tmp_path: Path) -> None:
    at(screen, "slow", "Records")
    with screen.page.expect_download(timeout=SLOW_MS) as download:
        screen.page.get_by_role("link", name=name).click()
    download.value.save_as(tmp_path / "file")
    assert inside in (tmp_path / "file").read_text(encoding="utf-8")


def test_every_screen_is_whole_on_the_real_server(real: Real, screen: Screen) -> None:
    wrong = {"pumps": screen.wrong()}
    for part in ("Now", "Order", "Prescription", "Calibrate", "Records"):
        at(screen, "slow", part)
        screen.page.wait_for_timeout(300)
        wrong[part] = screen.wrong()
    assert {name: found for name, found in wrong.items() if found} == {}


def test_an_unplugged_pump_is_not_live_and_its_stop_says_so(real: Real, screen: Screen) -> None:
    """The last test: its pump does not come back."""
    real.unplug(1)
    card = screen.page.get_by_label("fast", exact=True)
    card.get_by_text("Not live").wait_for(timeout=SLOW_MS)
    assert re.search(r"[Ll]ast seen \d+ s ago", card.inner_text())
    card.get_by_role("button", name="STOP fast").click()
    screen.page.locator("#stop-results .bad").get_by_text("STOP is not confirmed").wait_for(timeout=SLOW_MS)
    screen.page.get_by_role("button", name="STOP slow").click()
    screen.page.locator("#stop-results .good").wait_for()
