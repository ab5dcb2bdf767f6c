"""A pump that doses by volume, loses its rotor's angle in a power cut and doses by angle: each verb names the law and the cause."""

import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import thecal
from pumpcore.orders.bolus import CALIBRATION
from pumpcore.wire.laws import LAW_CAUSES
from support.host.cli import Tool
from support.programs import constant, resuming
from support.rig.device import Device
from support.rig.tables import give_table, rate_nl
from thecal.history.evidence import as_lines, collect
from thecal.history.saved import load
from thecal.history.timeline import Timeline
from thecal.quantities.amounts import Rate
from thecal.text import law

pytestmark = [pytest.mark.needs("plant", "power_cut", "free_time")]
RATE_HZ = 20.0
WHY_POWER = law.WHY["phase_power"].cause
VOLUME_S, OFF_S, ANGLE_S = 900, 60, 900


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Device, Tool]]:
    """By volume for a quarter of an hour, a power cut, by angle for another one."""
    with Device() as device:
        give_table(device)
        device.upload(resuming(constant(rate_nl(RATE_HZ))))
        device.client.start()
        device.run_for(VOLUME_S)
        device.power_cycle(OFF_S)
        assert device.reaches("running", 130)
        device.run_for(ANGLE_S)
        yield device, Tool(tmp_path_factory.mktemp("laws"))


def said(lived: tuple[Device, Tool], *words: str) -> str:
    """Type a verb at the pump's port; return its stdout and stderr."""
    device, tool = lived
    device.client.close()
    done = tool.run(words[0], "--port", device.port_url, *words[1:])
    assert done.returncode in (0, 5), done.stderr  # 5: the power cut is an alarm
    return done.stdout + done.stderr


def test_status_names_the_law_the_cause_and_the_command(lived: tuple[Device, Tool]) -> None:
    text = " ".join(said(lived, "status").split())
    assert f"by angle: {WHY_POWER}" in text
    assert law.VERIFY in text
    status = json.loads(said(lived, "status", "--json"))
    assert (status["law"], status["law_cause"]) == ("angle", "phase_power")


def test_the_alarm_list_has_the_warning_by_angle(lived: tuple[Device, Tool]) -> None:
    assert "by_angle" in lived[0].alarms()


def test_the_journal_shows_the_table_and_each_law(lived: tuple[Device, Tool]) -> None:
    lines = [" ".join(line.split()) for line in said(lived, "journal").splitlines()]
    assert any(" rotor set " in line and "bins 192" in line for line in lines)
    assert any(line.endswith(" rotor phase") for line in lines)
    rows = [line for line in lines if " law law " in line]
    assert len(rows) == 2
    assert "law by volume" in rows[0] and f"law by angle: {WHY_POWER}" in rows[1]
    raw = [json.loads(line) for line in said(lived, "journal", "--jsonl", "-").splitlines() if line.startswith("{")]
    assert [(row["law"], row["cause"]) for row in raw if row["event"] == "law"] == [("volume", ""), ("angle", "phase_power")]


def test_a_phase_that_was_found_is_in_the_journal_with_its_position() -> None:
    with Device() as device:
        give_table(device)
        device.client.rotor_phase(17)
        assert [record.fields["zero_steps"] for record in device.records("rotor_phase")] == [0, 17]


def test_the_report_says_from_when_to_when(lived: tuple[Device, Tool]) -> None:
    said(lived, "report", "--days", "1", "--out", "report.html", "--force")
    html = (lived[1].folder / "report.html").read_text(encoding="utf-8")
    section = html[html.index("Dosed by volume or by angle") :][:3_000]
    assert section.index("by volume") < section.rindex("by angle")
    assert WHY_POWER in section.replace("&#39;", "'")


def test_compare_says_what_law_its_minutes_were_dosed_by(lived: tuple[Device, Tool]) -> None:
    rows = [line for line in said(lived, "compare", "--days", "1").splitlines() if "on dosed by" in line]
    assert rows[0].endswith("by volume") or rows[1].endswith("by volume")
    assert rows[-1].endswith(f"by angle: {WHY_POWER}")


def test_a_forecast_says_how_the_pump_doses(lived: tuple[Device, Tool]) -> None:
    (lived[1].folder / "rx.toml").write_text('title = "t"\ndrug = "water"\n[basal]\nrate = "1 mL/h"\n', encoding="utf-8")
    text = " ".join(said(lived, "forecast", "rx.toml", "--days", "1").split())
    assert f"doses by angle: {WHY_POWER}" in text


def test_samples_have_the_law_of_each_moment(lived: tuple[Device, Tool], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    device, _ = lived
    monkeypatch.setenv("THECAL_RUNTIME", str(tmp_path))
    device.client.close()
    with thecal.open(device.port_url) as pump:
        columns = pump.samples("1 min")
    laws = ["angle", *columns["law"]]  # so it was before the first record
    changes = [after for before, after in itertools.pairwise(laws) if after != before]
    assert changes == ["volume", "angle"]
    assert laws.count("volume") == pytest.approx(VOLUME_S / 60, abs=2)


def test_a_journal_of_an_older_pump_was_dosed_by_angle(tmp_path: Path) -> None:
    """One without a record of a law, and a file that was saved from it."""
    with Device() as device:
        device.begin(constant(1_000_000))
        device.run_for(600)
        found = collect(device.client)
    assert not [row for row in found.events if row["event"] == "law"]
    (tmp_path / "old.jsonl").write_text(as_lines(found), encoding="utf-8")
    for line in (Timeline(found), Timeline(load([tmp_path / "old.jsonl"]))):
        samples = list(line.samples(line.from_ms, line.to_ms, 60_000))
        assert {one.law for one in samples} == {"angle"}
        assert line.laws.changes == []


def test_a_run_by_angle_on_request_is_journaled_and_is_no_warning() -> None:
    with Device() as device:
        give_table(device)
        client = device.client
        client.run_start(client.bolus_token(), CALIBRATION, 500, Rate(rate_nl(RATE_HZ), 3600), law="angle")
        device.run_for(2)
        status = client.status()
        assert (status["law"], status["law_cause"]) == ("angle", "asked")
        device.run_for(60)
        assert [LAW_CAUSES[record.fields["cause"]] for record in device.records("law")] == ["asked"]
        assert "by_angle" not in device.alarms()
