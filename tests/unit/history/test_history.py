"""The time line from hand-made records: curves, axis, gaps, saved files and their defects."""

import itertools
import json
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pumpcore.motion.dose import Calibration
from pumpcore.program.packing import pack
from pumpcore.program.plan import SCHEDULE, Program
from support.host.journals import DIGEST, STATUS, UTC_S, Journal, full_journal
from thecal.errors import BadInput
from thecal.history.axis import Axis
from thecal.history.checks import checks
from thecal.history.curve import Curve, shaped
from thecal.history.evidence import Evidence, as_lines
from thecal.history.parts import BolusLine, Flow
from thecal.history.plan import Prescribed
from thecal.history.saved import load
from thecal.history.timeline import Timeline
from thecal.reports.report import Report, document


def test_a_curve_is_exact_at_its_points_and_straight_between():
    curve = Curve([(0, Fraction(0)), (10, Fraction(5)), (10, Fraction(7)), (20, Fraction(8))])
    assert [curve.at(at) for at in (-5, 0, 4, 10, 15, 20, 99)] == [0, 0, 2, 7, Fraction(15, 2), 8, 8]


def test_between_anchors_the_rates_shape_the_curve_and_boluses_lie_on_top():
    flows = [Flow(0, 1000, 1), Flow(1000, 2000, 3)]
    assert shaped([(0, 0), (2000, 400)], flows, []).at(1000) == 100
    bolus = BolusLine("t", 1, 1, 200, 0, started_ms=500, ended_ms=1500, ended="done", delivered_steps=200)
    curve = shaped([(0, 0), (2000, 600)], flows, [bolus])
    assert [curve.at(at) for at in (500, 1000, 1500, 2000)] == [50, 200, 450, 600]
    assert curve.between(1000, 1500) == 150 + 100


def test_steps_of_a_prescription_are_exact_over_any_time():
    program = Program("x", "water", 3600, [(0, 1_000_000), (60, 2_000_000)])
    program.mode = SCHEDULE
    known = Prescribed(program, "", Calibration(1_000_003, 99_991))
    monday_s = 1_767_571_200
    assert known.steps(monday_s, 7200) == Fraction((1_000_000 + 2_000_000) * 99_991, 1_000_003)
    assert known.pieces(monday_s - 10, 20) == [(10, 2_000_000), (10, 1_000_000)]
    parts = sum(known.steps(monday_s + 600 * part, 600) for part in range(12))
    assert parts == known.steps(monday_s, 7200)


def test_the_axis_of_a_boot_does_not_jump_and_earlier_boots_follow_a_clock_that_was_wrong():
    def stamp(boot, uptime_ms, utc_s, event="total", **more):
        return {"boot": boot, "uptime_ms": uptime_ms, "utc_s": utc_s, "event": event, **more}

    wrong_s, right_s = UTC_S - 86_400, UTC_S
    rows = [stamp(1, 0, wrong_s), stamp(1, 5000, wrong_s + 5), stamp(2, 0, wrong_s + 100)]
    rows += [stamp(2, 1000, wrong_s + 101, "clock_set", old_utc_s=wrong_s + 101, new_utc_s=right_s + 101), stamp(2, 2000, right_s + 102)]
    axis = Axis(rows, None)
    assert [axis.of(one) for one in rows] == [UTC_S * 1000 + add for add in (0, 5000, 100_000, 101_000, 102_000)]
    assert axis.boots[1].corrected_s == 86_400


def test_boots_without_a_time_are_laid_beside_those_that_know_it_and_none_overlap():
    rows = [
        {"boot": boot, "uptime_ms": 9000, "utc_s": utc_s, "event": "total"} for boot, utc_s in ((1, 0), (2, UTC_S), (3, 0), (4, UTC_S + 1))
    ]
    axis = Axis(rows, None)
    ends = [axis.of(one) for one in rows]
    assert ends == sorted(ends)
    assert all(later - 9000 >= earlier for earlier, later in itertools.pairwise(ends))
    assert [boot.known for boot in axis.boots.values()] == [False, True, False, True]
    assert axis.boots[4].moved_ms > 0


def test_a_stop_and_a_pause_close_their_books():
    journal = Journal().begin().add("total", 300, 2900, 2880, 3000, 300)
    journal.add("paused", 400, 610, 3900).add("unpaused", 500, 3900, 1000).add("stopped", 600, 0, 4900, 4880, 600)
    line = journal.line()
    assert all(holds for holds, _ in checks(line))
    sums = line.sums(*line.window(None, None))
    assert (sums.delivered_steps, sums.missed_steps, sums.due_steps()) == (4880, {"limit": 1000}, 0)
    assert line.books.pauses[0].missed_steps == 1000
    assert line.books.runs[0].ended == "host"


