"""`thecal serve` beside real simulated pumps: orders, the wizard, keys and TLS, and other programs that have the port."""

import shutil
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest

pytest.importorskip("fastapi")

from support.host import port_holders
from support.host.fake_pump import wait_until
from support.host.port_holders import holder
from support.page.serving import Page, events_of, free_port, pumps, serving, start
from thecal.pump.client import Client
from thecal.pump.signing import drawn, text_of
from thecal.sim.fleet import Fleet

pytestmark = [
    pytest.mark.needs("plant", "real_time"),
    pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals on Windows"),
]
RUN = {"kind": "run", "rate": "2 mL/h", "duration": "2 h"}
BOLUS = {"kind": "bolus", "volume": "20 uL", "rate": "2 mL/h"}


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fleet]:
    with pumps(tmp_path, 1, monkeypatch) as running:
        yield running


@pytest.fixture
def page(fleet: Fleet, tmp_path: Path) -> Iterator[Page]:
    with serving(tmp_path) as running:
        running.wait_for(1)
        yield running


def until(condition: Callable[[], bool]) -> None:
    """Ask as often as a page does, within the server's rate limit."""
    deadline_s = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.2)


def path_of(page: Page) -> str:
    return f"/api/pumps/{next(iter(page.pumps()))}"


def ordered(page: Page, **asked: object) -> dict:
    made = page.post(f"{path_of(page)}/review", asked)
    assert made.status_code == 200, made.text
    done = page.post(f"{path_of(page)}/confirm", {"review": made.json()["review"]})
    assert done.status_code == 200, done.text
    return done.json()


def test_a_run_a_bolus_and_a_stop_from_the_page(page: Page, fleet: Fleet) -> None:
    sim = fleet.pumps[0]
    assert ordered(page, **RUN)["digest"]
    wait_until(lambda: sim.plant_steps() > 20, 20)
    ordered(page, **BOLUS)
    until(lambda: any(one["orders"] for one in page.pumps().values()))
    kinds = [kind for kind, _ in events_of(page, 3)]
    assert set(kinds) <= {"pump", "alarm"}
    said = page.http.post(f"{path_of(page)}/stop").json()
    assert said["state"] == "stopped" and "this run delivered" in said["delivered_text"] and not sim.enable_level()
    until(lambda: page.http.get(f"{path_of(page)}/chart?span=24h").json()["complete"])
    chart = page.http.get(f"{path_of(page)}/chart?span=24h").json()
    assert chart["delivered_ml"][-1] > 0 and {"started", "stopped"} <= {one["kind"] for one in chart["events"]}
    for name in ("journal.csv", "report.html", "compare.csv"):
        assert page.http.get(f"{path_of(page)}/{name}").status_code == 200
    assert 'drug = "water"' in page.http.get(f"{path_of(page)}/program").json()["toml"]


def test_a_calibration_from_the_page(page: Page, fleet: Fleet) -> None:
    def step(**asked: object) -> dict:
        answer = page.post(f"{path_of(page)}/calibrate", asked)
        assert answer.status_code == 200, answer.text
        return answer.json()

    fleet.pumps[0].set_speed(10)
    view = step(step="plan", tube="T1", turns=2, rate="9 mL/h", runs=2)
    assert view["stage"] == "planned" and fleet.pumps[0].plant_steps() == 0
    for number in (1, 2):
        assert step(step="run", wizard=view["wizard"])["run"] == number
        until(lambda: page.http.get(f"{path_of(page)}/calibrate").json()["stage"] == "weigh")
        view = step(step="mass", wizard=view["wizard"], mass=f"0.064{number} g")
    assert view["stage"] == "fitted" and "store" in view["allowed"]
    assert step(step="store", wizard=view["wizard"])["stage"] == "stored"
    with Client(fleet.facts[0]["socket"]) as client:
        assert client.status()["calibration"]["state"] == "CALIBRATED"


@pytest.mark.rule("R1")
def test_a_stop_ends_a_calibration_from_the_page_and_nothing_is_stored(page: Page, fleet: Fleet) -> None:
    view = page.post(f"{path_of(page)}/calibrate", {"step": "plan", "tube": "T1", "turns": 20, "rate": "9 mL/h", "runs": 1}).json()
    page.post(f"{path_of(page)}/calibrate", {"step": "run", "wizard": view["wizard"]})
    wait_until(lambda: fleet.pumps[0].plant_steps() > 20, 20)
    assert page.http.post(f"{path_of(page)}/stop").json()["state"] == "stopped"
    until(lambda: page.http.get(f"{path_of(page)}/calibrate").json()["stage"] == "failed")
    steps = fleet.pumps[0].plant_steps()
    assert page.http.get(f"{path_of(page)}/calibrate").json()["error"]["text"]
    time.sleep(0.5)
    assert fleet.pumps[0].plant_steps() == steps and not fleet.pumps[0].enable_level()


