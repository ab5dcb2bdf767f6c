"""What the page sees of its pumps: views, events, a pump that goes away; one poller whoever looks; messages."""

import http.server
import json
import threading
import time
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from support.host.fake_pump import FakePump, wait_until
from support.host.therapy_pump import TherapyPump
from support.page.asked import browser, made
from support.programs import MONDAY_UTC_S
from thecal.errors import BadInput
from thecal.web import pump as pumps
from thecal.web.fleet import identity_of
from thecal.web.hub import Hub
from thecal.web.notify import Notifier
from thecal.web.server import Server


def seen(page: TestClient) -> dict:
    (found,) = page.get("/api/pumps").json()
    return found


def test_a_pump_is_shown_with_its_state_program_and_reservoir(page: TestClient, pump: TherapyPump) -> None:
    found = seen(page)
    assert (found["state"], found["online"], found["error"], found["keys"]) == ("stopped", True, None, "none")
    assert found["unique_id"] == pump.unique_id and found["port"] == pump.port_url
    assert (found["reservoir"]["left_ml"], found["reservoir"]["capacity_ml"]) == (4.0, 20.0)
    assert found["delivered_today"]["ml"] is None and "clock" in found["delivered_today"]["text"]
    assert found["alarms"] == [] and found["orders"] == []


def test_an_alarm_is_shown_with_what_to_do(page: TestClient, pump: TherapyPump) -> None:
    pump.alarms.append(612)
    wait_until(lambda: seen(page)["alarms"])
    (alarm,) = seen(page)["alarms"]
    assert alarm["fault"] == 612 and alarm["text"] and alarm["do"] and alarm["severity"] in ("alarm", "warning")


def test_the_events_begin_with_every_pump_and_bring_alarms(server: Server, page: TestClient, pump: TherapyPump) -> None:
    hub, heard = server.fleet.hub, []
    hub.news = lambda kind, shape: heard.append((kind, shape))
    pump.alarms.append(612)
    wait_until(lambda: heard)
    pump.alarms.remove(612)
    wait_until(lambda: len(heard) == 2)
    assert [(kind, shape.active, shape.alarm.fault) for kind, shape in heard] == [("alarm", True, 612), ("alarm", False, 612)]


def test_a_pump_that_goes_away_keeps_its_place_and_says_why(page: TestClient, server: Server, pump: TherapyPump) -> None:
    server.fleet.all()[0].client.reply_timeout_s = 0.1
    pump.trouble = {"hello": ["silent"] * 99, "status": ["silent"] * 99}
    wait_until(lambda: not seen(page)["online"], 10)
    away = seen(page)
    assert away["error"]["kind"] in ("no_pump", "link_lost") and away["error"]["text"] and away["state"] == "stopped"
    pump.trouble = {}
    wait_until(lambda: seen(page)["online"])


def test_a_pump_on_another_port_is_the_same_pump(page: TestClient, server: Server, pump: TherapyPump) -> None:
    known = server.fleet.all()[0]
    known.known.port = "socket://127.0.0.1:9"  # as if it had been unplugged there
    known.client = known.new_client()
    wait_until(lambda: known.port_url == pump.port_url and known.known.online)
    assert len(server.fleet.all()) == 1


def test_another_pump_on_the_port_is_another_pump(page: TestClient, server: Server, pump: TherapyPump) -> None:
    pump.unique_id = "1" * 16
    server.fleet.all()[0].move(pump.port_url)
    wait_until(lambda: len(server.fleet.all()) == 2)
    shown = {one["unique_id"]: one for one in page.get("/api/pumps").json()}
    wait_until(lambda: {one["unique_id"]: one["online"] for one in page.get("/api/pumps").json()} == {"0" * 16: False, "1" * 16: True})
    assert set(shown) == {"0" * 16, "1" * 16}


