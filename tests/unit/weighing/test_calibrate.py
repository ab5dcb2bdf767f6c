"""`thecal calibrate` without a pump: masses, densities, plans and fits are exact, and every wrong input is refused with what to do."""

import itertools
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thecal.errors import BadInput
from thecal.quantities.amounts import Rate
from thecal.weighing.calibrate import masses, water
from thecal.weighing.calibrate.fit import MOST_CV_PPM, Run, fit
from thecal.weighing.calibrate.masses import Listed, Plausible, mass_ug
from thecal.weighing.calibrate.plan import Plan, Typed

PUMP = {
    "bench": "tmc2209-peristaltic01", "turns": 1, "turns_steps": 3_200, "calibration": None, "history": [],
    "nominal": {"volume_nl": 31_600, "steps": 3_200, "state": "UNCALIBRATED"},
}  # fmt: skip
PLAUSIBLE = Plausible(Fraction(1_000_000), 50)


def typed(**changed: object) -> Typed:
    values = {
        "tube": "T1", "lot": "L1", "turns": 20, "rate": "2 mL/h", "prime": "", "runs": 3, "density": "", "temperature": "20 C",
        "buoyancy": False, "for_volume": "500 mL", "for_days": 90,
    } | changed  # fmt: skip
    return Typed(**values)


# --- water --------------------------------------------------------------------------------------------------------------------


def tanaka_ug_per_ml(temperature_c: float) -> float:
    """Equation 1 of Tanaka et al. 2001 with its constants."""
    a1, a2, a3, a4, a5 = -3.983035, 301.797, 522528.9, 69.34881, 999.974950
    return 1000 * a5 * (1 - (temperature_c + a1) ** 2 * (temperature_c + a2) / (a3 * (temperature_c + a4)))


@pytest.mark.parametrize("tenth_c", range(100, 351))
def test_water_is_as_dense_as_the_equation_says(tenth_c: int) -> None:
    told = water.water_ug_per_ml(f"{tenth_c // 10}.{tenth_c % 10} C")
    assert abs(told - tanaka_ug_per_ml(tenth_c / 10)) <= 3


@pytest.mark.parametrize(("text", "told"), [("0.998207 g/mL", 998_207), ("998.207 mg/mL", 998_207), ("1.5g/ml", 1_500_000)])
def test_a_typed_density_is_exact(text: str, told: int) -> None:
    assert water.typed_ug_per_ml(text) == told


@pytest.mark.parametrize("text", ["0,998 g/mL", "0.998", "998 g/mL", "0.998 g/L", "-1 g/mL", "0 g/mL", "nan g/mL", "1.0000001 g/mL", ""])
def test_what_is_no_density_is_refused(text: str) -> None:
    with pytest.raises(BadInput) as error:
        water.typed_ug_per_ml(text)
    assert error.value.do


@pytest.mark.parametrize("text", ["20", "20,5 C", "9 C", "36 C", "293 K", "-4 C", "nan C", "C", ""])
def test_what_is_no_temperature_of_the_table_is_refused(text: str) -> None:
    with pytest.raises(BadInput) as error:
        water.water_ug_per_ml(text)
    assert "C" in error.value.do or "number" in error.value.do or "point" in error.value.do or "zero" in error.value.do


def test_buoyancy_is_a_tenth_of_a_percent() -> None:
    plain, corrected = (water.volume_nl(1_000_000, 998_207, buoyancy) for buoyancy in (False, True))
    assert plain == Fraction(10**12, 998_207)
    assert float(corrected / plain - 1) == pytest.approx(0.001053, abs=2e-6)  # ISO 8655-6: Z is 1.0029 uL/mg at 20 C


# --- masses -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "told"), [("1.0023 g", 1_002_300), ("1002.3 mg", 1_002_300), (" 1g ", 1_000_000)])
def test_a_mass_is_exact(text: str, told: Fraction) -> None:
    assert mass_ug(text) == told


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("1,0023 g", "comma"), ("1.0023", "no unit"), ("-1 g", "negative"), ("nan g", "plain number"), ("inf g", "plain number"),
        ("1e3 mg", "not allowed"), ("g", "plain number"), ("", "plain number"), ("1 kg", "not allowed"), ("1 mL", "not allowed"),
        ("1 G", "not allowed"), ("1.2.3 g", "plain number"), ("1 000 mg", "1 000 mg"), ("1 g g", "not allowed"),
    ],
)  # fmt: skip
def test_what_is_no_mass_is_refused_and_says_why(text: str, cause: str) -> None:
    with pytest.raises(BadInput, match=cause) as error:
        mass_ug(text)
    assert error.value.exit_code == 2 and error.value.do


@pytest.mark.parametrize(
    ("text", "tare", "cause"),
    [
        ("0 g", "0 g", "is zero"), ("11.0 g", "11.2 g", "not more than the tare"), ("11.2 g", "11.2 g", "not more than the tare"),
        ("1000 g", "0 g", "factor of 1000"), ("1 mg", "0 g", "factor of 1000"), ("1.501 g", "0 g", "more than"),
        ("0.499 g", "0 g", "less than"),
    ],
)  # fmt: skip
def test_a_mass_that_can_t_be_is_refused_with_the_one_expected(text: str, tare: str, cause: str) -> None:
    with pytest.raises(BadInput, match=cause) as error:
        PLAUSIBLE.net(mass_ug(text), mass_ug(tare), text)
    if "than possible" in error.value.cause:
        assert "calibration gives 1 g" in error.value.do


