"""Names of pumps and defaults of the user: which port they lead to, what is remembered, what is refused."""

import json
from pathlib import Path

import pytest

from pumpcore.program import packing
from support.host.empty_place import RX, without_boards
from support.host.fake_pump import FakePump
from thecal.deploy.build import Built
from thecal.errors import BadInput, NoPump
from thecal.files import config
from thecal.pump.transport import names, ports, registry

LIVE = {"state": "delivering", "rate_nl": 1, "rate_seconds_s": 1, "ordered_steps": 10, "delivered_steps": 1, "volume_nl": 5}


def simulator_entry(pump: FakePump) -> dict:
    return {"socket": pump.port_url, "port": None, "control": pump.port_url.removeprefix("socket://"), "unique_id": pump.unique_id}


class Board:
    """A board as pyserial lists it."""

    vid, pid = ports.USB_IDS[0]

    def __init__(self, device: str, serial_number: str) -> None:
        self.device, self.serial_number = device, serial_number


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_boards(tmp_path, monkeypatch)


@pytest.fixture
def pump():
    with FakePump() as fake:
        fake.unique_id = "e66058388341a12b"
        yield fake


@pytest.fixture
def two(pump):
    """Two pumps, both simulators of this computer."""
    with FakePump() as other:
        other.unique_id = "e66058388341a12c"
        for fake in (pump, other):
            path = registry.add(simulator_entry(fake))
            path.rename(path.with_name(f"{fake.unique_id}.json"))
        yield pump, other


@pytest.mark.parametrize("text", ["flow-1", "a", "pump_b", "a" * 20])
def test_a_name(text: str) -> None:
    assert names.is_name(text)


@pytest.mark.parametrize(
    "text", ["", "1a", "Flow", "com3", "tty", "ttyacm0", "all", "a" * 21, "a/b", "a.b", "socket://x:1", "-a", "a b", "ä"]
)
def test_no_name_a_port_first_of_all(text: str) -> None:
    assert not names.is_name(text)


def test_a_near_name_is_proposed(thecal_says) -> None:
    code, _, err = thecal_says("name", "Flow 1")
    assert code == 2 and 'did you mean "flow-1"?' in err


def test_a_named_pump_is_found_by_its_name_and_no_other_port_is_opened(two, thecal_says) -> None:
    first, second = two
    assert thecal_says("name", "flow-1", "--port", first.port_url)[0] == 0
    assert first.name == "flow-1"
    first.executed.clear()
    second.executed.clear()
    second.state = first.state = "running"
    code, _, _ = thecal_says("stop", "flow-1")
    assert (code, first.state, second.state) == (0, "stopped", "running")
    assert first.executed[0] == "stop" and second.executed == [], "the stop goes first, to that pump alone"
    for typed in (("status", "--port", "flow-1"), ("-p", "flow-1", "status"), ("status", "flow-1")):
        assert thecal_says(*typed)[0] == 0
    assert second.executed == []


def test_a_double_name_is_refused_also_if_only_the_pump_knows_it(two, thecal_says) -> None:
    first, second = two
    second.name = "flow-1"
    code, _, err = thecal_says("name", "flow-1", "--port", first.port_url)
    assert code == 1 and 'another pump is called "flow-1": serial number e66058388341a12c' in err and first.name == ""
    second.name = ""
    thecal_says("find")
    assert thecal_says("name", "flow-1", "--port", first.port_url)[0] == 0


def test_find_learns_names_and_two_pumps_of_one_name_are_told(two, thecal_says) -> None:
    first, second = two
    first.name = second.name = "flow-1"
    code, out, err = thecal_says("find")
    assert code == 0 and out.count("flow-1") == 2 and '2 pumps are called "flow-1"' in err
    code, _, err = thecal_says("stop", "flow-1")
    assert code == 2 and "e66058388341a12b and e66058388341a12c" in err
    second.name = "flow-2"
    thecal_says("find")
    assert thecal_says("stop", "flow-1")[0] == 0


def test_a_pump_that_has_another_name_now_is_not_taken_for_it(two, thecal_says) -> None:
    first, _ = two
    assert thecal_says("name", "flow-1", "--port", first.port_url)[0] == 0
    first.name = "flow-9"
    code, _, err = thecal_says("status", "flow-1")
    assert code == 3 and 'the pump that was "flow-1" is now called "flow-9"' in err
    assert thecal_says("status", "flow-9")[0] == 0


def test_a_board_is_found_by_its_serial_number_wherever_it_is(monkeypatch) -> None:
    names.learn({"name": "flow-1", "unique_id": "e66058388341a12b"}, "/dev/ttyACM0")
    boards = [Board("/dev/ttyACM0", "AAAA"), Board("/dev/ttyACM7", "E66058388341A12B")]
    monkeypatch.setattr("serial.tools.list_ports.comports", lambda: boards)
    assert ports.named("flow-1").port_url == "/dev/ttyACM7"


