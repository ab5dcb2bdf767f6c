"""Dose by volume as a user gets it: learned by weight on a simulated head, then delivered. Its figures are demands (issue 18).

The heads are none of the functions that are fitted; the balance has a digit, noise, a lag and evaporation. `dip35` is learned without
its line, which is attached afterwards. The figures are in the last lines of a run.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from support.rig.learning import LearningRig, learning_rig
from thecal.errors import Failed

pytestmark = [pytest.mark.needs("free_time"), pytest.mark.needs("plant"), pytest.mark.needs("flash_operations")]

HEADS = {"sinus": "sinus", "dip20": "dip20", "dip35": "dip35,line=0s"}
SEEDS = range(1, 6)
MORE_SEEDS = range(6, 51)
Record = Callable[[str, object], None]


class Row(NamedTuple):
    """A figure and the most that it may be."""

    name: str
    found: float
    demand: float


@pytest.fixture(autouse=True)
def own_registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THECAL_RUNTIME", str(tmp_path / "runtime"))


def learned_rows(rig: LearningRig) -> Iterator[Row]:
    """Learn, and compare with the head."""
    begin_ms = rig.sim.now_ms()
    table = rig.learn()
    yield Row("learning, min", (rig.sim.now_ms() - begin_ms) / 60_000, 30)
    off_nl = float(np.sqrt(np.mean(rig.point_errors_nl(table) ** 2)))
    yield Row("point error, nl rms", off_nl, 50)
    yield Row("stated deviation, factor", max(table.deviation_nl / off_nl, off_nl / table.deviation_nl), 3)
    yield Row("lag, s off", abs(table.lag_ms / 1000 - 0.7), 0.2)


def again(rig: LearningRig) -> None:
    """The enable of each start counts towards the doubt about the phase; here the rotor does not jump, so its zero is what it was."""
    rig.client.rotor_phase(0)


def slow_rows(rig: LearningRig, head: str) -> Iterator[Row]:
    """100 uL/h over an hour, the trumpet's shortest windows."""
    again(rig)
    found = rig.windows(100_000, 4_200, (2, 5))
    most = {"sinus": (5, 2), "dip20": (15, 100), "dip35": (10, 4)}[head]
    yield Row("100 uL/h 2 min, %", found[2].worst_percent, most[0])
    if head == "dip20":
        yield Row("100 uL/h 2 min, 99 % of them, %", found[2].most_percent, 5)
    else:
        yield Row("100 uL/h 5 min, %", found[5].worst_percent, most[1])


def bolus_rows(rig: LearningRig, head: str) -> Iterator[Row]:
    again(rig)
    errors, _ = rig.boluses(0, 14, 20_000, 90)
    yield Row("14 boluses of 20 uL, %", max(map(abs, errors)), 2.5 if head == "dip35" else 1)


def sum_rows(rig: LearningRig, demand_nl: float) -> Iterator[Row]:
    """Every sum stays near the plan: what a table is wrong by at an angle never adds up."""
    _, sums_nl = rig.boluses(100_000, 15, 20_000, 60)
    yield Row("basal 100 uL/h and 15 boluses, worst sum, nl", max(map(abs, sums_nl)), demand_nl)
    yield Row("the same, trend over all, nl", abs(float(np.polyfit(range(15), sums_nl, 1)[0])) * 15, demand_nl)


def other_rows(rig: LearningRig, head: str) -> Iterator[Row]:
    if head != "dip35":
        again(rig)
        found = rig.windows(20_000, 4 * 3600, (2, 11))
        yield Row("20 uL/h 2 min, %", found[2].worst_percent, 30)
        yield Row("20 uL/h 11 min, %", found[11].worst_percent, 6)
    again(rig)
    yield Row("1 mL/h 2 min, %", rig.windows(1_000_000, 1_500, (2,))[2].worst_percent, 2)
    again(rig)
    yield from sum_rows(rig, 250)


def judge(head: str, seed: int, rows: Iterator[Row], record_property: Record) -> None:
    """Print every figure, then demand them."""
    found = list(rows)
    for row in found:
        text = f"{head}, seed {seed}: {row.name} {row.found:.2f} (at most {row.demand:g})"
        print("FIGURE", text)
        record_property("figure", text)
    missed = [row for row in found if row.found > row.demand]
    assert not missed


