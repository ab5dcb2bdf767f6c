"""`thecal forecast` of the next days, against brute force over seconds and minutes, and as a user types it."""

import json
from datetime import UTC, datetime
from fractions import Fraction
from functools import partial
from itertools import accumulate
from math import floor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pumpcore.limits.limits import Ceilings
from pumpcore.motion.dose import Calibration
from pumpcore.program.plan import SCHEDULE, Program
from pumpcore.program.protocol import AFTER, HOLD, NOW, STOP, Protocol
from pumpcore.program.settings import Settings
from support.host.fake_pump import FakePump
from support.host.prescriptions import RX
from support.programs import constant
from support.protocols import program as program_of
from thecal.checks.rigs import ANY_RIG
from thecal.forecast import asked, words
from thecal.forecast.boluses import Allowed
from thecal.forecast.ceilings import binding, fullest
from thecal.forecast.course import Course, Flow
from thecal.forecast.figure import png as drawn
from thecal.forecast.model import Outlook
from thecal.forecast.unit import of_program, of_rate
from thecal.pump import zones

PAIR = Calibration(1_000_003, 99_991)
S_PER_DAY = 86_400
SOFT = '[library]\nname = "x"\nversion = 1\nsoft_rate = "20 uL/h"\nhard_rate = "1 mL/h"\n'
RX_CHANGES = {
    "--dry": lambda text: text[: text.index("[reservoir]")],
    "--fast": lambda text: text.replace("24 uL/h", "5000 mL/h"),
    "--soft": lambda text: text + SOFT,
}
FLOWS = st.lists(st.tuples(st.integers(0, 900), st.integers(1, 400), st.integers(0, 50)), max_size=8)


@given(FLOWS, st.integers(0, 20_000))
def test_a_course_is_the_sum_of_its_seconds(flows: list, wanted_nl: int) -> None:
    course = Course([Flow(at_s, at_s + length_s, Fraction(rate, 7)) for at_s, length_s, rate in flows], 1000)
    total, first = Fraction(0), None
    for second_s in range(1001):
        assert course.at(second_s) == total
        first = second_s if first is None and total >= wanted_nl else first
        total += sum(Fraction(rate, 7) for at_s, length_s, rate in flows if at_s <= second_s < min(1000, at_s + length_s))
    assert course.reaches(wanted_nl) == first
    cut = course.cut(500)
    assert (cut.at(500), cut.at(1000)) == (course.at(500), course.at(500))


RAMPS = st.lists(st.tuples(st.integers(0, 900), st.integers(1, 400), st.integers(0, 50), st.integers(0, 50)), max_size=6)


@given(RAMPS, st.integers(0, 20_000), st.integers(1, 999))
def test_a_course_of_ramps_is_the_sum_of_its_seconds(ramps: list, wanted_nl: int, span_s: int) -> None:
    """Each second of a ramp runs at the rate of its middle; the fullest window is that of brute force."""
    flows = [Flow(at_s, at_s + length_s, Fraction(begin), Fraction(end - begin, length_s)) for at_s, length_s, begin, end in ramps]
    course = Course(flows, 1000)
    seconds = [
        sum(flow.per_s + flow.slope * (second_s - flow.from_s + Fraction(1, 2)) for flow in flows if flow.from_s <= second_s < flow.to_s)
        for second_s in range(1000)
    ]
    sums = [Fraction(0), *accumulate(seconds, initial=Fraction(0))][1:]
    assert [course.at(second_s) for second_s in range(1001)] == sums
    assert course.reaches(wanted_nl) == next((second_s for second_s, total in enumerate(sums) if total >= wanted_nl), None)
    assert course.highest()[0] >= max(seconds) and course.lowest() <= min(seconds)
    cut = course.cut(500)
    assert (cut.at(500), cut.at(1000)) == (sums[500], sums[500])
    most = max(sums[begin_s + span_s] - sums[begin_s] for begin_s in range(1001 - span_s))
    assert fullest(SimpleNamespace(basal=course), span_s)[1] == most


def with_demand(**values: int) -> Settings:
    chosen = Settings()
    for name, value in {"demand_on": 1, "demand_nl": 50_000, "demand_s": 600, **values}.items():
        setattr(chosen, name, value)
    return chosen