@pytest.mark.rule("R1")
@pytest.mark.parametrize("program", [port_holders.LOCKS, port_holders.LOCKS_WITH_HALF_A_LINE])
def test_stop_passes_the_lock_of_another_program(page: Page, fleet: Fleet, program: str) -> None:
    sim = start(fleet, 0)
    with holder(program.replace(" | fcntl.LOCK_NB", ""), fleet.facts[0]["port"]):  # it waits for the end of a look of the server
        said = page.http.post(f"{path_of(page)}/stop")
        assert not sim.enable_level()
        assert said.status_code == 200, said.text
        busy = page.post(f"{path_of(page)}/review", RUN)
        assert (busy.status_code, busy.json()["error"]["kind"]) == (503, "port_busy")
    until(lambda: all(one["error"] is None for one in page.pumps().values()))


def test_the_server_leaves_the_port_to_a_terminal_while_it_downloads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first download of a long journal goes in slices: `thecal status` of a terminal passes between them."""
    from support.host.cli import Tool

    with pumps(tmp_path, 1, monkeypatch, days=20) as fleet, serving(tmp_path) as page:
        tool = Tool(tmp_path)
        page.wait_for(1)
        for _ in range(3):
            done = tool.run("status", "--json", "--port", fleet.facts[0]["port"])
            assert done.returncode in (0, 5), done.stderr
        until(lambda: page.http.get(f"{path_of(page)}/chart?span=30d").json()["complete"])
        assert len(page.http.get(f"{path_of(page)}/chart?span=30d").json()["t"]) > 500


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs openssl")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    words = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out", str(cert), "-days", "2"]
    words += ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([openssl, *words], check=True, capture_output=True, timeout=60)
    return cert, key


def test_other_computers_log_in_with_a_key_and_the_pump_checks_each_command(
    fleet: Fleet, tmp_path: Path, certificate: tuple[Path, Path]
) -> None:
    keys = drawn()
    set_keys(fleet, keys)
    port = free_port()
    words = ["--host", "0.0.0.0", "--tls-cert", str(certificate[0]), "--tls-key", str(certificate[1]), "--port-http", str(port)]
    url = f"https://127.0.0.1:{port}"
    trust = ssl.create_default_context(cafile=str(certificate[0]))
    with serving(tmp_path, *words, url=url, verify=trust) as page:
        assert page.http.get("/").headers["location"] == "/login"
        assert page.http.get("/api/pumps").status_code == 401
        pump = fleet.facts[0]["unique_id"]
        assert page.http.post(f"/api/pumps/{pump}/stop").status_code == 200, "STOP needs no login"
        assert page.http.post("/login", data={"role": "program", "key": "0" * 64}).status_code == 403
        done = page.http.post("/login", data={"role": "", "key": text_of("operate", keys["operate"])})
        assert done.status_code == 303 and "Secure" in done.headers["set-cookie"]
        page.learn_secret()
        assert page.post(f"/api/pumps/{pump}/review", RUN).json()["error"]["kind"] == "role"
        ordered(page, kind="start")
        wait_until(fleet.pumps[0].enable_level, 20)
        assert page.http.post(f"/api/pumps/{pump}/stop").json()["state"] == "stopped"
        page.http.post("/login", data={"role": "program", "key": keys["program"].hex()})
        assert ordered(page, **RUN)["digest"]


def set_keys(fleet: Fleet, keys: dict[str, bytes]) -> None:
    """Set keys as a person at the pump does, with its stop button."""
    with Client(fleet.facts[0]["socket"], 20, 20) as client:
        asked = client.key_set(keys, by_button=True)
        assert not asked["done"]
        time.sleep(0.5)
        fleet.pumps[0].press_stop(hold_s=5)
        until(lambda: client.key_set(keys, by_button=True)["done"])
        assert client.status()["keys"] == "set"


def test_a_page_that_is_killed_changes_no_dose(fleet: Fleet, tmp_path: Path) -> None:
    with serving(tmp_path) as page:
        page.wait_for(1)
        ordered(page, **RUN)
        wait_until(lambda: fleet.pumps[0].plant_steps() > 10, 20)
        page.process.kill()
        with pytest.raises(httpx2.TransportError):
            page.http.get("/")
    steps = fleet.pumps[0].plant_steps()
    wait_until(lambda: fleet.pumps[0].plant_steps() > steps + 20, 20)
    with serving(tmp_path) as page:
        page.wait_for(1)
        until(lambda: page.http.get(f"{path_of(page)}/chart").json()["complete"])
        assert page.http.get(f"{path_of(page)}/chart").json()["delivered_ml"][-1] > 0
        page.http.post(f"{path_of(page)}/stop")
