"""The table of `make bench` prints NO for a missed limit, and the program then fails. Measures nothing."""

import importlib
import json
from collections.abc import Iterator

import pytest

from bench import __main__ as program
from bench import boards, scaling, table
from bench.table import PAPER, Peer, Row, at_least, at_most, exactly, times_better

PEERS = (Peer("named peer", 900.0), Peer("better on paper", 1.0, PAPER), Peer("does nothing", 2.0, compared=False))


TEN = at_most(10)


def row(ours: float | None, limit: table.Limit = TEN, **more: object) -> Row:
    return Row("what", "us", ours, limit, "8 ns", **more)


@pytest.mark.parametrize(
    ("ours", "limit", "held"),
    [
        (10, at_most(10), True),
        (10.01, at_most(10), False),
        (10, at_least(10), True),
        (9.99, at_least(10), False),
        (0, exactly(0), True),
        (-1, exactly(0), False),
        (None, at_most(10), False),
    ],
)
def test_a_limit_is_held_or_missed(ours: float | None, limit: table.Limit, held: bool) -> None:
    assert row(ours, limit).held() == held
    assert row(ours, limit).as_json()["held"] == held


def test_the_ratio_is_against_the_best_peer_that_was_measured() -> None:
    assert row(9, peers=PEERS).ratio() == 100
    assert row(9, peers=(*PEERS, Peer("another", 90.0))).ratio() == 10
    assert row(1800, at_least(10), peers=PEERS, more_is_better=True).ratio() == 2
    assert row(0, peers=PEERS).ratio() == float("inf")
    assert row(9).ratio() is None
    assert row(9, peers=PEERS[1:]).ratio() is None


def test_so_many_times_better_needs_a_measured_peer() -> None:
    assert row(90, times_better(10), peers=PEERS).held()
    assert not row(91, times_better(10), peers=PEERS).held()
    assert not row(1, times_better(10), peers=PEERS[1:]).held()


def test_the_table_shows_figures_sources_and_what_was_missed() -> None:
    text = table.render([row(9, peers=PEERS, remark="a remark"), row(11), row(None, remark="not measured: why")])
    for words in ("900 us named peer", "on paper", "100 x", "[a remark]", "8 ns", "not measured", "<= 10 us"):
        assert words in " ".join(text.split())
    ends = [line.split()[-1] for line in text.splitlines() if line.rstrip().endswith((" yes", " NO"))]
    assert ends == ["yes", "NO", "NO"]


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (1.5, "1.5"), (0.21766, "0.2177"), (32475, "32 475"), (32475.4, "32 475"), (2.0, "2")]
)
def test_numbers_keep_four_digits(value: float, text: str) -> None:
    assert table.number(value) == text


@pytest.fixture
def groups(monkeypatch: pytest.MonkeyPatch, tmp_path) -> Iterator[dict[str, list[Row]]]:
    """Groups without an emulator, measured in this process."""
    made: dict[str, list[Row]] = {}
    monkeypatch.setattr(program, "GROUPS", {"one": "first things", "two": "second things"})
    monkeypatch.setattr(program, "SLOW", ("two",))
    monkeypatch.setattr(program, "find_uf2", lambda: tmp_path / "x.uf2")
    monkeypatch.setattr(program, "measure_all", lambda names, jobs: [found for name in names for found in made[name]])
    yield made


def test_it_fails_when_a_row_is_missed_and_names_it(groups: dict[str, list[Row]], capsys: pytest.CaptureFixture) -> None:
    groups["one"], groups["two"] = [row(9)], [Row("too slow", "us", 11, at_most(10), "8 ns")]
    assert program.main([]) == 1
    text = capsys.readouterr().out
    assert "1 of 2 rows held" in text and "NOT HELD: too slow" in text
    assert program.main(["--quick"]) == 0
    assert "left out: two" in capsys.readouterr().out
    assert program.main(["--only", "two"]) == 1


def test_json_holds_what_the_table_holds(groups: dict[str, list[Row]], capsys: pytest.CaptureFixture) -> None:
    groups["one"], groups["two"] = [row(0, peers=PEERS)], []
    assert program.main(["--json"]) == 0
    (only,) = json.loads(capsys.readouterr().out)["rows"]
    assert (only["ours"], only["unit"], only["held"], only["limit"]) == (0, "us", True, "<= 10 us")
    assert only["ratio_to_best_peer"] is None, "infinite is not JSON"
    assert [peer["source"] for peer in only["peers"]] == ["emulated", "on paper", "emulated"]


def test_without_a_uf2_it_says_what_it_needs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.setattr(program, "find_uf2", lambda: None)
    assert program.main([]) == 2
    assert "THECAL_UF2" in capsys.readouterr().err


def test_what_is_measured_on_this_computer_needs_no_uf2(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.setattr(program, "find_uf2", lambda: None)
    monkeypatch.setattr(program, "measure_all", lambda names, jobs: [row(9)] * len(names))
    assert program.main(["--only", "scaling"]) == 0
    assert program.main(["--only", "scaling", "edges"]) == 2


def test_growth_is_that_of_the_time_over_that_of_the_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scaling, "quickest_s", lambda work: work())
    linear, month = scaling.grown("x", {7: lambda: 0.07, 30: lambda: 0.3, 90: lambda: 0.9}, "days")
    assert (linear.ours, linear.held(), month.ours, month.held()) == (pytest.approx(1), True, 0.3, True)
    (quadratic,) = scaling.grown("x", {6: lambda: 0.36, 24: lambda: 5.76}, "hours")
    assert (quadratic.ours, quadratic.held()) == (pytest.approx(4), False)


def test_a_group_that_breaks_is_a_row_that_is_not_held(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.setattr(program, "GROUPS", {"nowhere": "not there"})
    (broken,) = program.measure("nowhere")
    assert not broken.held()
    assert "ModuleNotFoundError" in broken.remark


def test_edges_are_measured_from_the_plan_that_begins_with_the_first() -> None:
    assert boards.largest_error_us([5_000, 1_005_000, 2_005_700, 3_005_000], 1_000) == pytest.approx(0.7)
    assert boards.largest_error_us([0, 1_000_000, 4_000_000], 1_000) == pytest.approx(2_000)
    assert boards.shortest_gap_us([0, 1_000_000, 1_026_000]) == 26


@pytest.mark.parametrize("group", program.GROUPS)
def test_every_group_can_be_measured(group: str) -> None:
    """A module that the firmware no longer has is found here, not in the first `make bench` after it."""
    assert callable(importlib.import_module(f"bench.{group}").rows)
