"""Several simulated pumps in one process: their differences, their names, and what a fault in one does to the others."""

import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.rig.small_firmware import NO_CLOCK, image
from thecal.errors import BadInput, Failed
from thecal.pump.client import Client
from thecal.pump.transport import names, ports, registry
from thecal.sim import fleet as fleets
from thecal.sim import serve
from thecal.sim.errors import SimulatorError
from thecal.sim.fleet import Fleet, Wanted, started
from thecal.sim.ports import Ports
from thecal.sim.world.balance import BalanceOptions

SEEDS = (1, 2, 3)


@pytest.fixture(autouse=True)
def runtime(tmp_path, monkeypatch):
    monkeypatch.setenv("THECAL_RUNTIME", str(tmp_path / "runtime"))
    return tmp_path / "runtime"


def wanted(folder: Path | None = None, prefix: str = "") -> list[Wanted]:
    return [Wanted(seed, folder and folder / f"{seed}.flash", f"{prefix}-{seed}" if prefix else "") for seed in SEEDS]


@contextmanager
def kept(told: list[str] | None = None, **options: object) -> Iterator[Fleet]:
    """Pumps without a thread that looks after them."""
    running = Fleet(NO_CLOCK, (told if told is not None else []).append, virtual=True, **options)
    try:
        running.begin(wanted())
        yield running
    finally:
        running.close()


def hello(facts: dict) -> dict:
    with Client(facts["socket"]) as client:
        return client.hello()


def test_each_pump_is_an_individual_with_ports_and_a_control_of_its_own():
    with started(NO_CLOCK, wanted(), virtual=True) as running:
        assert [facts["seed"] for facts in running.facts] == list(SEEDS)
        for key in ("socket", "control", "control_secret", "unique_id", *(() if sys.platform == "win32" else ("port",))):
            assert len({facts[key] for facts in running.facts}) == len(SEEDS), key
        assert [hello(facts)["unique_id"] for facts in running.facts] == [facts["unique_id"] for facts in running.facts]
        assert [pump.individual.seed for pump in running.pumps] == list(SEEDS)
        assert len(registry.entries()) == len(SEEDS)
        running.pumps[1].advance(5_000)
        assert [pump.now_ms() for pump in running.pumps] == [0, 5_000, 0]
    assert registry.entries() == []


def test_a_name_is_kept_in_the_pump_and_outlasts_the_process(tmp_path):
    with started(NO_CLOCK, wanted(tmp_path, "lab"), virtual=True) as running:
        assert [facts["name"] for facts in running.facts] == ["lab-1", "lab-2", "lab-3"]
        assert [hello(facts)["name"] for facts in running.facts] == ["lab-1", "lab-2", "lab-3"]
        assert ports.by_name("lab-2").port_url == (running.facts[1]["port"] or running.facts[1]["socket"])
    with started(NO_CLOCK, [Wanted(2, tmp_path / "2.flash")], virtual=True) as running:
        assert running.facts[0]["name"] == hello(running.facts[0])["name"] == "lab-2"
    assert {one.name for one in names.known()} == {"lab-1", "lab-2", "lab-3"}


def test_a_pump_that_can_not_be_named_runs_and_this_is_said(tmp_path, capsys):
    flash = tmp_path / "1.flash"
    flash.write_bytes(image())  # a firmware that only evaluates what it is sent
    with started(NO_CLOCK, [Wanted(1, flash, "lab-1")], virtual=True) as running:
        assert running.facts[0]["name"] == ""
        assert running.pumps[0].power_is_on()
    assert "the simulated pump with seed 1 is not called lab-1" in capsys.readouterr().err


def test_a_fault_in_one_pump_is_reported_and_the_others_run_on(tmp_path):
    told: list[str] = []
    with kept(told) as running:
        running.pumps[1].hang_up()
        running.pumps[1].wait_until_idle()
        running.look()
        assert [facts["seed"] for facts in running.facts] == [1, 3]
        assert [entry["seed"] for entry in registry.entries()] == [1, 3]
        for facts in running.facts:
            assert hello(facts)["unique_id"] == facts["unique_id"]
        (text,) = told
        assert text.startswith("90cace78b9205208: the simulated pump has died: the firmware has ended")
        assert text.endswith("; the other 2 run on. Start it again alone, with --seed 2")


