"""The packed program: unpacking returns what was packed, and anything else raises a Refusal only."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpcore.faults.faults import Refusal
from pumpcore.program import packing
from pumpcore.program.packing import MAX_BYTES, MAX_ENTRIES, MAX_RATE_NL, pack, unpack
from pumpcore.program.plan import Program
from pumpcore.program.settings import FIELDS, Settings
from pumpcore.units import MINUTES_PER_WEEK

RATE = st.integers(0, MAX_RATE_NL)


@st.composite
def programs(draw: st.DrawFn) -> Program:
    mode = draw(st.integers(0, 2))
    minutes = [0] if mode != 1 else sorted(draw(st.sets(st.integers(0, MINUTES_PER_WEEK - 1), min_size=1, max_size=MAX_ENTRIES)))
    text = st.text(st.characters(codec="utf-8"), max_size=20)
    made = Program(draw(text), draw(text), draw(st.integers(1, 2**32 - 1)), [(minute, draw(RATE)) for minute in minutes])
    made.mode = mode
    made.on_clock_loss, made.after_power_loss = draw(st.sampled_from(packing.CLOCK_LOSS)), draw(st.sampled_from(packing.POWER_LOSS))
    made.max_rate_nl, made.hour_nl, made.day_nl = draw(RATE), draw(RATE), draw(RATE)
    made.concentration = draw(st.one_of(st.just((0, 0)), st.tuples(st.integers(1, 2**64 - 1), st.integers(1, 2**64 - 1))))
    if mode == 2 or draw(st.booleans()):
        made.settings = draw(SETTINGS)
        made.settings.library, made.settings.library_version = draw(st.sampled_from((("", 0), ("bench fluids", 7))))
    return made


def set_up(**values: object) -> Settings:
    """Return settings with these set."""
    made = Settings()
    for name, value in values.items():
        setattr(made, name, value)
    return made


DEMAND = {"demand_on": 1, "demand_per_day": 4, "demand_s": 300, "lockout_s": 3600, "demand_nl": 50_000}
RESERVOIR = {"capacity_nl": 20_000_000, "low_nl": 2_000_000, "empty_nl": 500_000, "tolerance_permille": 50, "tolerance_nl": 100_000}
LINE = {"line_day": 20_000, "tubing_nl": 140_000, "catheter_nl": 199_000}
SETTINGS = st.builds(
    lambda parts, bolus_max_nl: set_up(**{key: value for part in parts for key, value in part.items()}, bolus_max_nl=bolus_max_nl),
    st.sets(st.integers(0, 2), min_size=1).map(lambda chosen: [(DEMAND, RESERVOIR, LINE)[number] for number in sorted(chosen)]),
    st.integers(50_000, MAX_RATE_NL),
)


def refused(packed: bytes) -> str:
    with pytest.raises(Refusal) as caught:
        unpack(packed)
    return caught.value.fault.name


def simple(*entries: tuple) -> Program:
    return Program("n", "f", 3600, list(entries) or [(0, 1000)])


def with_field(offset: int, layout: str, value: int) -> bytes:
    packed = bytearray(pack(simple()))
    struct.pack_into("<" + layout, packed, offset, value)
    return bytes(packed)


@given(programs())
def test_a_program_comes_back_as_it_was(made: Program) -> None:
    packed = pack(made)
    again = unpack(packed)
    assert again.describe() == made.describe()
    assert pack(again) == packed and len(packed) <= MAX_BYTES
    assert len(packing.digest(packed)) == 64
    rates = [rate_nl for _, rate_nl in made.entries]
    assert (again.highest_rate_nl(), again.lowest_rate_nl(), again.needs_clock()) == (max(rates), min(rates), made.mode == 1)


@pytest.mark.rule("R10")
@given(st.binary(max_size=200))
def test_noise_is_refused(noise: bytes) -> None:
    assert refused(noise) == "program_format"
    refused(b"TPR1" + noise)


@pytest.mark.rule("R10")
@given(programs(), st.data())
def test_a_damaged_program_is_refused_or_is_a_program(made: Program, data: st.DataObject) -> None:
    packed = bytearray(pack(made))
    for _ in range(data.draw(st.integers(1, 4))):
        packed[data.draw(st.integers(0, len(packed) - 1))] = data.draw(st.integers(0, 255))
    try:
        again = unpack(bytes(packed))
    except Refusal:
        return
    assert pack(again) == bytes(packed)  # one meaning per bytes: two readings would be two prescriptions


@pytest.mark.rule("R10")
@given(programs(), st.data())
def test_a_program_cut_short_or_grown_is_refused(made: Program, data: st.DataObject) -> None:
    packed = pack(made)
    assert refused(packed[: data.draw(st.integers(0, len(packed) - 1))]) == "program_format"
    assert refused(packed + data.draw(st.binary(min_size=1, max_size=20))) in ("program_format", "program_size")


def test_the_largest_program_fits_and_one_entry_more_does_not() -> None:
    entries = [(minute, MAX_RATE_NL) for minute in range(MAX_ENTRIES)]
    largest = Program("n" * 80, "f" * 80, 2**32 - 1, entries)
    largest.mode = packing.SCHEDULE
    assert len(pack(largest)) <= MAX_BYTES
    assert list(unpack(pack(largest)).entries) == entries
    largest.settings = set_up(**DEMAND, **RESERVOIR, **LINE, library_version=1)
    largest.settings.library = "l" * 80
    assert len(pack(largest)) <= MAX_BYTES and unpack(pack(largest)).settings.library == "l" * 80
    largest.entries = entries + [(MAX_ENTRIES, 1)]
    with pytest.raises(Refusal) as caught:
        pack(largest)
    assert caught.value.fault.name == "program_size"


@pytest.mark.parametrize(
    ("name", "fluid"), [("n" * 81, "f"), ("n", "f" * 81), ("\u00b5" * 41, "f")], ids=["name", "fluid", "bytes, not letters"]
)
def test_a_text_that_is_too_long_is_refused(name: str, fluid: str) -> None:
    with pytest.raises(Refusal):
        pack(Program(name, fluid, 1, [(0, 1)]))


@pytest.mark.parametrize(
    ("offset", "layout", "value", "fault"),
    [
        (0, "B", 0, "program_format"),  # magic
        (3, "B", 0x32, "program_format"),  # another version
        (4, "B", 2, "program_format"),  # mode
        (5, "B", 2, "program_format"),  # on_clock_loss
        (6, "B", 2, "program_format"),  # after_power_loss
        (7, "B", 1, "program_format"),  # must be zero
        (8, "I", 0, "program_format"),  # no seconds
        (12, "H", 0, "program_format"),  # no entries, but the bytes of one
        (12, "H", 337, "program_size"),
        (12, "H", 65_535, "program_size"),
        (14, "B", 200, "program_format"),  # name longer than the program
        (16, "Q", MAX_RATE_NL + 1, "program_format"),
        (24, "Q", 2**64 - 1, "program_format"),
        (32, "Q", 2**63, "program_format"),
        (40, "Q", 1, "program_format"),  # a mass without a volume
        (48, "Q", 1, "program_format"),  # a volume without a mass
        (56, "B", 0xFF, "program_format"),  # name is not UTF-8
        (58, "H", 1, "program_schedule"),  # a constant program begins at minute 0
        (60, "Q", MAX_RATE_NL + 1, "program_format"),
    ],
)
def test_each_field_out_of_range_is_refused(offset: int, layout: str, value: int, fault: str) -> None:
    assert refused(with_field(offset, layout, value)) == fault


@pytest.mark.parametrize(
    "entries", [[(5, 1), (5, 1)], [(6, 1), (5, 1)], [(MINUTES_PER_WEEK, 1)], [(0, 1), (65_535, 1)]], ids=["twice", "back", "week", "far"]
)
def test_entries_that_are_not_a_week_are_refused(entries: list) -> None:
    made = simple(*entries)
    made.mode = packing.SCHEDULE
    assert refused(pack(made)) == "program_schedule"


def test_no_entries_are_refused() -> None:
    made = simple()
    made.entries = []
    assert refused(pack(made)) == "program_schedule"


def test_a_constant_program_has_one_entry() -> None:
    assert refused(pack(simple((0, 1), (5, 1)))) == "program_schedule"


@pytest.mark.parametrize("raw", [b"\xc0\x80", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\x80", b"\xe2\x82"])
def test_a_name_that_is_not_strict_utf8_is_refused(raw: bytes) -> None:
    packed = pack(Program("x" * len(raw), "f", 1, [(0, 1)]))
    at = packed.index(b"x" * len(raw))
    assert refused(packed[:at] + raw + packed[at + len(raw) :]) == "program_format"


def with_settings(**values: object) -> bytes:
    made = simple()
    made.settings = set_up(**values)
    return pack(made)


def test_settings_come_back_field_by_field() -> None:
    made = simple()
    made.settings = set_up(**DEMAND, **RESERVOIR, **LINE, bolus_max_nl=60_000, bolus_day_nl=400_000, overrides=0b1010)
    made.settings.library, made.settings.library_version = "bench fluids", 3
    again = unpack(pack(made)).settings
    assert {name: getattr(again, name) for name in FIELDS} == {name: getattr(made.settings, name) for name in FIELDS}
    assert again.library == "bench fluids" and again.overridden() == ["rate", "day"]
    assert (again.line_nl(), again.bolus_limit_nl()) == (339_000, 60_000)


def test_a_program_with_nothing_set_has_one_form() -> None:
    made = simple()
    plain = pack(made)
    made.settings = Settings()
    assert plain[:4] == b"TPR1" and refused(pack(made)) == "program_format"
    made.mode = packing.MINIMUM
    assert unpack(pack(made)).mode == packing.MINIMUM
    made.settings = None
    assert refused(pack(made)) == "program_format"


@pytest.mark.rule("R7")
@pytest.mark.parametrize(
    ("changed", "nearest"),
    [
        ({"demand_per_day": 0}, 1),
        ({"demand_per_day": 97}, 96),
        ({"demand_s": 19}, 20),
        ({"demand_s": 86_401}, 86_400),
        ({"lockout_s": 300}, 301),
        ({"lockout_s": 86_401}, 86_400),
        ({"demand_nl": 0}, 1),
        ({"bolus_max_nl": 49_999}, 49_999),
        ({"hard_bolus_nl": 49_998}, 49_998),
        ({"bolus_day_nl": 199_999}, 3),
        ({"low_nl": 499_999}, 500_000),
        ({"low_nl": 20_000_001}, 20_000_000),
        ({"empty_nl": 0}, 1),
        ({"tolerance_permille": 1001}, 1000),
        ({"tolerance_nl": 0}, 1),
        ({"hard_rate_nl": 5, "soft_rate_nl": 6}, 5),
        ({"soft_high_ng": 5, "soft_low_ng": 6}, 5),
        ({"bolus_max_nl": 900_001, "bolus_day_nl": 900_000}, 900_000),
    ],
)
def test_a_setting_out_of_range_is_refused_with_the_nearest(changed: dict, nearest: int) -> None:
    with pytest.raises(Refusal) as caught:
        unpack(with_settings(**{**DEMAND, **RESERVOIR, **changed}))
    assert caught.value.fault.name == "program_settings" and caught.value.detail["nearest"] == nearest


@pytest.mark.parametrize(
    "values",
    [{"demand_on": 1}, {"library_version": 1}, {"line_day": 1}, {"tubing_nl": 1}, {"low_nl": 1}, {"tolerance_permille": 1}],
)
def test_settings_that_belong_together_are_refused_alone(values: dict) -> None:
    assert refused(with_settings(**values)) == "program_settings"


@pytest.mark.parametrize("values", [{"demand_on": 2}, {"overrides": 16}, {"bolus_max_nl": MAX_RATE_NL + 1}])
def test_settings_out_of_the_format_are_refused(values: dict) -> None:
    assert refused(with_settings(**values)) == "program_format"
