"""The record on disk, its report and drawing, and what the command line refuses."""

import json

import pytest
from pydantic import TypeAdapter

from support.host.cli import Tool
from support.host.weighed_runs import swinging_run
from thecal.cli.schema.verbs import SHAPES
from thecal.errors import BadInput
from thecal.reports.drawing import styled
from thecal.weighing.balance import BalanceError
from thecal.weighing.characterise import pictures, telling
from thecal.weighing.characterise.analysis import analyse
from thecal.weighing.characterise.durations import seconds
from thecal.weighing.characterise.output import write_files
from thecal.weighing.characterise.run import RunWriter, read_run


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    path = tmp_path_factory.mktemp("record") / "run.csv"
    write(path, swinging_run(2.5, 1000, calibration_state="UNCALIBRATED"))
    return path


def write(path, run):
    with RunWriter(path, run.facts) as writer:
        for one in run.samples:
            writer.add(one)


def test_a_record_comes_back_as_it_was(tmp_path):
    run = swinging_run(0.1)
    write(tmp_path / "run.csv", run)
    again = read_run(tmp_path / "run.csv")
    assert again.facts == run.facts
    assert again.samples == run.samples


def test_a_record_is_never_overwritten(tmp_path):
    (tmp_path / "run.csv").write_text("mine")
    with pytest.raises(BadInput, match="exists already"):
        RunWriter(tmp_path / "run.csv", swinging_run(0.1).facts)
    assert (tmp_path / "run.csv").read_text() == "mine"


@pytest.mark.parametrize(("count", "kept"), [(0, False), (20, False), (21, True)])
def test_a_record_is_kept_once_the_pump_ran(tmp_path, count, kept):
    run = swinging_run(0.1)
    with pytest.raises(KeyboardInterrupt), RunWriter(tmp_path / "run.csv", run.facts) as writer:
        for one in run.samples[:count]:
            writer.add(one)
        raise KeyboardInterrupt
    assert (tmp_path / "run.csv").exists() == kept


@pytest.mark.parametrize(
    ("spoil", "error", "words"),
    [
        (lambda lines: lines[1:], BadInput, "does not begin"),
        (lambda lines: [lines[0], "# {}", *lines[2:]], BadInput, "line 2"),
        (lambda lines: [lines[0], lines[1].replace('"rate_nl": 5000000', '"rate_nl": 0'), *lines[2:]], BadInput, "line 2"),
        (lambda lines: [lines[0], lines[1].replace('"4991/5"', '"1/0"').replace('"1000"', '"1/0"'), *lines[2:]], BadInput, "line 2"),
        (lambda lines: [*lines[:2], "time,mass", *lines[3:]], BadInput, "line 3"),
        (lambda lines: [*lines[:50], lines[50][:20], *lines[51:]], BadInput, "line 51"),
        (lambda lines: [*lines[:50], lines[40], *lines[51:]], BadInput, "back in time"),
        (lambda lines: [*lines[:50], lines[50].replace("00,run,", "00,run,9"), *lines[51:]], BadInput, "has 917917 ug, but"),
        (lambda lines: [*lines[:50], lines[50].replace(" g", ""), *lines[51:]], BalanceError, "line 51: .* unit is missing"),
        (lambda lines: [*lines[:50], lines[50].replace(" g", " mg"), *lines[51:]], BalanceError, "changed its unit"),
        (lambda lines: ["\x00\xff"], BadInput, "thecal gravimetry"),
    ],
)
def test_a_file_that_is_not_a_record_is_refused_with_its_line(tmp_path, spoil, error, words):
    path = tmp_path / "run.csv"
    write(path, swinging_run(0.1))
    path.write_text("\n".join(spoil(path.read_text().splitlines())) + "\n")
    with pytest.raises(error, match=words) as caught:
        read_run(path)
    assert "run.csv" in caught.value.cause
    assert caught.value.do


def test_what_is_told_has_units_and_says_uncalibrated(recorded):
    found = analyse(read_run(recorded))
    document = telling.as_json(found)
    json.dumps(document)
    assert document["calibrated"] is False
    assert document["mean_error_percent"] == pytest.approx(1.0, abs=0.01)
    assert [one["window_min"] for one in document["periods"][0]["trumpet"]] == [2, 5, 11, 19, 31]
    assert document["limits"][0]["one_step_percent"] > 0
    table = telling.trumpet_table(found)
    assert table[0][0] == "window"
    assert table[1][0] == "2 min"
    assert any("UNCALIBRATED" in text for _, text in telling.facts_table(found))