def test_an_absent_or_unknown_pump_is_3_and_says_how_to_find_it(thecal_says) -> None:
    names.learn({"name": "flow-1", "unique_id": "e66058388341a12b"}, "/dev/ttyACM0")
    for name, cause in (("flow-1", '"flow-1" (serial number e66058388341a12b) is not here'), ("flow-2", 'no pump is known as "flow-2"')):
        code, _, err = thecal_says("stop", name)
        assert code == 3 and cause in err and "thecal find" in err


def test_a_file_of_that_name_is_a_port() -> None:
    Path("flow-1").write_text("")
    assert ports.named("flow-1").port_url == "flow-1"


@pytest.mark.parametrize("unique_id", ["", "../../x", "a" * 65, "a/b"])
def test_no_hostile_id_becomes_a_file(unique_id: str) -> None:
    names.learn({"name": "flow-1", "unique_id": unique_id}, "x")
    assert names.known() == []


@pytest.mark.parametrize("name", ["../x", "FLOW", "a\x1b[2J", 5, None])
def test_a_hostile_name_is_not_remembered(name) -> None:
    names.learn({"name": name, "unique_id": "e66058388341a12b"}, "x")
    assert names.known() == []


def test_naming_needs_a_stopped_pump_and_dry_run_changes_nothing(pump, thecal_says) -> None:
    assert thecal_says("name", "flow-1", "--dry-run", "-p", pump.port_url)[0] == 0 and pump.name == ""
    pump.state = "running"
    assert thecal_says("name", "flow-1", "-p", pump.port_url)[0] == 1 and names.known() == []
    pump.state = "stopped"
    assert thecal_says("name", "flow-1", "-p", pump.port_url)[0] == 0
    assert thecal_says("name", "-p", "flow-1")[1] == "flow-1\n"
    assert thecal_says("name", "--remove", "-p", "flow-1")[0] == 0 and pump.name == "" and names.known() == []


def test_the_name_settles_a_lost_answer(pump, thecal_says, monkeypatch) -> None:
    monkeypatch.setattr("thecal.pump.exchange.PATIENCE_S", 0.5)
    pump.trouble["name.set"] = ["mute"] * 9
    code, out, _ = thecal_says("name", "flow-1", "--json", "-p", pump.port_url)
    assert (code, json.loads(out)) == (0, {"name": "flow-1", "settled": True})


def test_two_pumps_in_one_command_are_refused(pump, thecal_says) -> None:
    assert thecal_says("stop", "flow-1", "--port", pump.port_url)[0] == 2


def test_status_all_shows_every_pump_a_row_each(two, thecal_says) -> None:
    first, second = two
    first.name, second.state, second.alarms = "flow-1", "alarm", [601]
    code, out, _ = thecal_says("status", "--all")
    assert code == 5 and "flow-1" in out and "e66058388341a12c" in out and "601" in out
    code, out, _ = thecal_says("status", "--all", "--json")
    assert code == 5 and [one["status"]["state"] for one in json.loads(out)] == ["stopped", "alarm"]
    assert thecal_says("status", "--all", "flow-1")[0] == 2


# --- defaults -----------------------------------------------------------------------------------------------------------------


def test_the_port_of_the_config_file_is_the_last_that_is_asked(pump, thecal_says, monkeypatch) -> None:
    assert thecal_says("config", "port", pump.port_url)[0] == 0
    assert thecal_says("status")[0] == 0
    assert thecal_says("config", "port")[1].splitlines()[1].split()[:2] == ["port", pump.port_url]
    monkeypatch.setenv("THECAL_PORT", "/dev/none")
    assert thecal_says("status")[0] == 3
    assert thecal_says("status", "-p", pump.port_url)[0] == 0
    monkeypatch.delenv("THECAL_PORT")
    assert thecal_says("config", "port", "--remove")[0] == 0
    assert thecal_says("status")[0] == 3


def test_the_bench_of_the_config_file_checks_a_dry_run_and_never_a_pump(pump, thecal_says) -> None:
    Path("rx.toml").write_text(RX.replace("1 mL/h", "12 mL/h"))
    assert thecal_says("program", "rx.toml", "--dry-run")[0] == 0
    thecal_says("config", "bench", "sim-clock")
    code, _, err = thecal_says("program", "rx.toml", "--dry-run")
    assert code == 2 and "above the highest" in err
    assert thecal_says("program", "rx.toml", "--yes", "-p", pump.port_url)[0] == 0