def test_another_device_is_asked_once_and_then_left_in_peace() -> None:
    """It may be somebody's MicroPython prompt, where each question would be typed."""
    with FakePump(foreign=b"\r\n>>> ") as device:
        server = made([device.port_url])
        with browser(server) as page:
            assert page.get("/api/pumps").json() == []
            wait_until(lambda: any(one.at_s == float("inf") for one in server.fleet._later.values()), 10)


def test_two_pumps_of_one_id_have_two_places() -> None:
    assert identity_of("ab", "x", False) == "ab" != identity_of("ab", "x", True) != identity_of("ab", "y", True)
    assert identity_of("", "x", False).startswith("port-") and identity_of("../A", "x", False) == "a"


def test_one_poller_asks_however_many_browsers_look(server: Server, page: TestClient, pump: TherapyPump) -> None:
    def asked(browsers: int) -> int:
        ended = threading.Event()

        def look() -> None:
            while not ended.is_set():
                page.get("/api/pumps")

        threads = [threading.Thread(target=look) for _ in range(browsers)]
        before = pump.executed.count("status")
        for one in threads:
            one.start()
        time.sleep(1)
        ended.set()
        for one in threads:
            one.join()
        return pump.executed.count("status") - before

    assert asked(4) <= asked(0) + 3 <= 1 / pumps.INTERVAL_S + 4


def test_the_port_is_closed_between_two_exchanges(server: Server, page: TestClient, pump: TherapyPump) -> None:
    turn = server.fleet.all()[0].turn
    wait_until(lambda: len(turn.held_s) > 20)
    assert max(turn.held_s) <= 0.15
    with turn:
        assert server.fleet.all()[0].client._link is None


def test_the_listener_gets_the_newest_view_and_every_alarm() -> None:
    import asyncio

    async def hear() -> list[str]:
        hub = Hub()
        hub.runs_in(asyncio.get_running_loop())
        stream = hub.listen(["first"])
        found = [await anext(stream)]
        for number in range(3):
            hub.news("alarm", {"n": number})
        hub._spread("a", "old")
        hub._spread("a", "new")
        await asyncio.sleep(0.05)
        found.append(await anext(stream))
        hub.close()
        return found

    first, news = asyncio.run(hear())
    assert first.endswith("first") and "retry" in first
    assert news.startswith("new") and "old" not in news and news.count("event: alarm") == 3


