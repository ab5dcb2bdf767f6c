"""Units as people write them: only the listed spellings, exact to the fraction, a clear line for everything else."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thecal.errors import BadInput
from thecal.quantities.typed import MASS, TIME, VOLUME, decimal, parse, spelled

# Reference factors, written by hand: nL, ng, seconds.
FACTOR = {"nL": 1, "uL": 1000, "mL": 10**6, "ng": 1, "ug": 1000, "mg": 10**6, "min": 60, "h": 3600, "d": 86400}

GOOD = [
    ("1.5 mL/h", "nL/s", Fraction(1_500_000, 3600)),
    ("120 ug/day", "ng/s", Fraction(120_000, 86_400)),
    ("120µg/d", "ng/s", Fraction(120_000, 86_400)),
    ("120 μg / day", "ng/s", Fraction(120_000, 86_400)),
    ("0.25 mcg/hr", "ng/s", Fraction(250, 3600)),
    ("10 ml/min", "nL/s", Fraction(10_000_000, 60)),
    ("500 ug/mL", "ng/nL", Fraction(1, 2)),
    ("2 mg/ml", "ng/nL", Fraction(2)),
    ("7 ng/uL", "ng/nL", Fraction(7, 1000)),
    ("250 nL", "nL", Fraction(250)),
    ("0 uL/h", "nL/s", Fraction(0)),
]

BAD = [
    ("1,5 mL/h", "comma"),
    ("1 500 mL/h", "space inside"),
    ("1,500 mL/h", "comma"),
    ("1 MG/ML", "not allowed"),
    ("1 Mg/mL", "not allowed"),
    ("1 ML/h", "not allowed"),
    ("1 L/h", "not allowed"),
    ("1 g/day", "not allowed"),
    ("1 mL/s", "not allowed"),
    ("1 mL/hours", "not allowed"),
    ("1 mL/h/h", "not allowed"),
    ("1 mL/mL", "not allowed"),
    ("1 mL/ug", "not allowed"),
    ("1 /h", "not allowed"),
    ("1 h", "not allowed"),
    ("1 cc/h", "not allowed"),
    ("1 %", "not allowed"),
    ("1.5", "no unit"),
    ("mL/h", "plain number"),
    ("", "plain number"),
    (".5 mL/h", "plain number"),
    ("5. mL/h", "plain number"),
    ("1.2.3 mL/h", "plain number"),
    ("-1 mL/h", "negative"),
    ("+1 mL/h", "plain number"),
    ("1e3 uL/h", "not allowed"),
    ("1_000 uL/h", "plain number"),
    ("nan mL/h", "plain number"),
    ("inf mL/h", "plain number"),
    ("0x10 mL/h", "not allowed"),
    ("٣ mL/h", "plain number"),
    ("1\n2 mL/h", "not allowed"),
    ("9" * 25 + " mL/h", "digits"),
]


@pytest.mark.parametrize(("text", "unit", "value"), GOOD)
def test_reads_the_allowed_spellings_exactly(text, unit, value):
    assert parse(text).to(unit) == value


@pytest.mark.parametrize(("text", "words"), BAD)
def test_refuses_with_the_text_and_what_to_do(text, words):
    with pytest.raises(BadInput) as caught:
        parse(text)
    assert words in caught.value.cause
    assert caught.value.do
    assert "\n" not in caught.value.cause


@pytest.mark.parametrize("value", [5, 1.5, None, True, ["1 mL/h"], {"a": 1}])
def test_refuses_what_is_not_text(value):
    with pytest.raises(BadInput, match="no unit"):
        parse(value)


def test_upper_case_is_asked_about_not_guessed():
    with pytest.raises(BadInput) as caught:
        parse("1 MG/ML")
    assert caught.value.do == "if you mean mg/mL, write exactly that"


@given(
    st.integers(0, 10**9),
    st.integers(0, 8),
    st.sampled_from(sorted({**VOLUME, **MASS})),
    st.sampled_from(sorted(TIME)),
    st.sampled_from(["", " ", "  "]),
)
def test_every_rate_equals_the_hand_written_factors(digits, decimals, top, bottom, gap):
    number = f"{digits // 10**decimals}.{digits % 10**decimals:0{decimals}d}" if decimals else str(digits)
    quantity = parse(f"{number}{gap}{top}/{bottom}")
    canonical, base = {**VOLUME, **MASS}[top], "nL" if top in VOLUME else "ng"
    expected = Fraction(digits, 10**decimals) * FACTOR[canonical] / FACTOR[TIME[bottom]]
    assert quantity.to(f"{base}/s") == expected


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused_in_one_line(text):
    try:
        quantity = parse(text)
    except BadInput as error:
        assert "\n" not in error.cause
    else:
        assert quantity.amount >= 0


@given(st.fractions(min_value=0, max_value=10**9, max_denominator=10**9))
def test_decimal_is_exact_or_says_about(value):
    text = decimal(value)
    shown = Fraction(text.lstrip("~"))
    assert shown == value if not text.startswith("~") else abs(shown - value) <= Fraction(1, 2 * 10**6)


def test_day_is_spelled_out():
    assert [spelled(unit) for unit in ("ug/d", "nL/d", "mL/h", "mg/mL")] == ["ug/day", "nL/day", "mL/h", "mg/mL"]