def test_the_zone_of_the_config_file_never_goes_before_the_pumps(pump, thecal_says, monkeypatch) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    thecal_says("config", "zone", "Asia/Tokyo")
    thecal_says("program", "rx.toml", "--yes", "-p", pump.port_url)
    assert thecal_says("start", "-p", pump.port_url)[0] == 0
    assert pump.zone[0] == 9 * 3600
    thecal_says("config", "zone", "Europe/Berlin")
    pump.state = "stopped"
    assert thecal_says("start", "-p", pump.port_url)[0] == 0
    assert pump.zone[0] == 9 * 3600, "the pump's own zone counts"


def test_the_library_of_the_config_file_is_read(thecal_says) -> None:
    Path("rx.toml").write_text(RX + '[library]\nname = "bench fluids"\nversion = 1\n')
    thecal_says("config", "library", "none.toml")
    code, _, err = thecal_says("program", "rx.toml", "--dry-run")
    assert code == 2 and "none.toml" in err


def test_the_units_of_the_config_file_are_those_that_people_read_and_json_stays(pump, thecal_says, monkeypatch) -> None:
    thecal_says("program", "rx.toml", "--yes", "-p", pump.port_url)
    pump.state = "running"
    before = thecal_says("status", "--json", "-p", pump.port_url)[1].count("_nl")
    assert "mL/h" in thecal_says("status", "-p", pump.port_url)[1]
    thecal_says("config", "units", "uL")
    out = thecal_says("status", "-p", pump.port_url)[1]
    assert "uL/h" in out and "mL/h" not in out
    assert thecal_says("status", "--json", "-p", pump.port_url)[1].count("_nl") == before
    assert "1000 uL/h" in thecal_says("program", "rx.toml", "--dry-run")[1]
    monkeypatch.setenv("THECAL_UNITS", "mL")
    assert "1 mL/h" in thecal_says("program", "rx.toml", "--dry-run")[1]
    monkeypatch.setenv("THECAL_UNITS", "gal")
    code, _, err = thecal_says("program", "rx.toml", "--dry-run")
    assert code == 2 and "THECAL_UNITS: units: 'gal' can't be used" in err


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("port = 5\n", "port: '5' can't be used"),
        ('prot = "x"\n', "prot is not a key of the config file"),
        ('units = "gal"\n', "units: 'gal' can't be used"),
        ("port = \n", "is not TOML"),
    ],
)
def test_a_wrong_config_file_is_2_and_names_itself(text: str, cause: str, thecal_says) -> None:
    Path("config.toml").write_text(text)
    code, _, err = thecal_says("status")
    assert code == 2 and cause in err and "config.toml" in err
    with pytest.raises(BadInput):
        config.stored()


def test_a_port_on_the_command_line_needs_no_config_file(pump, thecal_says) -> None:
    """Above all a stop."""
    Path("config.toml").write_text("broken")
    assert thecal_says("stop", "-p", pump.port_url)[0] == 0


def test_a_broken_config_file_stops_no_stop(pump, thecal_says) -> None:
    registry.add(simulator_entry(pump))
    Path("config.toml").write_text("broken")
    code, _, err = thecal_says("stop")
    assert code == 0 and "config.toml" in err and "ignored" in err and pump.executed[0] == "stop"


def test_comments_of_the_config_file_stay(thecal_says) -> None:
    Path("config.toml").write_text('# mine\nzone = "UTC"  # here\n')
    assert thecal_says("config", "units", "uL", "--dry-run")[0] == 0
    assert "units" not in Path("config.toml").read_text()
    assert thecal_says("config", "units", "uL")[0] == 0
    assert Path("config.toml").read_text() == '# mine\nzone = "UTC"  # here\nunits = "uL"\n'
    assert thecal_says("config", "unit", "uL")[0] == 2


# --- what else a verb says ------------------------------------------------------------------------------------------------------


def test_the_active_program_again_is_unchanged_and_nothing_is_sent(pump, thecal_says) -> None:
    thecal_says("program", "rx.toml", "--yes", "-p", pump.port_url)
    pump.executed.clear()
    code, out, _ = thecal_says("program", "rx.toml", "-p", pump.port_url)
    assert code == 0 and out.startswith("unchanged") and set(pump.executed) == {"hello", "status"}
    assert pump.digest() == packing.digest(pump.active)


def test_changed_rows_of_the_review_are_marked(pump, thecal_says) -> None:
    first = thecal_says("program", "rx.toml", "--yes", "-p", pump.port_url)[2]
    assert "changes" not in first
    Path("rx.toml").write_text(RX.replace("1 mL/h", "2 mL/h"))
    review = thecal_says("program", "rx.toml", "--yes", "-p", pump.port_url)[2]
    assert "(* changes)" in review
    assert [line.split()[0] for line in review.splitlines() if " * " in line] == ["always"]