def test_a_page_too_many_is_refused(server: Server, page: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("thecal.web.hub.MOST_LISTENERS", 0)
    assert page.get("/api/events").status_code == 503


# --- messages


@pytest.fixture
def endpoint() -> Iterator[tuple[str, list[dict]]]:
    """A service of this computer that keeps what it is sent."""
    heard: list[dict] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *words: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as service:
        thread = threading.Thread(target=service.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"json://127.0.0.1:{service.server_address[1]}/", heard
        service.shutdown()
        thread.join()


def test_an_alarm_and_a_lost_pump_send_a_message(
    pump: TherapyPump, endpoint: tuple[str, list[dict]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pumps, "LOST_AFTER_S", 0.2)
    url, heard = endpoint
    server = made([pump.port_url], urls=[url])
    with browser(server) as page:
        wait_until(lambda: any(one.known.online for one in server.fleet.all()))
        known = server.fleet.all()[0]
        pump.alarms.append(612)
        wait_until(lambda: len(heard) == 1)
        assert "612" in heard[0]["title"] and heard[0]["message"]
        pump.state = "running"
        wait_until(lambda: seen(page)["state"] == "running")
        pump.trouble = {"hello": ["silent"] * 99, "status": ["silent"] * 99}
        known.client.reply_timeout_s = 0.1
        wait_until(lambda: len(heard) == 2, 10)
        assert "no contact" in heard[1]["title"] and "goes on" in heard[1]["message"]
        pump.trouble = {}
        wait_until(lambda: len(heard) == 3, 10)
        assert "found again" in heard[2]["title"]


def test_a_url_that_no_service_knows_is_refused_before_anything_starts() -> None:
    with pytest.raises(BadInput) as error:
        Notifier(["nonsense://x"])
    assert "number 1" in error.value.cause and "appriseit.com" in error.value.do


def test_a_service_that_does_not_answer_delays_nothing() -> None:
    notifier = Notifier(["json://127.0.0.1:9/"])
    begun_s = time.monotonic()
    for number in range(300):
        notifier.say(f"{number}", "text")
    assert time.monotonic() - begun_s < 1


# --- looking back


def test_downloads_say_how_far_the_journal_is(server: Server, page: TestClient, pump_path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    known = server.fleet.all()[0]
    wait_until(lambda: known.journal is not None and known.journal.complete)
    assert page.get(f"{pump_path}/journal.csv").status_code == 200
    monkeypatch.setattr(type(known.journal), "wants", lambda self, status: True)
    monkeypatch.setattr(type(known.journal), "read_slice", lambda self, client: None)
    known.journal.complete = False
    answer = page.get(f"{pump_path}/report.html")
    assert answer.status_code == 503 and "%" in answer.json()["error"]["text"]


def test_the_files_are_attachments_and_the_report_runs_nothing(server: Server, page: TestClient, pump_path: str) -> None:
    known = server.fleet.all()[0]
    wait_until(lambda: known.journal is not None and known.journal.complete)
    csv, report = (page.get(f"{pump_path}/{name}") for name in ("journal.csv", "report.html"))
    assert csv.text.startswith("ring,sequence") and csv.text.count("\n") == 301
    assert "sandbox" in report.headers["content-security-policy"] and "<html" in report.text
    for one in (csv, report):
        assert one.headers["content-disposition"].startswith("attachment")


def test_the_active_program_is_shown_with_its_day(page: TestClient, pump_path: str, pump: TherapyPump) -> None:
    found = page.get(f"{pump_path}/program").json()
    assert found["digest"] == pump.digest() and found["day"] == [{"from_s": 0, "to_s": 86_400, "rate_ml_per_h": 0.1}]
    assert ["title", "constant"] in found["rows"]


def test_without_a_program_there_is_none_to_show() -> None:
    with FakePump() as pump:
        server = made([pump.port_url])
        with browser(server) as page:
            wait_until(lambda: any(one.known.online for one in server.fleet.all()))
            answer = page.get(f"/api/pumps/{server.fleet.all()[0].id}/program")
            assert (answer.status_code, answer.json()["error"]["kind"]) == (404, "no_program")


def test_today_counts_from_midnight(page: TestClient, pump: TherapyPump) -> None:
    pump.do_clock_set(MONDAY_UTC_S, 0)
    wait_until(lambda: "midnight" in seen(page)["delivered_today"]["text"] or seen(page)["delivered_today"]["ml"] is not None)


def test_the_longest_chart_is_made_before_somebody_asks(server: Server, page: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    pump = server.fleet.all()[0]
    wait_until(lambda: (pump.id, "30d") in server.charts._made, 10)
    monkeypatch.setattr(server.worker, "run", lambda *arguments: pytest.fail("it was made again"))
    assert page.get(f"/api/pumps/{pump.id}/chart?span=30d").json()["complete"] is True


@pytest.mark.parametrize(
    ("law", "cause", "text"),
    [
        ("volume", "", "by volume"),
        ("angle", "phase_power", "by angle: the rotor's angle is unknown since the pump was powered up or got another table"),
        ("angle", "no_table", ""),
    ],
)
def test_the_law_is_shown_for_pumps_with_a_table(page: TestClient, pump: TherapyPump, law: str, cause: str, text: str) -> None:
    assert seen(page)["law_text"] == "", "an older firmware reports no law"
    status, asked = pump.do_status, []

    def do_status() -> dict:
        asked.append(law)
        return {**status(), "law": law, "law_cause": cause}

    pump.do_status = do_status  # type: ignore[method-assign]
    wait_until(lambda: len(asked) > 1)
    wait_until(lambda: seen(page)["law_text"] == text)