def test_a_gap_is_told_and_a_broken_position_is_found():
    journal = Journal().begin().add("total", 300, 2900, 2880, 3000, 300)
    journal.sequence += 7
    journal.add("total", 900, 8900, 8880, 9000, 900)
    line = journal.line()
    assert [(gap.first, gap.last, gap.from_start) for gap in line.books.gaps] == [(5, 11, False)]
    assert not checks(line)[0][0]
    moved = Journal().begin().add("stopped", 600, 0, 4900, 4880, 600).add("started", 700, 0, 4881, DIGEST, 700)
    broken = [words for holds, words in checks(moved.line()) if not holds]
    assert broken == ["record 5: started at 4881 steps; the record before it gives 4880"]


def test_an_identity_that_does_not_hold_is_told():
    """The guard counted fewer steps than were ordered, far from any end."""
    journal = Journal().begin().add("entry", 3610, 1, 3_600_000, 36_000, 35_000).add("entry", 7210, 0, 3_600_000, 72_000, 71_000)
    status = {**STATUS, "uncertain_steps": 5}
    broken = [words for holds, words in checks(journal.line(status=status)) if not holds]
    assert len(broken) == 2
    assert "ordered = delivered" in broken[0]
    assert "uncertain" in broken[1]


def test_windows_that_hold_nothing_or_are_reversed_are_refused():
    line = Journal().begin().add("total", 300, 2900, 2880, 3000, 300).line()
    for from_ms, to_ms in ((line.to_ms, line.from_ms), (line.to_ms + 1, None), (None, line.from_ms - 1)):
        with pytest.raises(BadInput):
            line.window(from_ms, to_ms)
    assert line.window(line.from_ms + 15_000, line.from_ms + 16_000) == (line.from_ms + 10_000, line.to_ms)


# --- saved files ----------------------------------------------------------------------------------------------------------


def saved(tmp_path, content, name="j.jsonl"):
    file = tmp_path / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def test_raw_records_and_json_lines_give_the_same_rows(tmp_path):
    journal = Journal().begin()
    lines = "".join(json.dumps(one) + "\n" for one in journal.rows)
    from_raw = load([saved(tmp_path, journal.raw, "events.journal")])
    from_lines = load([saved(tmp_path, "\ufeff" + lines.replace("\n", "\r\n"))])
    assert from_raw.events == from_lines.events == journal.rows
    assert load([saved(tmp_path, lines), saved(tmp_path, journal.raw, "raw")]).events == journal.rows, "the same record twice is one"


def test_what_the_pump_said_of_itself_is_kept(tmp_path):
    program = Program("x", "water", 3600, [(0, 1_000_000)])
    found = Evidence(
        events=Journal().begin().rows, hello={"firmware": "1"}, status=STATUS, packed=pack(program), source="the pump on X", read_utc_s=5
    )
    again = load([saved(tmp_path, as_lines(found))])
    assert (again.hello, again.status, again.packed, again.read_utc_s, again.origin) == (
        {"firmware": "1"},
        STATUS,
        found.packed,
        5,
        "the pump on X",
    )
    assert again.program().name == "x"


GOOD = {"ring": "events", "sequence": 1, "boot": 1, "uptime_ms": 1, "utc_s": 0, "event": "bolus_started", "token": "00"}


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        ("", "no journal records"),
        ("\n\n", "no journal records"),
        ("hello\n", "no journal records"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "no journal records"),
        ("{\n", "line 1: not JSON"),
        ("[1]\n", "no journal records"),
        ('{"a": 1}\n', "ring is missing"),
        (json.dumps(GOOD) + "\n[1]\n", "line 2: not an object"),
        (json.dumps({**GOOD, "sequence": "1"}), "sequence: '1' is not a whole number"),
        (json.dumps({**GOOD, "uptime_ms": 1.5}), "uptime_ms: '1.5' is not a whole number"),
        (json.dumps({**GOOD, "ring": "x"}), "ring or event is unknown"),
        (json.dumps({**GOOD, "event": "total"}), "ordered_steps is missing"),
        (json.dumps({**GOOD, "event": None}), "ring or event is unknown"),
        (json.dumps(GOOD) + "\n" + json.dumps({**GOOD, "boot": 2}), "differs from an earlier file"),
        (b'{"a": "\xff"}', "not UTF-8 text"),
        ('{"thecal_evidence": 1, "program": "!"}', "not a packed program"),
        ('{"thecal_evidence": 1, "program": "AAAA"}', "not a packed program"),
        ('{"thecal_evidence": 1, "status": 5}', "status: not an object"),
        ('{"thecal_evidence": 1, "status": {"a": 1}}', "status: uptime_ms is missing"),
        ('{"thecal_evidence": 1, "hello": {"protocol": 1}}', "hello: not the answer of a pump"),
        (json.dumps({**GOOD, "uptime_ms": 1 << 48}), "uptime_ms: 281474976710656 is out of range"),
        (json.dumps({**GOOD, "utc_s": -1}), "utc_s: -1 is out of range"),
        (json.dumps({**GOOD, "token": 5}), "token: not a text"),
        (json.dumps({**GOOD, "more": [1]}), "more: neither a text nor a whole number"),
        ('{"thecal_evidence": 1}', "no journal records"),
    ],
)
def test_a_file_that_is_no_journal_says_why(tmp_path, content, cause):
    with pytest.raises(BadInput) as error:
        load([saved(tmp_path, content)])
    assert cause in error.value.cause
    assert "j.jsonl" in error.value.cause
    assert error.value.do