@pytest.mark.parametrize("head", ["sinus", "dip20"])
def test_a_head_that_was_learned_is_dosed_by_volume(head: str, tmp_path: Path, record_property: Record) -> None:
    with learning_rig(tmp_path, HEADS[head], 1) as rig:
        rig.calibrate()

        def rows() -> Iterator[Row]:
            yield from learned_rows(rig)
            yield from slow_rows(rig, head)
            yield from bolus_rows(rig, head)

        judge(head, 1, rows(), record_property)


def test_sums_beside_a_basal_have_no_trend_with_an_exact_table(tmp_path: Path, record_property: Record) -> None:
    with learning_rig(tmp_path, "sinus", 1) as rig:
        rig.calibrate()
        rig.know()
        judge("sinus, exact table", 1, sum_rows(rig, 100), record_property)


@pytest.mark.long
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("head", HEADS)
def test_all_rows(head: str, seed: int, tmp_path: Path, record_property: Record) -> None:
    with learning_rig(tmp_path, HEADS[head], seed) as rig:
        rig.calibrate()

        def rows() -> Iterator[Row]:
            yield from learned_rows(rig)
            if head == "dip35":
                rig.sim.alter_head("line=5s")
            yield from slow_rows(rig, head)
            yield from bolus_rows(rig, head)
            yield from other_rows(rig, head)

        judge(head, seed, rows(), record_property)


@pytest.mark.long
@pytest.mark.parametrize("head", HEADS)
def test_of_45_more_heads_one_in_twenty_may_miss_a_row(head: str, tmp_path: Path, record_property: Record) -> None:
    missed = []
    for seed in MORE_SEEDS:
        with learning_rig(tmp_path, HEADS[head], seed) as rig:
            rig.calibrate()
            rows = list(learned_rows(rig))
            if head == "dip35":
                rig.sim.alter_head("line=5s")
            rows += [*slow_rows(rig, head), *bolus_rows(rig, head)]
            missed += [
                f"{head}, seed {seed}: {row.name} {row.found:.2f} (at most {row.demand:g})" for row in rows if row.found > row.demand
            ]
    record_property("figure", f"{head}, seeds 6 to 50: {len(missed)} rows missed {missed}")
    assert len({text.split(":")[0] for text in missed}) <= len(MORE_SEEDS) / 20


@pytest.mark.long
@pytest.mark.parametrize("head", ["dip20,rollers=3", "dip20,rollers=6", "dip20,rollers=8", "sinus,rollers=8"])
def test_other_heads_and_one_that_changed_by_5_percent_are_never_worse_than_plain(
    head: str, tmp_path: Path, record_property: Record
) -> None:
    with learning_rig(tmp_path, head, 1) as rig:
        rig.calibrate()
        found = [rig.windows(100_000, 3_600, (2,))[2].worst_percent]
        rig.learn()
        for changes in ("ripple=100%", "ripple=105%"):
            rig.sim.alter_head(changes)
            again(rig)
            found.append(rig.windows(100_000, 3_600, (2,))[2].worst_percent)
    plain, by_volume, changed = found
    record_property(
        "figure", f"{head}: 2 min at 100 uL/h {plain:.1f} % by angle, {by_volume:.1f} % by volume, {changed:.1f} % changed by 5 %"
    )
    assert by_volume < plain / 2 and changed < plain / 2


@pytest.mark.long
def test_a_wider_tube_gets_fewer_turns_and_may_be_off_by_more(tmp_path: Path, record_property: Record) -> None:
    with learning_rig(tmp_path, "dip20", 1, turn_nl=43_000) as rig:
        rig.calibrate()
        rows = [row._replace(demand=70) if row.name.startswith("point") else row for row in learned_rows(rig)]
        judge("dip20 of 43 uL a turn", 1, iter(rows), record_property)


@pytest.mark.long
def test_a_coarse_balance_gives_a_worse_table_and_a_coarser_one_none(tmp_path: Path, record_property: Record) -> None:
    with learning_rig(tmp_path, "dip20", 2, resolution_ug=1_000) as rig:
        rig.calibrate()
        rig.learn()
        again(rig)
        worst_percent = rig.windows(100_000, 3_600, (2,))[2].worst_percent
        record_property("figure", f"dip20, a balance of 1 mg: 2 min at 100 uL/h {worst_percent:.1f} %")
        assert worst_percent < 15
    with learning_rig(tmp_path, "dip20,rollers=8", 2, resolution_ug=10_000) as rig:
        rig.calibrate()
        with pytest.raises(Failed, match="would not beat"):
            rig.learn()
