"""The demo's identity checks detect what they must, and its text plot shows its data."""

from fractions import Fraction

import pytest

from pumpcore.motion.dose import Calibration
from pumpcore.program.plan import SCHEDULE, Program
from thecal.reports import terminal_plot
from thecal.tools.demo.books import Cut, Line, cut_checks, plain_checks
from thecal.tools.demo.plan import stretches

CALIBRATION = Calibration(1_000_003, 99_991)


def day_program():
    program = Program("day", "water", 3600, [(day * 1440 + minute, rate_nl) for day in range(7) for minute, rate_nl in DAY])
    program.mode = SCHEDULE
    return program


DAY = ((0, 500_000), (360, 1_200_000), (1020, 3_000_000))


def test_the_plan_covers_the_day_exactly():
    found = stretches(day_program(), CALIBRATION, 0, 86_400)
    assert [stretch.label() for stretch in found] == ["00:00-06:00", "06:00-17:00", "17:00-24:00"]
    assert sum(stretch.programmed_nl for stretch in found) == 500_000 * 6 + 1_200_000 * 11 + 3_000_000 * 7
    for stretch in found:
        line = Line(stretch, stretch.plan_steps, 0, 0)
        assert abs(line.off_by(CALIBRATION)) < 1


@pytest.mark.parametrize(("ordered", "guard", "plant", "holds"), [(10, 10, 10, True), (10, 9, 10, False), (10, 10, 11, False)])
def test_an_entry_holds_only_when_all_three_agree(ordered, guard, plant, holds):
    stretch = stretches(day_program(), CALIBRATION, 0, 3600)[0]
    assert [check[0] for check in plain_checks("x", Line(stretch, ordered, guard, plant))] == [holds]


@pytest.mark.parametrize(
    ("parts", "plant", "holds"),
    [
        ((80, 10, 10), 85, [True, True]),
        ((80, 10, 9), 85, [False, True]),
        ((80, 10, 10), 79, [True, False]),
        ((80, 10, 10), 91, [True, False]),
    ],
)
def test_the_cut_entry_holds_only_within_its_bounds(parts, plant, holds):
    stretch = stretches(day_program(), CALIBRATION, 0, 3600)[0]
    assert [check[0] for check in cut_checks("x", Line(stretch, 100, 80, plant), Cut(*parts))] == holds


def test_bars_fill_to_their_height_in_blocks_or_in_plain_letters():
    values = [Fraction(0), Fraction(1), Fraction(2), Fraction(4)]
    assert [line.split("|")[1] for line in terminal_plot.bars(values, 2, "mL/h", "utf-8").splitlines()] == ["   █", " ▄██"]
    assert terminal_plot.bars(values, 2, "mL/h", "ascii").isascii()
    assert terminal_plot.bars([Fraction(0)], 2, "mL/h", "utf-8")