def test_picture_and_page(recorded, tmp_path):
    found = analyse(read_run(recorded))
    assert write_files(found, tmp_path / "run.png", tmp_path / "run.html") == [tmp_path / "run.png", tmp_path / "run.html"]
    assert (tmp_path / "run.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    page = (tmp_path / "run.html").read_text()
    assert "UNCALIBRATED" in page
    assert "31 min" in page
    assert "http" not in page.replace("data:image/png;base64", "")


@pytest.fixture
def tool(tmp_path):
    return Tool(tmp_path)


def test_from_a_record_on_the_command_line(tool, recorded):
    done = tool.run("characterise", "--from", str(recorded), "--png", "run.png")
    assert done.returncode == 0, done.stderr
    assert "T1 Ep min" in done.stdout
    assert "UNCALIBRATED" in done.stdout
    assert "written: run.png" in done.stderr
    document = json.loads(tool.run("characterise", "--from", str(recorded), "--sample", "1 s", "--json").stdout)
    TypeAdapter(SHAPES["characterise"]).validate_json(json.dumps(document), strict=True)
    assert document["sample_s"] == 1.0


@pytest.mark.parametrize("option", ["--png", "--html"])
def test_a_page_is_written_over_a_file_only_when_asked(tool, recorded, tmp_path, option):
    (tmp_path / "kept").write_text("mine")
    done = tool.run("characterise", "--from", str(recorded), option, "kept")
    assert done.returncode == 2 and "--force" in done.stderr and (tmp_path / "kept").read_text() == "mine"
    assert tool.run("characterise", "--from", str(recorded), option, "kept", "--force").returncode == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "the command names neither --balance nor --from, or both"),
        (["--balance", "/dev/null", "--from", "x.csv"], "the command names neither --balance nor --from, or both"),
        (["--from", "missing.csv"], "missing.csv"),
        (["--balance", "/dev/null", "--duration", "4"], "--duration"),
        (["--balance", "/dev/null", "--still", "a while"], "--still"),
        (["--balance", "/dev/null", "--density", "2 kg"], "--density"),
        (["--balance", "/dev/null", "--density", "998 g/mL"], "--density"),
        (["--balance", "/dev/null", "--evaporation", "0,3 mg/h"], "comma"),
        (["--balance", "/dev/null", "--evaporation", "3 mL/h"], "--evaporation"),
        (["--balance", "/dev/null", "--balance-protocol", "scpi"], "scpi"),
        (["--balance", "/dev/null", "--balance-framing", "9600"], "9600"),
    ],
)
def test_wrong_words_are_refused_in_a_line(tool, words, said):
    done = tool.run("characterise", *words)
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) <= 2


def test_no_balance_at_that_port(tool):
    done = tool.run("characterise", "--balance", "/dev/no-balance")
    assert done.returncode == 3
    assert "/dev/no-balance" in done.stderr


def test_times():
    assert [seconds(text, "--still") for text in ("4h", "30 min", "0.5 s", "1 d")] == [14_400, 1_800, 0.5, 86_400]
    for text in ("4", "h", "-4 h", "4 weeks", "1e3 s", "4,5 h"):
        with pytest.raises(BadInput, match="--still"):
            seconds(text, "--still")


def test_a_picture_zooms_in_on_its_curve(recorded):
    """The step and the digit of a coarse balance may be a hundred times the errors: they must not make a line of the curve."""
    found = analyse(read_run(recorded))
    with styled():
        figure = pictures.draw(found)
    startup, trumpet = figure.axes[:2]
    errors = [float(value) for one in found.periods[0].windows for value in (one.highest_percent, one.lowest_percent)]
    flow = found.flow.ml_per_h
    for axes, values in ((trumpet, [*errors, 0.0]), (startup, [*map(float, flow), 5.0])):
        low, high = axes.get_ylim()
        assert low < min(values) and max(values) < high and max(values) - min(values) > 0.7 * (high - low)
