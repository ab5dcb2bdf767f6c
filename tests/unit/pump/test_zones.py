"""Time zones are never guessed: which zone a pump gets, a misspelt zone, and when a clock change needs a confirmation."""

import importlib
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from pumpcore.wire import records
from support.host.fake_pump import FakePump
from support.some import some_of
from thecal.api.clock_move import Move, Wish, signed
from thecal.cli.clock_setting import set_before_start
from thecal.errors import BadInput, Failed
from thecal.pump import clock, facts, zones
from thecal.pump.client import Client
from thecal.quantities.typed import shown

JANUARY_UTC_S = 1_768_435_200  # 2026-01-15
BERLIN = (3600, 1_774_746_000, 7200)
NEW_YORK = (-18_000, 1_772_953_200, -14_400)
LAGOS = (3600, 0, 0)


Says = Callable[..., tuple[int, str, str]]


def interrupt(_: float) -> None:
    raise KeyboardInterrupt


@pytest.fixture(autouse=True)
def january(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("THECAL_RUNTIME", str(tmp_path))
    monkeypatch.delenv("TZ", raising=False)
    monkeypatch.setattr(clock, "host_s", lambda: float(JANUARY_UTC_S))
    monkeypatch.setattr(clock, "next_second", lambda: round(clock.host_s()))


@pytest.fixture
def pump():
    with FakePump() as fake:
        yield fake


@pytest.fixture
def client(pump: FakePump):
    with Client(pump.port_url) as client:
        client.hello()
        yield client


def begin(client: Client, wish: Wish) -> None:
    set_before_start(facts.ask(client), wish)


def has(pump: FakePump, utc_s: int, zone: tuple | None) -> None:
    """A pump that already has this time and zone."""
    pump.utc_s = pump.set_utc_s = utc_s
    pump.zone, pump.fraction_ms = zone, 0


@pytest.mark.parametrize(
    "text", ["Europe/Berlin", ":Europe/Berlin", "/usr/share/zoneinfo/Europe/Berlin", ":/usr/share/zoneinfo/Europe/Berlin"]
)
def test_this_computer_s_zone_is_the_one_in_tz(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("TZ", text)
    found = zones.of_computer()
    assert (found.name, found.zone(JANUARY_UTC_S).values()) == ("Europe/Berlin", BERLIN)


@pytest.mark.parametrize(
    "text", ["Europe/Berln", "CEST", '"Europe/Berlin"', "Europe/Berlin ", "europe/berlin", "CET-1CEST", "CET-1CEST,M3.5.0,M10.5.0/3", "+1",
             "Factory", "Europe", "../Berlin", "\udcff", "x" * 5_000, "/etc/passwd"],
)  # fmt: skip
def test_a_tz_that_names_no_zone_is_refused_in_words(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("TZ", text)
    for refused in (zones.of_computer, Wish(None, None).check):
        with pytest.raises(BadInput) as caught:
            refused()
        assert f"TZ: {shown(text)}" in caught.value.cause and "--zone" in caught.value.do
    if text.lower().startswith(("europe/berl", '"europe')):
        assert 'did you mean "Europe/Berlin"?' in caught.value.do
    assert '"EST"' not in caught.value.do


@pytest.mark.parametrize("text", ["", " "])
def test_a_computer_without_a_zone_says_so(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("TZ", text)
    Wish(None, None).check()  # the pump may have one
    with pytest.raises(BadInput) as caught:
        zones.of_computer()
    assert "this computer has no time zone" in caught.value.cause and "--zone" in caught.value.do


@pytest.mark.parametrize("target", [None, "/usr/share/zoneinfo/Factory"])
def test_a_system_whose_zone_nobody_has_chosen_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, target: str | None) -> None:
    place = tmp_path / "localtime"
    if target:
        place.symlink_to(target)
    monkeypatch.setattr(zones, "LOCALTIME", place)
    if target and not place.exists():
        pytest.skip("this system has no zone called Factory")
    with pytest.raises(BadInput, match="this computer has no time zone"):
        zones.of_computer()


@pytest.mark.skipif(not Path("/usr/share/zoneinfo/America/New_York").exists(), reason="this system has no files of zones")
def test_a_system_s_zone_is_told_by_the_link_or_by_the_copy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    link, copy = tmp_path / "link", tmp_path / "copy"
    link.symlink_to("/usr/share/zoneinfo/America/New_York")
    copy.write_bytes(link.read_bytes())
    monkeypatch.setattr(zones, "LOCALTIME", link)
    assert zones.of_computer().name == "America/New_York"
    monkeypatch.setattr(zones, "LOCALTIME", copy)
    monkeypatch.setitem(os.environ, "TZ", "America/New_York")
    time.tzset()
    monkeypatch.delitem(os.environ, "TZ")
    try:  # the C library still has it
        assert (zones.of_computer().name, zones.of_computer().zone(JANUARY_UTC_S).values()) == ("", NEW_YORK)
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.rule("R11")
@pytest.mark.parametrize("computer", ["", "UTC", "Europe/Berlin"])
def test_a_pump_keeps_its_zone_on_whatever_computer(
    monkeypatch: pytest.MonkeyPatch, pump: FakePump, client: Client, computer: str, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TZ", computer)
    has(pump, JANUARY_UTC_S + 1, NEW_YORK)
    begin(client, Wish(None, None))
    assert pump.zone == NEW_YORK and "UTC-0500" in capsys.readouterr().err


def test_a_pump_that_lost_its_time_keeps_its_zone_and_utc_is_one(pump: FakePump, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    for zone in (NEW_YORK, (0, 0, 0)):
        has(pump, 0, zone)
        begin(client, Wish(None, None))
        assert pump.zone == zone


def test_a_new_pump_gets_the_zone_that_was_named_or_this_computer_s(
    pump: FakePump, client: Client, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    for zone, expected in (("America/New_York", NEW_YORK), (None, BERLIN)):
        has(pump, 0, None)
        begin(client, Wish(zone, None))
        assert pump.zone == expected
        assert f"({zone or 'Europe/Berlin'}), it was not set before" in capsys.readouterr().err
    has(pump, 0, None)
    monkeypatch.setenv("TZ", "")
    with pytest.raises(BadInput, match="this computer has no time zone"):
        begin(client, Wish(None, None))
    assert pump.zone is None


def test_the_zone_that_was_named_goes_on_beyond_the_change_that_the_pump_knows(pump: FakePump, client: Client) -> None:
    """Another computer may have set another zone since: then its offsets are kept, and no name is guessed."""
    begin(client, Wish("Europe/Berlin", None))
    pump.zone = LAGOS  # the change has passed, or somebody removed it
    begin(client, Wish(None, None))
    assert pump.zone == BERLIN
    has(pump, JANUARY_UTC_S, LAGOS)
    pump.set_utc_s = JANUARY_UTC_S - 100
    begin(client, Wish(None, None))
    assert pump.zone == LAGOS


@pytest.mark.rule("R11")
@pytest.mark.parametrize(
    ("off_s", "zone", "words"),
    [
        (-28_800, None, "clock by +8 h 00 min"),
        (61, None, "clock by -61 s"),
        (-61, None, "clock by +61 s"),
        (0, "America/New_York", "local time by -6 h 00 min and next change of local time"),
        (0, "Africa/Lagos", "next change of local time"),
        (86_400 * 3, "UTC", "clock by -3 d 0 h and local time by -1 h 00 min and next change of local time"),
    ],
)
def test_what_the_pump_knows_is_moved_only_when_somebody_says_so(
    pump: FakePump, client: Client, off_s: int, zone: str | None, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    has(pump, JANUARY_UTC_S + off_s, BERLIN)
    assert Move(facts.ask(client), Wish(zone, None)).words() == words
    with pytest.raises(Failed) as caught:
        begin(client, Wish(zone, None))
    assert words in caught.value.cause and "--set-clock" in caught.value.do and "--keep-clock" in caught.value.do
    assert pump.zone == BERLIN and "clock.set" not in pump.executed
    begin(client, Wish(zone, True))
    assert words in capsys.readouterr().err
    assert abs(pump.utc_s - JANUARY_UTC_S) <= 1


@pytest.mark.parametrize("off_s", [-59, 59, 60])
def test_a_minute_is_set_without_a_question(pump: FakePump, client: Client, off_s: int, capsys: pytest.CaptureFixture[str]) -> None:
    has(pump, JANUARY_UTC_S + off_s, BERLIN)
    begin(client, Wish(None, None))
    assert f"moved by {-off_s:+d}.0 s" in capsys.readouterr().err
    assert abs(pump.utc_s - JANUARY_UTC_S) <= 1


def test_a_clock_can_be_kept(pump: FakePump, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berln")
    Wish(None, False).check()
    has(pump, JANUARY_UTC_S - 28_800, BERLIN)
    begin(client, Wish(None, False))
    assert pump.utc_s == JANUARY_UTC_S - 28_800
    with pytest.raises(Failed, match="contradict"):
        begin(client, Wish("UTC", False))
    has(pump, 0, BERLIN)
    with pytest.raises(Failed, match="can't be kept"):
        begin(client, Wish(None, False))


@pytest.mark.parametrize(("moment", "words"), [((1970, 1, 1), "before 2024"), ((2023, 12, 31), "before 2024"), ((2100, 1, 1), "past 2099")])
def test_a_computer_whose_clock_can_t_be_right_sets_none(
    monkeypatch: pytest.MonkeyPatch, pump: FakePump, client: Client, moment: tuple, words: str
) -> None:
    monkeypatch.setattr(clock, "host_s", lambda: datetime(*moment, tzinfo=UTC).timestamp())
    has(pump, JANUARY_UTC_S, BERLIN)
    for move in (None, True):
        with pytest.raises(Failed) as caught:
            begin(client, Wish("UTC", move))
        assert f"{moment[0]}" in caught.value.cause and words in caught.value.cause
    assert words in clock.read(client)[1].warning()
    assert (pump.utc_s, pump.zone) == (JANUARY_UTC_S, BERLIN)


def test_an_offset_of_a_day_of_an_older_pump_is_shown_and_is_no_zone_to_keep(
    monkeypatch: pytest.MonkeyPatch, pump: FakePump, client: Client
) -> None:
    from thecal.quantities.amounts import clock_text

    monkeypatch.setenv("TZ", "Europe/Berlin")
    assert clock_text(JANUARY_UTC_S, 86_400) == "Fri 2026-01-16 00:00:00 UTC+2400"
    assert clock_text(JANUARY_UTC_S, -86_400 - 59) == "Tue 2026-01-13 23:59:01 UTC-240059"
    assert "not a date" in clock_text(1 << 64, 0)
    has(pump, JANUARY_UTC_S, (86_400, 0, 0))
    begin(client, Wish(None, True))
    assert pump.zone == BERLIN


def test_an_id_that_is_none_names_no_file(tmp_path: Path) -> None:
    from thecal.pump.transport import registry

    for name in ("../../x", "", "g", "a" * 65, "a/b"):
        registry.remember_zone(name, {"zone": "UTC"})
        assert registry.known_zone(name) is None
    assert list(tmp_path.rglob("*")) == []
    registry.remember_zone("00FF", {"zone": "UTC"})
    assert registry.known_zone("00ff") == {"zone": "UTC"}


def test_signed_times_are_said_as_people_say_them() -> None:
    assert [signed(by_s) for by_s in (0, -59, 599, 600, -28_800, 90_000)] == [
        "+0 s", "-59 s", "+599 s", "+0 h 10 min", "-8 h 00 min", "+1 d 1 h",
    ]  # fmt: skip


@pytest.mark.parametrize("zone", [(86_400, 0, 0), (-86_400, 4_000_000_000, 86_400), (64_800, 0, 0), (1 << 31, 0, 0)], ids=str)
@pytest.mark.parametrize("utc_s", some_of([JANUARY_UTC_S, 0, (1 << 32) - 1], 3))
@pytest.mark.parametrize("verb", ["status", "clock", "watch --json", "journal", "report --out -"])
@pytest.mark.filterwarnings("ignore:Plotting microsecond")  # the time line of a second, far from 1970
def test_what_an_older_pump_says_of_its_clock_ends_no_verb_in_a_traceback(
    pump: FakePump, verb: str, utc_s: int, zone: tuple, thecal_says: Says, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(importlib.import_module("thecal.cli.verbs.watch"), "time", SimpleNamespace(sleep=interrupt))
    has(pump, utc_s, zone)
    offset_s = min(zone[0], (1 << 31) - 1)
    pump.journal = [records.encode_record("clock_set", (1, 1, 1_000, utc_s), (0, utc_s, offset_s))]
    pump.journal += [records.encode_record("maintenance", (1, n, n * 1_000, utc_s), (0,)) for n in range(2, 301)]
    code, _, err = thecal_says(*verb.split(), "--port", pump.port_url)
    assert code in (0, 1, 2, 4, 5, 130) and "Traceback" not in err, err


def test_a_name_that_is_refused_is_not_suggested() -> None:
    assert zones.suggestion("localtime") == ""
    assert zones.suggestion("europe/berlin") == 'did you mean "Europe/Berlin"? '


@pytest.mark.parametrize(
    ("typed", "near"),
    [
        ("CEST", "Europe/Berlin"),
        ("PST", "America/Los_Angeles"),
        ("Berln", "Europe/Berlin"),
        ("utc+2", "Etc/GMT-2"),
        ("gmt-05:00", "Etc/GMT+5"),
    ],
)
def test_what_people_say_gets_a_near_zone(typed: str, near: str) -> None:
    with pytest.raises(BadInput) as caught:
        zones.named(typed)
    assert f'did you mean "{near}"?' in caught.value.do
    zones.named(near)