@settings(max_examples=30)
@given(st.integers(601, S_PER_DAY), st.integers(1, 30))
def test_boluses_come_as_early_as_the_rules_allow(lockout_s: int, per_day: int) -> None:
    starts = Allowed(with_demand(lockout_s=lockout_s, demand_per_day=per_day), 5 * S_PER_DAY).starts
    given_s: list[int] = []
    for second_s in sorted({0, *range(0, 5 * S_PER_DAY, 97), *starts, *(start_s - 1 for start_s in starts if start_s)}):
        recent = [start_s for start_s in given_s if second_s - start_s < S_PER_DAY]
        may = (not given_s or second_s - given_s[-1] >= lockout_s) and len(recent) < per_day
        assert may == (second_s in starts), second_s
        given_s += [second_s] if may else []


def test_what_the_day_limit_leaves_for_others_is_reckoned_with() -> None:
    allowed = Allowed(with_demand(lockout_s=3600, demand_per_day=4, bolus_day_nl=500_000), 3 * S_PER_DAY)
    assert (allowed.day_nl(), allowed.other_nl, len(allowed.other_starts)) == (500_000, 300_000, 3)
    assert Allowed(None, S_PER_DAY).day_nl() == 0


def two_rates() -> Program:
    made = Program("p", "f", 3600, [(day * 1440 + minute, rate) for day in range(7) for minute, rate in ((150, 12_000), (360, 24_000))])
    made.mode, made.concentration = SCHEDULE, (500, 1000)
    made.settings = with_demand(
        lockout_s=10_800, demand_per_day=4, tubing_nl=140_000, catheter_nl=199_000, line_day=20_000,
        capacity_nl=20_000_000, low_nl=2_000_000, empty_nl=500_000, tolerance_nl=100_000,
    )  # fmt: skip
    return made


def outlook(begin: str = "2026-10-20 08:00", days: int = 30, left_nl: int | None = None, old: Fraction | None = None) -> Outlook:
    return asked.outlook(two_rates(), PAIR, asked.when(begin, zones.named("Europe/Berlin"), days), left_nl, old)


def rate_at(found: Outlook, second_s: int) -> Fraction:
    minute = found.when.local(second_s).hour * 60 + found.when.local(second_s).minute
    return Fraction(12_000 if 150 <= minute < 360 else 24_000, 3600)


