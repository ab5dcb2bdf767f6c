"""`thecal report` on the command line: its output, what it refuses before it asks a pump, and a page that needs no other file."""

import csv
import io
import json
import re
from functools import partial
from html.parser import HTMLParser
from pathlib import Path

import pytest

from pumpcore.program.packing import pack
from pumpcore.program.plan import CONSTANT, SCHEDULE, Program
from support.host.fake_pump import FakePump
from support.host.journals import STATUS, full_journal
from thecal.history.evidence import Evidence, as_lines
from thecal.history.timeline import Timeline
from thecal.reports.drawing import COLOURS
from thecal.reports.figure import HistoryPicture, schedule_points
from thecal.reports.outcome import outcome
from thecal.reports.report import Report
from thecal.reports.sections import Sections


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("THECAL_PORT", raising=False)
    monkeypatch.setenv("THECAL_RUNTIME", str(tmp_path / "runtime"))
    monkeypatch.setattr("serial.tools.list_ports.comports", list)


@pytest.fixture
def run(thecal_says):
    return partial(thecal_says, "report")


def evidence(program=None):
    rows = full_journal().rows
    events = [one for one in rows if one["ring"] == "events"]
    faults = [{**one, "sequence": number} for number, one in enumerate((one for one in rows if one["ring"] == "faults"), 1)]
    hello = {"unique_id": "00ff", "bench": "a bench", "firmware": "9.9", "release": "ab" * 32, "protocol": [1, 0]}
    hello["implementation"] = {"name": "micropython", "version": [1, 28, 0]}
    return Evidence(events, faults, {**STATUS, "boot": 2}, hello, pack(program) if program else b"", "a test")


def day_program(name="Two rates & <one> more"):
    program = Program(name, "dye", 3600, [(0, 1_000_000), (360, 2_000_000)])
    program.mode, program.concentration = SCHEDULE, (500_000, 1_000_000)
    return program


@pytest.fixture
def saved():
    file = Path("pump.jsonl")
    file.write_text(as_lines(evidence(day_program())), encoding="utf-8")
    return file


def test_a_narrow_screen_has_each_row_below_the_other_with_its_heads(run, saved):
    """A bolus has ten columns: at 400 px they become lines, each with its label."""
    assert run("--from-journal", saved)[0] == 0
    text = Path("report.html").read_text(encoding="utf-8")
    narrow = text.split("@media screen and (max-width: 40rem)")[1].split("</style>")[0]
    assert "td { display: block; }" in narrow and "content: attr(data-head)" in narrow
    for head in ("ordered at", "for", "volume", "how", "until"):
        assert f'<td data-head="{head}"' in text