def test_start_without_a_program_names_the_command_and_changes_nothing(pump, thecal_says) -> None:
    code, _, err = thecal_says("start", "-p", pump.port_url)
    assert code == 1 and "thecal program rx.toml" in err and "nothing was changed" in err
    assert set(pump.executed) == {"hello", "status"} and pump.utc_s == 0


def test_cancel_without_a_token_cancels_the_one_that_runs(pump, thecal_says, monkeypatch) -> None:
    thecal_says("program", "rx.toml", "--yes", "-p", pump.port_url)
    code, _, err = thecal_says("bolus", "--cancel", "-p", pump.port_url)
    assert code == 1 and "no bolus runs" in err
    assert thecal_says("bolus", "50 uL", "--rate", "2 mL/h", "--yes", "-p", pump.port_url)[0] == 0
    (token,) = pump.boluses
    live = {**LIVE, "token": token}
    status = pump.do_status
    monkeypatch.setattr(pump, "do_status", lambda: {**status(), "bolus": live})
    code, out, _ = thecal_says("bolus", "--status", "-p", pump.port_url)
    assert code == 0 and token in out
    assert thecal_says("bolus", "--cancel", "-p", pump.port_url)[0] == 0
    assert pump.boluses == {token: "cancelled"}
    monkeypatch.setattr(pump, "do_status", lambda: {**status(), "bolus": live, "extended": {**live, "token": "f" * 16}})
    code, _, err = thecal_says("bolus", "--cancel", "-p", pump.port_url)
    assert code == 2 and "two boluses run" in err


def test_what_is_unknown_raises() -> None:
    with pytest.raises(NoPump):
        ports.named("flow-1")


def test_the_plan_of_a_flash_is_shown_without_a_board(thecal_says, monkeypatch) -> None:
    built = Built({"/main.py": b"x", "/app/a.mpy": b"y"}, b"manifest", "0" * 64)
    monkeypatch.setattr("thecal.deploy.build.build", lambda _: built)
    code, out, err = thecal_says("flash", "--dry-run", "--bench", "tmc2209-peristaltic01")
    assert (code, out) == (0, "nothing was written\n")
    assert "no board found" in err and "copy" in err and "/main.py" in err and "tmc2209-peristaltic01" in err
    code, out, _ = thecal_says("flash", "--dry-run", "--json")
    assert code == 0 and json.loads(out)["port"] is None and "/main.py" in json.loads(out)["copy"]
    for named in (("--port", "/dev/none"), ("--id", "AAAA")):
        assert thecal_says("flash", "--dry-run", *named)[0] == 3


# --- completion -----------------------------------------------------------------------------------------------------------------


def proposed(*typed: str, monkeypatch, capsys) -> list[str]:
    """Return what bash is offered behind these words."""
    import thecal.cli.app

    monkeypatch.setenv("_THECAL_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", " ".join(("thecal", *typed)))
    monkeypatch.setenv("COMP_CWORD", str(len(typed)))
    monkeypatch.setattr("sys.argv", ["thecal"])
    with pytest.raises(SystemExit):
        thecal.cli.app.main()
    return capsys.readouterr().out.split()


def test_completion_proposes_ports_names_benches_faults_tokens_zones_verbs(pump, monkeypatch, capsys) -> None:
    registry.add(simulator_entry(pump))
    names.learn({"name": "flow-1", "unique_id": pump.unique_id}, pump.port_url)
    pump.alarms = [612]
    token = "0123456789abcdef"
    live = {**LIVE, "token": token}
    status = pump.do_status
    monkeypatch.setattr(pump, "do_status", lambda: {**status(), "bolus": live})

    def after(*typed: str) -> list[str]:
        return proposed(*typed, monkeypatch=monkeypatch, capsys=capsys)

    assert set(after("status", "--port", "")) >= {"flow-1", pump.port_url}
    assert after("stop", "fl") == ["flow-1"] and after("--port", "fl") == ["flow-1"]
    assert after("program", "rx.toml", "--bench", "sim-n") == ["sim-noclock"]
    assert after("ack", "") == ["power_lost", "all"]
    assert after("bolus", "--cancel", "") == [token]
    assert after("start", "--zone", "Europe/Ber") == ["Europe/Berlin"]
    assert after("help", "bo") == ["bolus"]
    assert after("schema", "sto") == ["stop"]
    assert after("config", "p") == ["port"]


def test_completion_of_nothing_is_empty_and_quiet(monkeypatch, capsys) -> None:
    def broken() -> list:
        raise OSError

    monkeypatch.setattr("serial.tools.list_ports.comports", broken)
    for typed in (("bolus", "--cancel", ""), ("status", "--port", "")):
        assert proposed(*typed, monkeypatch=monkeypatch, capsys=capsys) == []