@pytest.mark.parametrize(("texts", "tares", "told"), [
    (["1 g", "1.1 g"], [], [1_000_000, 1_100_000]),
    (["11 g", "11.1 g"], ["10 g"], [1_000_000, 1_100_000]),
    (["11 g", "12.1 g"], ["10 g", "11 g"], [1_000_000, 1_100_000]),
])  # fmt: skip
def test_one_tare_is_for_all_or_there_is_one_for_each(texts: list, tares: list, told: list) -> None:
    assert Listed(PLAUSIBLE, texts, tares).masses == told


def test_another_number_of_tares_is_refused() -> None:
    with pytest.raises(BadInput, match="2 times --tare"):
        Listed(PLAUSIBLE, ["1 g"] * 3, ["1 g"] * 2)


def test_a_slip_at_the_prompt_is_asked_again_and_not_lost(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    answers = iter(["10,5 g", "10.5 g", "1", "10.4 g", "1150 g", "11.5 g"])
    monkeypatch.setattr(masses, "ask", lambda question: next(answers))
    asked = masses.Asked(PLAUSIBLE)
    asked.before(0)
    assert asked.after(0) == 1_000_000
    said = capsys.readouterr().err
    assert all(word in said for word in ("comma", "no unit", "not more than the tare", "factor of 1000"))


# --- plans --------------------------------------------------------------------------------------------------------------------


def test_turns_become_steps_and_a_mass_to_expect() -> None:
    plan = Plan(typed(), PUMP)
    assert plan.steps == 64_000 and plan.rate == Rate(5_000, 9) and plan.expires_nl == 500_000_000
    assert plan.plausible().expected_ug == Fraction(632_000 * 998_207, 1_000_000)
    assert Plan(typed(turns=1), PUMP | {"turns": 11, "turns_steps": 22_800}).steps == 2_072


@pytest.mark.parametrize(
    ("changed", "cause"),
    [
        ({"tube": ""}, "tube"), ({"tube": "x" * 25}, "tube"), ({"tube": "Rohr ä"}, "tube"), ({"tube": "a\nb"}, "tube"),
        ({"lot": "ü"}, "lot"),
        ({"turns": 0}, "0 turns"), ({"turns": -1}, "-1 turns"), ({"turns": 2_000_000}, "steps"),
        ({"runs": 0}, "0 runs"), ({"runs": 100}, "100 runs"),
        ({"rate": "2"}, "no unit"), ({"rate": "2,5 mL/h"}, "comma"), ({"rate": "0 mL/h"}, "is zero"), ({"rate": "2 mL"}, "volume"),
        ({"rate": "2 mg/h"}, "rate|mass"), ({"rate": "0.00000000001 nL/day"}, "too many digits"), ({"prime": "-1 mL"}, "negative"),
        ({"prime": "1"}, "no unit"), ({"prime": "0.5 nL"}, "whole number"), ({"for_volume": "500"}, "no unit"),
        ({"for_volume": "1000000000000 mL"}, "more than the pump"), ({"for_days": -1}, "days"), ({"for_days": 3651}, "days"),
        ({"density": "1 kg/L"}, "density"), ({"temperature": "20"}, "temperature"),
    ],
)  # fmt: skip
def test_what_can_t_be_planned_is_refused(changed: dict, cause: str) -> None:
    with pytest.raises(BadInput, match=cause) as error:
        Plan(typed(**changed), PUMP)
    assert error.value.do


# --- fits ---------------------------------------------------------------------------------------------------------------------


def runs_of(*volumes: Fraction | int, steps: int = 64_000) -> list[Run]:
    return [Run(steps, Fraction(volume), Fraction(volume)) for volume in volumes]


@given(st.lists(st.fractions(min_value=1, max_value=10**7, max_denominator=10**3), min_size=1, max_size=9), st.integers(100, 10**6))
def test_the_pair_is_the_mean_to_less_than_a_part_in_a_million(volumes: list, steps: int) -> None:
    found = fit(runs_of(*volumes, steps=steps))
    mean = sum(volumes, Fraction(0)) / (steps * len(volumes))
    assert found.exact_nl_per_step == mean and min(found.steps, found.volume_nl) <= 1_000_000
    smaller = min(found.steps, found.volume_nl)
    assert found.rounding_ppb <= 1 + 1_000 // smaller


def test_scatter_is_the_sample_s_standard_deviation() -> None:
    found = fit(runs_of(990_000, 1_000_000, 1_010_000))
    assert found.cv_ppm == 10_000 and found.deviation_ppm == 10_000 and not found.too_scattered()
    assert fit(runs_of(1_000_000)).cv_ppm == 0
    assert fit(runs_of(960_000, 1_000_000, 1_040_000)).too_scattered()


@given(st.lists(st.integers(10**5, 10**7), min_size=2, max_size=8))
def test_scatter_is_that_of_the_statistics_module(volumes: list) -> None:
    import statistics

    found = fit(runs_of(*volumes))
    assert found.cv_ppm == pytest.approx(1e6 * statistics.stdev(volumes) / statistics.mean(volumes), abs=1.5)
    assert found.too_scattered() >= (found.cv_ppm > MOST_CV_PPM)


def test_the_order_of_the_runs_does_not_matter() -> None:
    found = [fit(list(runs)) for runs in itertools.permutations(runs_of(990_001, 1_000_003, 1_004_567))]
    assert all(one == found[0] for one in found)
