"""A refusal names the layer of limits that binds, where it is set, and the command that changes it."""

import pytest

from pumpcore.faults.faults import Refusal
from pumpcore.limits.limits import check_program
from pumpcore.motion.dose import Calibration
from pumpcore.program.plan import Program
from pumpcore.program.settings import Settings
from thecal.checks.program import next_limit
from thecal.checks.rigs import Rig
from thecal.pump import layers
from thecal.pump.layers import Bench, words

BENCH = Bench("tmc2209-peristaltic01", 10_000_000, 3600, 5_000_000, 40_000_000)


def program(**limits: int) -> Program:
    made = Program("x", "water", 3600, [(0, 3_000_000)])
    for name, value in limits.items():
        setattr(made, name, value)
    return made


def test_a_day_above_the_bench_names_the_bench_and_the_command() -> None:
    said = words("day_above_ceiling", {"asked_nl": 72_040_000, "limit_nl": 40_000_000}, program(), BENCH)
    assert said == (
        "the limit is a ceiling of the bench tmc2209-peristaltic01, 40 mL in 24 h (thecal bench show). "
        'To raise it, at the pump: thecal bench set --max-per-day "72.1 mL"'
    )


@pytest.mark.parametrize(
    ("fault", "detail", "limits", "said"),
    [
        ("rate_above_ceiling", {"asked_nl": 12_000_000}, {}, 'thecal bench set --max-rate "12 mL/h"'),
        ("rate_above_ceiling", {"asked_nl": 12_000_000}, {"max_rate_nl": 2_000_000}, "the program's: limits.max_rate"),
        ("hour_above_ceiling", {"asked_nl": 6_000_000}, {}, 'thecal bench set --max-per-hour "6.01 mL"'),
        ("hour_above_ceiling", {"asked_nl": 6_000_000}, {"hour_nl": 5_000_000}, "the program's: limits.max_per_hour"),
        ("limit_wider", {"parameter": "day_nl", "asked_nl": 50_000_000}, {"day_nl": 50_000_000}, "a ceiling of the bench"),
        ("demand_rate", {"asked_rate_nl": 12_000_000}, {}, '--max-rate "12 mL/h"'),
        ("demand_volume", {"window": "hour", "asked_nl": 6_000_000}, {}, "--max-per-hour"),
        ("rate_above_motor", {"asked_nl": 1}, {}, "the motor's of the bench tmc2209-peristaltic01"),
        ("bolus_above_max", {"asked_nl": 1}, {}, "bolus.max_dose in its prescription"),
        ("not_stopped", {}, {}, ""),
    ],
)
def test_each_limit_has_its_layer(fault: str, detail: dict, limits: dict[str, int], said: str) -> None:
    found = words(fault, detail, program(**limits), BENCH)
    assert said in found and bool(said) == bool(found)


def test_the_library_and_a_bench_file_are_named_too() -> None:
    made = program(settings=Settings())
    made.settings.library, made.settings.hard_day_nl = "bench fluids", 30_000_000
    for fault in ("library_hard", "library_soft", "day_above_ceiling"):
        assert "the drug library's (bench fluids)" in words(fault, {"asked_nl": 31_000_000}, made, BENCH)
    made.settings.bolus_max_nl, made.settings.hard_bolus_nl = 500_000, 400_000
    assert "the drug library's (bench fluids)" in words("bolus_above_max", {"asked_nl": 600_000}, made, BENCH)
    made.settings.bolus_max_nl = 300_000
    assert "bolus.max_dose in its prescription" in words("bolus_above_max", {"asked_nl": 600_000}, made, BENCH)
    file = Bench("mine", 1, 3600, 1, 1, "mine.toml")
    assert words("rate_above_ceiling", {"asked_nl": 2}, program(), file).endswith("[ceilings] in mine.toml")
    assert words("rate_above_ceiling", {"asked_nl": 2}, program(), None) == "" and layers.of_greeting({"ceilings": None}) is None


def test_the_ceiling_that_would_bind_next_is_named_with_the_first() -> None:
    rig = Rig({**vars(BENCH), "max_rate_hz": 20_000, "start_rate_hz": 0, "acceleration_hz_per_s": 0}, Calibration(1_000_003, 99_991))
    rig.bench = BENCH

    def said(rate_nl: int) -> str:
        made = Program("x", "water", 3600, [(0, rate_nl)])
        with pytest.raises(Refusal) as refused:
            check_program(made, rig, rig.calibration)
        return next_limit(made, rig, refused.value)

    assert said(5_000_000).startswith("after that one the limit would be a ceiling of the bench tmc2209-peristaltic01, 40 mL in 24 h")
    assert '--max-per-day "121 mL"' in said(5_000_000)
    assert said(3_000_000) == ""