class Page(HTMLParser):
    """Headings, text, and everything that a browser would fetch."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.sources, self.words = set(), [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.sources += [value for name, value in attrs if name in ("src", "href", "srcset", "data", "poster", "action")]

    def handle_data(self, data):
        self.words.append(data.strip())


def test_the_page_is_one_file_that_fetches_nothing_and_says_everything(run, saved):
    assert run("--from-journal", saved)[0] == 0
    text = Path("report.html").read_text(encoding="utf-8")
    page = Page(text)
    ids = re.findall(r'\bid="([^"]*)"', text)
    assert len(ids) == len(set(ids)) and {f"#{one}" for one in ids} >= {*page.sources, *re.findall(r"url\((#[^)]*)\)", text)}
    assert text.count("<svg") == 4, "two pictures, each for a wide and a narrow window"
    assert not page.tags & {"script", "link", "iframe", "object"}
    assert not re.search(r"url\(|@import|https?:", text.split("<body>")[0])
    assert "@media print" in text
    said = " ".join(page.words)
    for heading in ("Totals", "Missed doses", "Boluses", "Entry by entry", "Prescription as stored", "Schedule", "Alarms and warnings"):
        assert heading in said
    for heading in ("Power-ups and power losses", "The clock was set", "Journal", "Calibration", "Identities"):
        assert heading in said
    for fact in ("UNCALIBRATED", "00ff", "9.9", "ab" * 32, "the power failed while running", "500 ug/mL", "cut", "Two rates & <one> more"):
        assert fact in said, fact
    for told in ("extended", "basal x 1/2 for 1 min", "cancelled", "basal x 3/5 with 0.339 mL in the line", "the front has passed"):
        assert told in said, told
    for told in ("OUT OF TOLERANCE, explained at", '"spilt \u00bd"', "concentration: asked 600 ug/mL, limit 500 ug/mL (library version 2)"):
        assert told in said, told
    assert "took over while running" in said and "2 at the button, 5 min too early" in said
    assert "<one>" not in text, "a name from a pump is text, not markup"


def test_the_pictures_take_the_colours_of_the_page_by_day_and_by_night(run, saved):
    assert run("--from-journal", saved)[0] == 0
    text = Path("report.html").read_text(encoding="utf-8")
    drawn = "".join(re.findall(r"<svg.*?</svg>", text, re.DOTALL))
    assert set(re.findall(r"#[0-9a-f]{6}\b", drawn)) <= {"#000000"} and "var(--done)" in drawn
    head = text.split("</style>")[0]
    assert "@media screen and (prefers-color-scheme:dark)" in head and "color-scheme:light dark" in head
    assert all(f"--{name}:{colour}" in head for name, pair in COLOURS.items() for colour in pair)
    assert 'role="img" aria-label="Rate, total volume, and difference from the plan, over time"' in drawn


def test_no_section_is_empty_no_field_has_its_raw_name_and_amounts_are_volumes(run, saved):
    assert run("--from-journal", saved)[0] == 0
    text = Path("report.html").read_text(encoding="utf-8")
    page = re.sub(r"<svg.*?</svg>|<style.*?</style>", "", text, flags=re.DOTALL)
    sections = re.findall(r"<section.*?</section>", page, re.DOTALL)
    assert sections and all("<td" in one or "<dd" in one or "The clock was set" in one for one in sections)
    quiet = Sections(Timeline(evidence(day_program())), -2, -1)
    assert not [one.title for one in (quiet.missed(), quiet.runs(), quiet.entries()) if one.rows or one.note_alone]
    said = " ".join(re.sub(r"<[^>]*>", " ", page).split())
    assert not re.findall(r"\b[a-z]+_[a-z_]+\b", said)
    assert "steps" not in re.sub(r"\(1000003 nl in 99991 steps\)|whole steps|[0-9]+ steps", "", said.split("Identities")[0])


def test_the_first_line_says_how_it_went(run, saved):
    assert run("--from-journal", saved)[0] == 0
    page = Path("report.html").read_text(encoding="utf-8")
    line = re.search(r'<p class="outcome">(.*?)</p>', page).group(1)
    assert json.loads(run("--from-journal", saved, "--json")[1])["outcome"] == line
    assert line.endswith("; 0.5 uL missed in one pause at a ceiling; 2 uL missed in one power cut; 1.2 uL uncertain after power cuts")
    assert "THE BOOKS DO NOT ADD UP, see Identities" in line, "the status of this journal was changed by hand"
    known = Timeline(evidence(day_program()))
    made = Sections(known, *known.window(None, None))
    assert outcome(known, made, []).startswith("2 h 6 min as prescribed; 0.5 uL missed")
    idle = Sections(known, known.from_ms - 3_600_000, known.from_ms - 1)
    assert outcome(known, idle, []) == "59 min: the pump did not run"


def test_everything_asked_for_is_written(run, saved):
    code, _, err = run("--from-journal", saved, "--out", "a.html", "--csv", "a.csv", "--png", "a.png", "--save", "b.jsonl")
    assert code == 0
    assert "UNCALIBRATED" in err
    assert Path("a.png").read_bytes().startswith(b"\x89PNG")
    rows = list(csv.DictReader(io.StringIO(Path("a.csv").read_text(encoding="utf-8"))))
    assert [int(row["planned_steps"]) for row in rows] == sorted(int(row["planned_steps"]) for row in rows)
    assert all(int(row["delivered_least_steps"]) <= int(row["delivered_most_steps"]) for row in rows)
    assert {"utc_s", "local", "planned_nl", "delivered_most_nl"} <= set(rows[0])
    assert int(rows[1]["utc_s"]) % 60 == 0
    first, again = (json.loads(run("--from-journal", file, "--json")[1]) for file in (saved, "b.jsonl"))
    assert {**first, "source": ""} == {**again, "source": ""}


def test_json_names_its_units_and_writes_no_page_unless_asked(run, saved):
    code, out, _ = run("--from-journal", saved, "--json")
    told = json.loads(out)
    assert code == 0
    assert not Path("report.html").exists()
    assert told["totals"]["missed_steps"] == {"limit": 50, "power": 200}
    keys = ("totals", "entries", "boluses", "missed", "pauses", "power_losses", "boots", "alarms", "runs", "clock_sets", "gaps", "checks")
    assert set(keys) <= set(told)
    assert told["alarms"][0]["name"] == "power_lost"
    assert run("--from-journal", saved, "--json", "--out", "x.html")[0] == 0
    assert Path("x.html").exists()


def test_csv_goes_to_stdout(run, saved):
    _, out, _ = run("--from-journal", saved, "--csv", "-")
    assert next(csv.reader(io.StringIO(out)))[0] == "utc_s"


@pytest.mark.parametrize(
    ("words", "code", "cause"),
    [
        (("--out", "there.html"), 2, "there.html exists already"),
        (("--csv", "there.html"), 2, "exists already"),
        (("--save", "there.html"), 2, "exists already"),
        (("--out", "no/such/r.html"), 1, "there is no folder no/such"),
        (("--out", "folder"), 2, "folder is a folder"),
        (("--out", "a.html", "--png", "a.html"), 2, "named twice"),
        (("--from", "2026-01-06", "--to", "2026-01-05"), 2, "is not before"),
        (("--from", "2026-01-05", "--to", "2026-01-05"), 2, "is not before"),
        (("--from", "yesterday"), 2, '--from "yesterday" is not a date'),
        (("--to", "06:00"), 2, "is not a date"),
        (("--days", "1", "--from", "2026-01-05"), 2, "can't be combined"),
        (("--days", "0"), 2, ""),
        (("--days", "-3"), 2, ""),
        (("--days", "x"), 2, ""),
        (("--port", "/dev/none"), 2, "can't be combined"),
        (("--from", "2031-01-01"), 2, "no records of this period"),
        (("--to", "2019-01-01"), 2, "no records of this period"),
        (("--from-journal", "missing.jsonl"), 2, "missing.jsonl: No such file"),
        (("--from-journal", "empty.jsonl"), 2, "empty.jsonl"),
    ],
)
def test_wrong_input_is_refused_and_writes_nothing(run, saved, words, code, cause):
    Path("there.html").write_text("mine")
    Path("folder").mkdir()
    Path("empty.jsonl").touch()
    if "empty.jsonl" in words:
        got, _, err = run(*words)
    else:
        got, _, err = run("--from-journal", saved, *words)
    assert got == code
    assert cause in err
    assert Path("there.html").read_text() == "mine"
    assert not [file for file in Path().glob("*.html") if file.name != "there.html"]


def test_what_is_refused_is_refused_before_a_pump_is_asked(run):
    Path("report.html").write_text("mine")
    with FakePump() as pump:
        code, _, err = run("--port", pump.port_url)
        assert (code, pump.executed) == (2, [])
        assert "--force" in err
        assert run("--port", pump.port_url, "--force")[0] == 0
    assert Path("report.html").read_text(encoding="utf-8") != "mine"


def test_no_pump_is_3_and_a_pump_without_a_program_or_any_event_is_told(run):
    assert run()[0] == 3
    with FakePump() as pump:
        assert run("--port", pump.port_url)[0] == 0
        assert "none" in Path("report.html").read_text(encoding="utf-8")
        pump.journal = []
        code, _, err = run("--port", pump.port_url, "--out", "b.html")
    assert (code, Path("b.html").exists()) == (2, False)
    assert "the journal has no event" in err


def test_without_a_pump_s_own_words_amounts_are_steps_and_it_says_so():
    found = evidence()
    line = Timeline(Evidence(found.events, found.faults, source="a file"))
    report = Report(line, *line.window(None, None))
    text = report.html()
    assert "Calibration unknown: amounts are steps" in text
    assert "mL" not in report.sections.totals().head
    assert "planned_nl" not in report.csv()


def test_a_time_without_a_zone_is_the_pump_s_and_with_one_is_exact(saved, run):
    def window(*words):
        told = json.loads(run("--from-journal", saved, "--json", *words)[1])
        return told["from_ms"], told["to_ms"]

    whole = window()
    assert window("--from", "2026-01-05 01:00") == whole, "01:00 at UTC+1 is midnight UTC, when it began"
    assert window("--from", "2026-01-05T00:04:00Z") == window("--from", "2026-01-05 01:04:00") != whole


def test_a_picture_has_its_curves_where_the_time_line_has_them():
    line = Timeline(evidence(day_program()))
    picture = HistoryPicture(line, line.from_ms, line.to_ms, "x")
    volumes = dict(picture.volumes(line.high))
    assert volumes[line.to_ms] == pytest.approx(float(picture.words.between(line.high, line.from_ms, line.to_ms)))
    edges = picture.bins()
    assert edges == sorted(set(edges))
    assert (edges[0], edges[-1]) == (line.from_ms, line.to_ms)


def test_the_schedule_is_drawn_as_a_day_or_a_week():
    points, minutes = schedule_points(day_program())
    assert minutes == 7 * 1440, "its entries are all on monday"
    assert (points[0], points[-1]) == ((0.0, 1.0), (10_080.0, 2.0))
    constant = Program("c", "w", 3600, [(0, 500_000)])
    assert constant.mode == CONSTANT
    assert schedule_points(constant) == ([(0.0, 0.5), (1440.0, 0.5)], 1440)