@pytest.mark.parametrize(
    ("content", "cause", "do"),
    [
        ("ring,sequence,boot,uptime_ms\n", "the CSV of `thecal journal --csv`", "thecal journal --jsonl FILE"),
        ("utc_s,local,planned_steps\n", "the CSV of `thecal report --csv`", "thecal report --save FILE"),
        ("[\n  {\n", "the list of `thecal journal --json`", "thecal journal --jsonl FILE"),
        ('{\n  "from_ms": 5\n}\n', "the result of `thecal report --json`", "thecal report --save FILE"),
        ("<!doctype html>\n", "a page of `thecal report`", "thecal journal --jsonl FILE"),
        ("# thecal gravimetry 1\n", "a record of `thecal characterise`", "thecal characterise --from FILE"),
        ('# mine\n\ntitle = "t"\n', "a prescription", "thecal forecast j.jsonl"),
    ],
)
def test_a_file_of_another_kind_names_the_right_option(tmp_path, content, cause, do):
    with pytest.raises(BadInput) as error:
        load([saved(tmp_path, content)])
    assert error.value.cause.endswith(f"j.jsonl: is {cause}") and do in error.value.do


def test_a_file_that_is_not_there_and_a_folder_say_why(tmp_path):
    for file in (tmp_path / "none", tmp_path):
        with pytest.raises(BadInput):
            load([file])


ODD = (None, True, -1, 0, 1 << 40, 1 << 70, 0.5, "", "power", "x" * 200, [], {}, "\x00", 2**64 - 1)


def lines_with(change):
    rows = [dict(one) for one in full_journal().rows]
    for one in rows:
        if one["ring"] == "faults":
            one["sequence"] -= len(rows) - 2
    change(rows)
    about = {"thecal_evidence": 1, "status": {**STATUS, "boot": 2}, "hello": {}, "program": ""}
    return "".join(json.dumps(one) + "\n" for one in (about, *rows))


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 33), st.integers(0, 30), st.sampled_from(ODD), st.booleans())
def test_a_record_with_an_odd_value_is_refused_or_told_and_never_a_traceback(tmp_path, record, field, value, drop):
    def change(rows):
        one = rows[record % len(rows)]
        name = list(one)[field % len(one)]
        if drop:
            del one[name]
        else:
            one[name] = value

    try:
        line = Timeline(load([saved(tmp_path, lines_with(change))]))
        report = Report(line, *line.window(None, None))
    except BadInput as error:
        assert "j.jsonl" in error.cause
        return
    json.dumps(document(report))
    everything = report.sections
    for section in (everything.totals, everything.entries, everything.boluses, everything.missed, everything.pauses, everything.power):
        section()
    everything.therapy()
    for section in (everything.alarms, everything.runs, everything.clock, everything.journal, report.about, report.versions):
        section()


def test_the_journal_has_words_for_reasons():
    told = [one["reason"] for one in full_journal().rows if one["event"] in ("temporary_ended", "refill_acknowledged")]
    assert told == ["cancelled", "spilt \u00bd"]


def test_the_full_journal_is_read_as_it_is_meant():
    line = Timeline(Evidence(events=[one for one in full_journal().rows if one["ring"] == "events"], source="x"))
    assert [one.ended for one in line.books.now.boluses.values()] == ["done", ""]
    assert [one.purpose for one in line.books.now.boluses.values()] == ["manual", "extended"]
    assert line.sums(*line.window(None, None)).missed_steps == {"limit": 50, "power": 200}


def test_an_open_lease_that_two_boots_tell_of_is_counted_once():
    """The power failed again between the two writes of a boot."""
    journal = Journal().begin().add("total", 300, 2900, 2880, 3000, 300)
    for boot in (2, 3):
        journal.boot = boot
        journal.add("boot", 400 + boot, 0, b"\0" * 8, b"\0" * 8, 300, 2880, 3000, 120)
    line = journal.line()
    assert line.sums(*line.window(None, None)).uncertain_steps == 120
    assert len(line.books.losses) == 1


def test_the_plan_of_a_run_that_stayed_off_ends_with_its_last_lease() -> None:
    """The motor's last lease was ordered: it is planned, and uncertain in part; nothing is under way any more."""
    journal = Journal().begin().add("total", 300, 3100, 3080, 3200, 300)
    journal.boot = 2
    journal.add("boot", 500, 0, b"\0" * 8, b"\0" * 8, 300, 3080, 3200, 120)
    line = journal.line()
    sums = line.sums(line.from_ms, line.to_ms)
    assert (sums.planned_steps, sums.delivered_steps, sums.uncertain_steps, sums.due_steps()) == (3200, 3080, 120, 0)