@pytest.mark.parametrize("left_nl", [4_000_000, 9_000_000, 20_000_000, None])
def test_no_two_words_of_the_plot_lie_on_each_other(left_nl: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both curves end at the same volume if the reservoir runs dry."""
    found = []

    def looked_at(figure: Any) -> bytes:
        figure.canvas.draw()
        for axes in figure.axes:
            found.append([text.get_window_extent() for text in axes.texts])
        return b""

    monkeypatch.setattr("thecal.forecast.figure.saved", looked_at)
    drawn(outlook(left_nl=left_nl))
    boxes = [(one, other) for texts in found for index, one in enumerate(texts) for other in texts[:index]]
    assert boxes and not [True for one, other in boxes if one.overlaps(other)]


@pytest.mark.parametrize("begin", ["2026-03-20 08:00", "2026-10-20 08:00", "2026-12-25 23:59", "2028-02-27 00:00"])
def test_days_are_the_calendar_s_and_add_up(begin: str) -> None:
    found = outlook(begin, 12)
    table = found.table()
    hours = {day.day.isoformat(): (day.to_s - day.from_s) // 3600 for day in table[1:-1]}
    assert hours == {day: {"2026-03-29": 23, "2026-10-25": 25}.get(day, 24) for day in hours}
    assert sum(day.basal_nl for day in table) == found.basal.at(found.end_s)
    assert sum(day.boluses for day in table) == len(found.allowed.starts) == 12 * 4
    assert [day.from_s for day in table[1:]] == [day.to_s for day in table[:-1]]
    day = next((day for day in table if day.day.isoformat() in ("2026-03-29", "2026-10-25")), table[3])
    assert day.basal_nl == sum(rate_at(found, second_s) * 60 for second_s in range(day.from_s, day.to_s, 60))


def test_the_reservoir_is_low_and_empty_when_it_is() -> None:
    found = outlook()
    marks, low_nl = found.marks, 20_000_000 - 2_000_000
    assert marks["low_basal"] is None and marks["empty_basal"] is None
    low_s, empty_s = marks["low_all"], marks["empty_all"]
    assert low_s and empty_s
    before = Outlook(two_rates(), PAIR, found.when, 1 << 40)  # as if the reservoir were endless
    assert before.everything.at(low_s) >= low_nl > before.everything.at(low_s - 1)
    assert max(found.allowed.starts) < low_s < found.end_s
    assert 19_500_000 <= found.everything.at(found.end_s) < 19_500_000 + 400
    assert found.left(found.everything, found.end_s) == 500_000
    assert outlook(left_nl=2_000_000).low_s == 0 and outlook(left_nl=2_000_000).allowed.starts == []


def test_a_reservoir_that_runs_dry_leaves_what_flowed_before_and_nothing_behind() -> None:
    found = outlook(left_nl=4_000_000)
    table = found.table()
    assert found.marks["empty_all"] and found.marks["empty_basal"], "both within the time"
    assert all(day.bolus_nl >= 0 for day in table)
    assert sum(day.bolus_nl for day in table) == len(found.allowed.starts) * 50_000
    assert sum(day.boluses for day in table) == len(found.allowed.starts)
    empty_s = found.marks["empty_all"]
    assert found.boluses.at(empty_s) + found.basal.at(empty_s) == pytest.approx(3_500_000, abs=10)
    basal = dict(words.facts(found))["basal"]
    assert basal.startswith("0.012 mL/h to 0.024 mL/h, "), "the program has no rate of 0"
    dry = [words.day_cells(found, day, words.Columns(True, True, True)) for day in table if day.from_s > found.marks["empty_basal"]]
    assert dry and all(cells[1] == cells[6] == "0" and cells[5] == "0" for cells in dry)


def test_what_the_line_still_holds_is_dosed_until_the_front_has_passed() -> None:
    """Half the program's strength: twice the basal while the tip surely has it, then the basal."""
    found = outlook(old=Fraction(1, 4), days=3)
    nl_a_step = Fraction(PAIR.volume_nl, PAIR.steps)
    flowed, steps, second_s, near_s, passed_s = Fraction(0), Fraction(0), 0, None, None
    while passed_s is None:
        rate = rate_at(found, second_s)
        if floor(steps + 2 * rate / nl_a_step) * nl_a_step <= 305_100:
            rate *= 2
        elif near_s is None:
            near_s = second_s
        assert found.basal.rate(second_s) == rate, second_s
        flowed, steps, second_s = flowed + rate, steps + rate / nl_a_step, second_s + 1
        if floor(steps) * nl_a_step >= 372_900:
            passed_s = second_s
        if flowed < 339_000:
            front_s = second_s + 1
    assert (found.near_s, found.front_s, found.passed_s) == (near_s, front_s, passed_s)
    second_s = front_s
    assert found.dosed_ng(0, second_s - 1) == found.basal.at(second_s - 1) / 4
    assert found.dosed_ng(second_s, found.end_s) == found.basal.between(second_s, found.end_s) / 2
    assert found.dosed_ng(0, found.end_s) == Fraction(339_000, 4) + (found.basal.at(found.end_s) - 339_000) / 2
    assert outlook(days=2).front_s is None


def test_a_ceiling_that_only_a_repeated_hour_fills_is_seen() -> None:
    made = Program("p", "f", 3600, [(day * 1440 + minute, rate) for day in range(7) for minute, rate in ((0, 0), (120, 900_000), (180, 0))])
    made.mode, made.day_nl, made.hour_nl = SCHEDULE, 1_000_000, 950_000
    berlin = zones.named("Europe/Berlin")
    spring, autumn = (Outlook(made, PAIR, asked.when(begin, berlin, 8)) for begin in ("2026-03-25 12:00", "2026-10-20 12:00"))
    ceilings = Ceilings(ANY_RIG, PAIR, made)
    assert binding(spring, ceilings) == []
    named = {name: (autumn.when.local(at_s).date().isoformat(), nl) for name, at_s, nl, _ in binding(autumn, ceilings)}
    assert list(named) == ["day"] and named["day"][1] == 1_800_000


@pytest.mark.parametrize(("text", "expected"), [("2026-10-25 02:30", 3600 * 2), ("2026-10-25 03:00", 3600), ("2026-03-29T03:00", 7200)])
def test_a_local_time_that_comes_twice_is_the_first(text: str, expected: int) -> None:
    local = int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())
    assert local - asked.utc_of(text, zones.named("Europe/Berlin")) == expected


# --- as it is typed --------------------------------------------------------------------------------------------------------


