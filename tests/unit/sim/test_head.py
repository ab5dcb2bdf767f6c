"""The simulated head: its shape, what a turn keeps, luck by seed, and the words with which a user describes it."""

import statistics
from functools import cache
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.rig.benches import named
from thecal.sim.errors import SimulatorError
from thecal.sim.world.fluid import Fluid
from thecal.sim.world.head import NAMED, Head, HeadSpec, turn_steps
from thecal.sim.world.head_text import KEYS, altered, head_of
from thecal.sim.world.individual import Individual

STEPS = 3200
TEXTS = ["even", "sinus", "dip20", "dip35", "dip20,rollers=6", "dip35,rollers=8", "dip20,skew=-50%", "dip35,swing=50%"]


@cache
def head(text: str, seed: int = 1) -> Head:
    return Head(head_of(text), named(), Individual(seed))


def backflow_nl(one: Head, steps: range = range(STEPS + 1)) -> float:
    """Return the largest fall of the volume."""
    top_nl, most_nl = one.volume_nl(steps[0]), 0.0
    for step in steps:
        volume_nl = one.volume_nl(step)
        top_nl = max(top_nl, volume_nl)
        most_nl = max(most_nl, top_nl - volume_nl)
    return most_nl


@pytest.mark.parametrize("text", TEXTS)
@given(angle_steps=st.floats(-1e7, 1e7), turns=st.integers(-50, 50), seed=st.integers(0, 5))
def test_a_turn_brings_the_pairs_volume_of_the_individual(text: str, angle_steps: float, turns: int, seed: int) -> None:
    one, pair = head(text + ",jitter=0%", seed), named()["calibration"]
    true_nl = pair["volume_nl"] * (1_000_000 + Individual(seed).head_ppm) / 1_000_000 / pair["steps"] * STEPS
    assert one.turn_nl == pytest.approx(true_nl)
    gone_nl = one.volume_nl(angle_steps + turns * STEPS) - one.volume_nl(angle_steps)
    assert gone_nl == pytest.approx(turns * true_nl, abs=0.01)


def test_the_sine_is_that_of_the_plant_without_a_head() -> None:
    one, fluid = head("sinus,swing=80%"), Fluid(named(), Individual(1), 80.0, 1000.0)
    for steps in range(0, 4 * STEPS, 77):
        assert one.volume_nl(steps) - one.volume_nl(0) == pytest.approx(fluid.mass_ug(steps), abs=0.1)


@pytest.mark.parametrize(("text", "low_nl", "high_nl"), [("even", 0, 0), ("sinus", 0, 1), ("dip20", 120, 600), ("dip35", 1500, 4500)])
def test_the_named_heads_flow_back_as_their_names_say(text: str, low_nl: float, high_nl: float) -> None:
    found_nl = [backflow_nl(head(text, seed)) for seed in range(1, 9)]
    assert all(low_nl <= each_nl <= high_nl for each_nl in found_nl), found_nl