def test_the_last_death_ends_the_fleet_and_is_raised(monkeypatch):
    monkeypatch.setattr(fleets, "LOOK_S", 0.01)
    told: list[str] = []
    with kept(told) as running:
        for pump in running.pumps:
            pump.hang_up()
            pump.wait_until_idle()
        with pytest.raises(SimulatorError, match="the simulated pump has died"):
            running.serve(threading.Event())
        assert len(running.deaths) == len(SEEDS) and len(told) == len(SEEDS) - 1


def test_after_the_end_the_process_says_how_many_died(monkeypatch):
    monkeypatch.setattr(fleets, "LOOK_S", 0.01)

    def look(self):
        self.deaths.append(SimulatorError("the simulated pump has died: x"))
        signals[0](2, None)

    signals: list = []
    monkeypatch.setattr(Fleet, "look", look)
    monkeypatch.setattr(serve, "_setter", lambda ended: signals.append(lambda number, frame: ended.set()) or signals[0])
    with pytest.raises(SimulatorError, match="1 of 3 simulated pumps died"):
        serve.run(NO_CLOCK, wanted(), on_ready=lambda pumps: None, virtual=True)


def test_one_that_can_not_start_ends_all(tmp_path):
    (tmp_path / "3.flash").write_bytes(b"123")
    with pytest.raises(BadInput, match="has 2228224 bytes"), started(NO_CLOCK, wanted(tmp_path), virtual=True):
        pytest.fail("it started")
    assert registry.entries() == []


def test_a_flash_is_used_by_one_pump_at_a_time(tmp_path):
    with started(NO_CLOCK, wanted(tmp_path), virtual=True):
        with pytest.raises(Failed, match="another simulated pump uses"), started(NO_CLOCK, wanted(tmp_path)[1:2], virtual=True):
            pytest.fail("it started")
        assert len(registry.entries()) == len(SEEDS)


def test_no_pump_starts_after_the_end_was_asked_for():
    ended = threading.Event()
    ended.set()
    running = Fleet(NO_CLOCK, virtual=True)
    assert running.begin(wanted(), ended) == []


# --- the address of the network port


def reaches(host: str, url: str) -> bool:
    try:
        socket.create_connection((host, int(url.rpartition(":")[2])), timeout=2).close()
    except OSError:
        return False
    return True


@pytest.mark.skipif(sys.platform != "linux", reason="a second loopback address")
@pytest.mark.parametrize("host", ["127.0.0.2", "0.0.0.0"])
def test_another_address_opens_the_port_of_the_pump_only(host):
    with started(NO_CLOCK, wanted()[:1], virtual=True, host=host, balance=BalanceOptions("mt-sics")) as running:
        facts = running.facts[0]
        assert reaches("127.0.0.2", facts["socket"])
        assert reaches("127.0.0.1", facts["socket"]) == (host == "0.0.0.0")
        assert hello(facts)["unique_id"] == facts["unique_id"]
        for key in ("control", "balance_socket"):
            assert reaches("127.0.0.1", facts[key]) and not reaches("127.0.0.2", facts[key]), key
            assert "127.0.0.1:" in facts[key]


def test_without_an_address_only_this_computer_reaches_the_pump():
    with started(NO_CLOCK, wanted()[:1], virtual=True) as running:
        assert running.facts[0]["socket"].startswith("socket://127.0.0.1:")
        assert sys.platform != "linux" or not reaches("127.0.0.2", running.facts[0]["socket"])


def test_an_address_with_colons_is_written_in_brackets():
    class Nobody:
        plugged = True

    try:
        opened = Ports(Nobody(), "::1")
    except SimulatorError:
        pytest.skip("no IPv6 here")
    try:
        assert opened.url.startswith("socket://[::1]:")
    finally:
        opened.close()


@pytest.mark.parametrize("host", ["192.0.2.1", "no such host", "", "\udc80" * 70])
def test_an_address_that_is_not_of_this_computer_is_refused_in_words(host):
    with pytest.raises(SimulatorError, match="no port opens on") as refused, started(NO_CLOCK, wanted()[:1], virtual=True, host=host):
        pytest.fail("it started")
    assert "name an address of this computer" in refused.value.do
    assert registry.entries() == []
