"""The clock as the host sees it: the next change of local time, the pump's clock error, and the words for it."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from support.host.fake_pump import FakePump
from thecal.errors import BadInput
from thecal.pump import clock, zones
from thecal.pump.transport import registry

NOW_S = 1_780_000_000


def local(zone: str, *moment: int) -> tuple:
    return zones.named(zone).zone(int(datetime(*moment, tzinfo=ZoneInfo(zone)).timestamp())).values()


@pytest.mark.parametrize(
    ("zone", "moment", "expected"),
    [
        ("Europe/Berlin", (2026, 1, 15), (3600, 1_774_746_000, 7200)),
        ("Europe/Berlin", (2026, 10, 25, 1, 59, 59), (7200, 1_792_890_000, 3600)),
        ("Europe/Berlin", (2026, 12, 31, 23, 59, 59), (3600, 1_806_195_600, 7200)),
        ("America/New_York", (2026, 10, 31), (-14_400, 1_793_512_800, -18_000)),
        ("Australia/Lord_Howe", (2026, 4, 1), (39_600, 1_775_314_800, 37_800)),
        ("Asia/Kolkata", (2026, 1, 1), (19_800, 0, 0)),
        ("UTC", (2028, 2, 29), (0, 0, 0)),
    ],
)
def test_the_next_change_of_local_time(zone: str, moment: tuple, expected: tuple) -> None:
    assert local(zone, *moment) == expected


@pytest.mark.parametrize("name", ["Berlin", "", "../etc", "Europe/berlin\n", "Europe/"])
def test_a_zone_that_there_is_not_is_told(name: str) -> None:
    with pytest.raises(BadInput) as caught:
        zones.named(name)
    assert "--zone" in caught.value.cause and "Europe/Berlin" in caught.value.do


def reading(error_s: float, set_ago_s: int, fraction: bool = True, trip_s: float = 0.0) -> clock.Reading:
    pump_s = NOW_S + error_s
    status = {"utc_s": int(pump_s), "utc_fraction_ms": round(pump_s % 1 * 1000) if fraction else None, "clock_set_utc_s": NOW_S - set_ago_s}
    return clock.Reading(status, NOW_S - trip_s / 2, NOW_S + trip_s / 2)


def test_drift_is_told_when_it_can_be_told() -> None:
    assert reading(1.2, 400_000).text() == "+1.2 s, drift 3 ppm since it was set 4 d 15 h ago"
    assert reading(-0.04, 60).text() == "+0.0 s, set 1 min ago"
    assert reading(1.0, 400_000, fraction=False).text() == "+2 s, drift 4 ppm since it was set 4 d 15 h ago"
    assert reading(0.0, 1_000_000, trip_s=0.5).as_dict() == {"error_s": 0.0, "uncertain_s": 0.25, "drift_ppm": 0.0, "set_ago_s": 1_000_000}
    assert clock.Reading({"utc_s": 0, "clock_set_utc_s": 0}, NOW_S, NOW_S).text() == "unknown"
    assert clock.Reading({"utc_s": NOW_S}, NOW_S, NOW_S).text() == "+0 s"  # an older firmware


def test_a_clock_that_is_off_or_drifts_is_warned_about() -> None:
    assert "thecal clock --set" in reading(-9, 4_000_000).warning()
    assert reading(1.9, 4_000_000).warning() == ""
    assert "150 ppm" in reading(1.5, 10_000).warning()
    assert reading(2.4, 4_000_000, fraction=False).warning() == ""  # within a clock chip's resolution


def test_a_simulated_pump_with_a_time_of_its_own_is_not_warned_about(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THECAL_RUNTIME", str(tmp_path))
    with FakePump() as pump:
        from thecal.pump.client import Client

        pump.utc_s = 1_000_000_000
        with Client(pump.port_url) as client:
            assert clock.read(client)[1].warning()
            registry.add({"port": None, "socket": pump.port_url, "control": pump.port_url.removeprefix("socket://"), "speed": 60.0})
            found = clock.read(client)[1]
    assert found.warning() == "" and "simulated" in found.text()