def test_a_release_is_steep_and_its_end_slow() -> None:
    one = head("dip35,skew=60%,unequal=0%,askew=0deg,jitter=0%")
    flows_nl = [one.volume_nl(step + 1) - one.volume_nl(step) for step in range(STEPS // 3)]
    mean_nl, lowest = one.turn_nl / STEPS, flows_nl.index(min(flows_nl))
    low = [step for step, flow_nl in enumerate(flows_nl) if flow_nl < mean_nl / 2]
    assert lowest == pytest.approx(STEPS / 6, abs=3)
    assert (low[-1] - lowest) > 2 * (lowest - low[0]) > 0


def test_rollers_are_unequal_in_depth_and_angle() -> None:
    def lowest(text: str) -> list[tuple[int, float]]:
        one = head(text)
        flows_nl = [one.volume_nl(step + 1) - one.volume_nl(step) for step in range(STEPS)]
        parts = [flows_nl[number * STEPS // 3 : (number + 1) * STEPS // 3] for number in range(3)]
        return [(part.index(min(part)), round(min(part), 2)) for part in parts]

    assert len(set(lowest("dip20"))) == 3
    equal = lowest("dip20,unequal=0%,askew=0deg,jitter=0%")
    assert max(depth for _, depth in equal) - min(depth for _, depth in equal) < 0.05
    assert max(place for place, _ in equal) - min(place for place, _ in equal) <= 2
    assert len({depth for _, depth in lowest("dip20,askew=0deg")}) == 3


@pytest.mark.parametrize("rollers", [1, 3, 6, 8, 11])
def test_each_roller_releases_once_a_turn(rollers: int) -> None:
    one = head(f"dip20,rollers={rollers},jitter=0%,width=10%")
    flows_nl = [one.volume_nl(step + 1) - one.volume_nl(step) for step in range(STEPS)]
    half_nl = one.turn_nl / STEPS / 2
    begins = [step for step in range(STEPS) if flows_nl[step] < half_nl <= flows_nl[step - 1]]
    assert len(begins) == rollers


def test_one_seed_is_one_head_and_others_differ() -> None:
    def drawn(text: str, seed: int) -> list[float]:
        one = head(text, seed)
        return [one.first_steps, *((one.volume_nl(step) - one.volume_nl(0)) / one.turn_nl for step in range(100, 20_000, 700))]

    assert drawn("dip20", 3) == drawn("dip20", 3)
    assert drawn("dip20,seed=3", 9) == pytest.approx(drawn("dip20", 3))
    assert len({tuple(drawn("dip20", seed)) for seed in range(20)}) == 20


def test_the_first_angle_is_anywhere_or_as_given() -> None:
    firsts = [head("dip20", seed).first_steps / STEPS for seed in range(80)]
    assert all(0 <= first < 1 for first in firsts)
    assert statistics.mean(firsts) == pytest.approx(0.5, abs=0.12)
    assert head("dip20,start=90deg").first_steps == STEPS / 4


def test_jitter_changes_a_release_and_never_a_passage() -> None:
    still, shaky = head("dip35,jitter=0%"), head("dip35,jitter=10%")
    passage = STEPS / 3
    ends_nl = [shaky.volume_nl(number * passage) - still.volume_nl(number * passage) for number in range(300)]
    assert max(map(abs, ends_nl)) < 0.01
    middle = passage * 0.45
    off_nl = [shaky.volume_nl(number * 3 * passage + middle) - still.volume_nl(number * 3 * passage + middle) for number in range(600)]
    chord_nl = still.volume_nl(passage) - still.volume_nl(0)
    swing_nl = abs(still.volume_nl(middle) - still.volume_nl(0) - 0.45 * chord_nl)
    assert statistics.pstdev(off_nl) == pytest.approx(0.1 * swing_nl, rel=0.15)
    assert abs(statistics.mean(off_nl)) < 4 * 0.1 * swing_nl / 600**0.5


def test_wear_makes_the_ripple_larger_and_no_turn_dearer() -> None:
    new, worn = head("dip20,jitter=0%"), head("dip20,jitter=0%,wear=10%")
    place, later = 1_000, 2_000 * STEPS

    def ripple_nl(one: Head, begin: int) -> float:
        return one.volume_nl(begin + place) - one.volume_nl(begin) - place / STEPS * one.turn_nl

    assert ripple_nl(worn, 0) == pytest.approx(ripple_nl(new, 0), abs=0.01)
    assert ripple_nl(worn, later) == pytest.approx(1.2 * ripple_nl(new, 0), rel=1e-3)
    assert worn.volume_nl(later) - worn.volume_nl(0) == pytest.approx(2_000 * worn.turn_nl, abs=0.1)


def test_back_pressure_fills_each_chamber_that_opens() -> None:
    free, pressed = head("dip35,jitter=0%"), head("dip35,jitter=0%,pressure=10kPa")
    lost_nl = [free.volume_nl(steps) - pressed.volume_nl(steps) for steps in range(0, STEPS + 1, 10)]
    assert lost_nl[0] == pytest.approx(0, abs=0.01)
    assert lost_nl[-1] == pytest.approx(3 * 12 * 10, abs=0.1)
    assert all(later - before > -1e-6 for before, later in pairwise(lost_nl))
    assert sum(later - before > 2 for before, later in pairwise(lost_nl)) < 80, "at the releases"
    assert 1 - (pressed.volume_nl(STEPS) - pressed.volume_nl(0)) / free.turn_nl == pytest.approx(0.0105, abs=0.001)


def test_a_changed_head_has_a_larger_ripple_and_the_same_mean() -> None:
    before = head_of("dip20,jitter=0%")
    old, new = (Head(spec, named(), Individual(1)) for spec in (before, altered(before, "ripple=105%")))
    for steps in range(0, STEPS, 50):
        even_nl = steps / STEPS * old.turn_nl
        assert new.volume_nl(steps) - even_nl == pytest.approx(1.05 * (old.volume_nl(steps) - even_nl), abs=0.01)


def test_a_geared_head_turns_once_in_the_steps_of_its_pair() -> None:
    bench = named()
    bench["calibration"] = {**bench["calibration"], "turns": 11, "steps": 22_800}
    one = Head(head_of("dip20"), bench, Individual(1))
    assert turn_steps(bench) == one.turn_steps == pytest.approx(22_800 / 11)
    assert backflow_nl(one, range(2_073)) > 100


def test_what_is_written_is_understood() -> None:
    assert head_of("dip35") == NAMED["dip35"]
    assert NAMED["dip35"].line_s == 5.0
    spec = head_of(" dip35 , line = 0.5 s,seed=3, pressure=10 kPa,jumps=on,wear=1.5% ")
    assert (spec.line_s, spec.seed, spec.pressure_kpa, spec.jumps) == (0.5, 3, 10.0, True)
    assert spec.wear == pytest.approx(0.015)
    assert head_of("dip35,line=0").line_s == 0, "nothing needs no unit"
    assert {key.field for key in KEYS.values()} == set(HeadSpec.__dataclass_fields__)


@pytest.mark.parametrize(
    ("text", "cause", "do"),
    [
        ("dip2O", "the head 'dip2O' is not known", "did you mean dip20?"),
        ("", "empty part", "dip35,line=5s,seed=3"),
        ("round", "the head 'round' is not known", "known are even, sinus, dip20, dip35"),
        ("dip20,", "empty part", "dip20"),
        ("dip20,lines=5s", "a head has no 'lines'", "did you mean line?"),
        ("dip20,line", "'line' of the head has no value", "line=5s"),
        ("dip20,line=", "'line' of the head has no value", "line=5s"),
        ("dip20,line=5", "line=5 of the head has no unit", "line=5s"),
        ("dip20,line=5ms", "has the unit 'ms'", "line=5s"),
        ("dip20,line=long", "line=long of the head is not a number", "line=5s"),
        ("dip20,line=5s,line=6s", "'line' of the head is given twice", "leave one out"),
        ("dip20,loss=95%", "loss=95% of the head is out of range", "write 0% to 80%"),
        ("dip20,rollers=2.5", "rollers=2.5 of the head is not a whole number", "rollers=5"),
        ("dip20,rollers=0", "rollers=0 of the head is out of range", "1 to 24"),
        ("dip20,jumps=maybe", "jumps=maybe of the head is not a number", "jumps=on or jumps=off"),
    ],
)
def test_what_is_wrong_is_named_with_its_cure(text: str, cause: str, do: str) -> None:
    with pytest.raises(SimulatorError) as caught:
        head_of(text)
    assert cause in caught.value.cause
    assert do in caught.value.do


@pytest.mark.parametrize("text", ["seed=4", "rollers=6", "start=5deg"])
def test_another_rotor_is_no_change_of_a_running_head(text: str) -> None:
    with pytest.raises(SimulatorError, match="can't change while the pump runs"):
        altered(head_of("dip20"), text)


def test_rollers_that_take_back_everything_are_refused() -> None:
    with pytest.raises(SimulatorError, match="take back as much as they bring"):
        Head(HeadSpec(loss=1.0), named(), Individual(4))