@pytest.fixture
def typed(thecal_says, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("THECAL_PORT", raising=False)
    monkeypatch.setenv("THECAL_RUNTIME", str(tmp_path / "runtime"))
    monkeypatch.setattr("serial.tools.list_ports.comports", list)
    Path("rx.toml").write_text(RX)
    return partial(thecal_says, "forecast")


def test_a_soft_limit_is_passed_as_when_programming(typed) -> None:
    Path("rx.toml").write_text(RX + SOFT)
    assert typed("rx.toml", "--offline", "--override", "rate")[0] == 0


AUTUMN = ("rx.toml", "--from", "2026-10-20 08:00", "--zone", "Europe/Berlin")


def test_without_a_pump_it_says_so(typed) -> None:
    code, out, err = typed(*AUTUMN, "--png", "f.png")
    assert code == 0 and "Sun 2026-10-25, 25 h" in out and "refill due" in out
    assert "computed without a pump" in err
    assert Path("f.png").read_bytes()[:4] == b"\x89PNG"
    assert typed(*AUTUMN, "--png", "f.png")[0] == 2  # never overwrites a file


def test_with_a_pump_the_digests_are_compared(typed) -> None:
    with FakePump() as pump:
        code, out, _ = typed(*AUTUMN, "--port", pump.port_url, "--json")
        told = json.loads(out)
        assert code == 0 and told["pump_agrees"] and len(told["forecast_digest"]) == 64
        assert "program.activate" not in pump.executed and "clock.set" not in pump.executed
        assert sum(row["steps"] for row in told["rows"]) > 0 and told["table"][5]["duration_s"] == 90_000
        pump.do_forecast_digest = lambda **_: {"second_s": 1, "remainder": 0, "chain": "1" * 64, "done": True}
        code, _, err = typed(*AUTUMN, "--port", pump.port_url)
        assert code == 1 and "different forecast" in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--from", "tomorrow"), "--from"),
        (("--from", "2026-03-29 02:30", "--zone", "Europe/Berlin"), "skipped"),
        (("--zone", "Mars/Base"), "--zone"),
        (("--left", "21 mL"), "capacity"),
        (("--left", "1,5 mL"), "comma"),
        (("--dry", "--left", "5 mL"), "no [reservoir]"),
        (("--from", "9999-12-31"), "2020 to 2104"),
        (("--from", "2106-02-08"), "2020 to 2104"),
        (("--from", "2020-01-01", "--zone", "Europe/Berlin"), "2020 to 2104"),
        (("--from", "1969-12-31"), "2020 to 2104"),
        (("--from", "0001-01-01"), "2020 to 2104"),
        (("--from", "2026-10-04 02:15", "--zone", "Australia/Lord_Howe"), "name a time 30 min later"),
        (("--from", "2026-03-29 02:30", "--zone", "Europe/Berlin"), "name a time 1 h 00 min later"),
        (("--bench", "sim-clock", "--fast"), "above the highest"),
        (("--soft",), "confirm it with --override"),
        (("--previous", "5 mL"), "volume"),
        (("--previous", "0 ug/mL"), "zero"),
        (("--days", "32"), "days"),
    ],
)
def test_what_is_wrong_is_one_line(typed, words: tuple, said: str) -> None:
    for word, change in RX_CHANGES.items():
        if word in words:
            Path("rx.toml").write_text(change(RX))
    code, out, err = typed("rx.toml", "--offline", *(word for word in words if word not in RX_CHANGES))
    assert code == 2 and said in err and not out


@pytest.mark.parametrize(
    ("typed", "rate", "amount"),
    [("ug/d", "120 ug/day = 0.01 mL/h", "120 ug"), ("uL/h", "10 uL/h", "240 uL"), ("mL/d", "0.24 mL/day", "0.24 mL"), ("ng/h", None, None)],
)
def test_a_forecast_speaks_the_unit_that_was_typed(typed: str, rate: str | None, amount: str | None) -> None:
    made = constant(10_000)
    made.concentration = (500, 1000)
    unit = of_rate(typed, made)
    nl_per_s = Fraction(10_000, 3600)
    assert unit.rate_text(nl_per_s) == (rate or "5000 ng/h = 0.01 mL/h")
    assert unit.amount_text(nl_per_s * 86_400) == (amount or "120000 ng")
    assert of_program(made).words == "ug/day" and of_program(constant(10_000)).words == "mL/h"


@pytest.mark.parametrize(
    ("start", "then", "loops", "said"),
    [
        (NOW, STOP, (), "2 stages begin"),
        (AFTER, STOP, (), "2 stages begin"),
        (AFTER, HOLD, (), "2 stages begin"),
        (NOW, STOP, ((1, 1, 3),), "4 stages begin"),
    ],
)
def test_only_stages_are_counted_as_stages(start: int, then: int, loops: tuple, said: str) -> None:
    protocol = Protocol([(3600, 1_000_000, 1_000_000), (600, 2_000_000, 2_000_000)], loops)
    protocol.start, protocol.start_value, protocol.then = start, 7200 if start == AFTER else 0, then
    outlook = Outlook(program_of(protocol), PAIR, asked.when("2026-03-02 00:00", zones.named("UTC"), 1))
    assert words.begin_text(outlook) == said
    assert words.days_text(1) == "1 day" and words.days_text(31) == "31 days"
