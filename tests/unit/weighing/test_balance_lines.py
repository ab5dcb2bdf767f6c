"""Lines of balances: what each protocol reads, and what it refuses by name. No mass is ever guessed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thecal.weighing.balance import mt_sics, plain, sbi
from thecal.weighing.balance.errors import BalanceError
from thecal.weighing.balance.reading import UG_PER_UNIT

MODULES = {"mt-sics": mt_sics, "sbi": sbi, "plain": plain}


def weight(protocol, line):
    read = MODULES[protocol].read(line)
    return read.mass_ug(read.unit or "g", line), read.stable, read.unit


@pytest.mark.parametrize(
    ("protocol", "line", "expected"),
    [
        ("mt-sics", "S S     12.3456 g", None),
        ("mt-sics", "S S    12.3456 g", (12_345_600, True, "g")),
        ("mt-sics", "S D   -12.3456 g", (-12_345_600, False, "g")),
        ("mt-sics", "S S     100.00 mg", (100_000, True, "mg")),
        ("mt-sics", "S S    0.00001 kg", (10_000, True, "kg")),
        ("mt-sics", "S S 12345678.901 mg", (12_345_678_901, True, "mg")),
        ("sbi", "+  12.3456 g  ", (12_345_600, True, "g")),
        ("sbi", "-    0.123 kg ", (-123_000_000, True, "kg")),
        ("sbi", "+  12.3456    ", (12_345_600, False, "")),
        ("sbi", "+ 123.5[6]g   ", None),
        ("sbi", "+  123.5[6]g  ", (123_560_000, True, "g")),
        ("sbi", "N     +  12.3456 g  ", (12_345_600, True, "g")),
        ("sbi", "+111.25507 mg ", None),
        ("plain", "+  12.3456 g", (12_345_600, None, "g")),
        ("plain", "12.3456", (12_345_600, None, "")),
        ("plain", "-0.5 mg", (-500, None, "mg")),
        ("plain", "12.345 g ?", (12_345_000, False, "g")),
        ("plain", "ST,+00012.345  g", (12_345_000, True, "g")),
        ("plain", "US,GS,+  12.345kg", (12_345_000_000, False, "kg")),
        ("plain", "12.345 g S", (12_345_000, True, "g")),
    ],
)
def test_weights(protocol, line, expected):
    if expected is None:
        with pytest.raises(BalanceError):
            weight(protocol, line)
    else:
        assert weight(protocol, line) == expected


@pytest.mark.parametrize(
    ("protocol", "line", "kind"),
    [
        ("mt-sics", "S +", "overload"),
        ("mt-sics", "S -", "underload"),
        ("mt-sics", "S I", "busy"),
        ("mt-sics", "ES", "error_code"),
        ("mt-sics", "EL", "error_code"),
        ("mt-sics", "ET", "error_code"),
        ("mt-sics", "S S Error 10b", "error_code"),
        ("mt-sics", "S S    12.3456", "half_line"),
        ("mt-sics", "S S   12.3456 g", "half_line"),
        ("mt-sics", "S S    2.3456 g", "half_line"),
        ("mt-sics", "S S", "half_line"),
        ("mt-sics", "S", "half_line"),
        ("mt-sics", "S S    12,3456 g", "unparsable"),
        ("mt-sics", "+  12.3456 g  ", "unparsable"),
        ("mt-sics", "S S    12.3456 oz", "unit"),
        ("mt-sics", "S S 12.1234567 g", "resolution"),
        ("mt-sics", "S S        1e5 g", "unparsable"),
        ("mt-sics", "S S        NaN g", "unparsable"),
        ("sbi", "      High    ", "overload"),
        ("sbi", "       H      ", "overload"),
        ("sbi", "      Low     ", "underload"),
        ("sbi", "      - -     ", "busy"),
        ("sbi", "   Err 101    ", "error_code"),
        ("sbi", "Stat     Err 101    ", "error_code"),
        ("sbi", "Stat       H        ", "overload"),
        ("sbi", "+  12.3456 g", "half_line"),
        ("sbi", "   12.3456 g  ", None),
        ("sbi", "+ 12.3456 g   ", "unparsable"),
        ("sbi", "+ 12.3456  g  ", "unparsable"),
        ("sbi", "nRef  +  12.3456 g  ", "unparsable"),
        ("sbi", "+  12,3456 g  ", "unparsable"),
        ("sbi", "+       12 pcs", "unit"),
        ("plain", "12,345 g", "unparsable"),
        ("plain", "12. g", "unparsable"),
        ("plain", "12.", "half_line"),
        ("plain", "+", "half_line"),
        ("plain", ".345 g", "half_line"),
        ("plain", "OL", "overload"),
        ("plain", "OL,+9999999E+19", "overload"),
        ("plain", "-----", "underload"),
        ("plain", "Err 5", "error_code"),
        ("plain", "12.3 g 14.5 g", "unparsable"),
        ("plain", "ST,12.3 g ?", "unparsable"),
        ("plain", "12.3 lb", "unit"),
        ("plain", "hello", "unparsable"),
    ],
)
def test_refused(protocol, line, kind):
    if kind is None:
        weight(protocol, line)
        return
    with pytest.raises(BalanceError) as caught:
        weight(protocol, line)
    assert caught.value.kind == kind
    assert caught.value.raw == line
    assert caught.value.do
    assert line.split()[0] in caught.value.cause, "the raw text is shown"


def sics_line(mass, unit, stable):
    return f"S {'S' if stable else 'D'} {mass:>10} {unit}"


def sbi_line(mass, unit, stable):
    number = mass.lstrip("-")
    return f"{'-' if mass.startswith('-') else '+'}{number:>9} {unit if stable else '':3}"


def printed(number_and_places):
    number, places = number_and_places
    whole, part = divmod(abs(number), 10**places)
    return f"{'-' if number < 0 else ''}{whole}" + (f".{part:0{places}d}" if places else "")


MASSES = st.tuples(st.integers(-9_999_999, 9_999_999), st.integers(0, 3)).map(printed)
LINES = {"mt-sics": sics_line, "sbi": sbi_line}


@given(protocol=st.sampled_from(sorted(LINES)), mass=MASSES, unit=st.sampled_from(["g", "mg", "kg"]), stable=st.booleans())
def test_a_printed_mass_comes_back_exactly(protocol, mass, unit, stable):
    from fractions import Fraction

    read = MODULES[protocol].read(LINES[protocol](mass, unit, stable))
    assert read.mass_ug(unit, "") == Fraction(mass) * UG_PER_UNIT[unit]
    assert read.stable is stable


@given(data=st.data(), protocol=st.sampled_from(sorted(LINES)), mass=MASSES, unit=st.sampled_from(["g", "mg", "kg"]))
def test_a_line_that_lost_bytes_is_never_another_mass(data, protocol, mass, unit):
    """A line cut anywhere, or with any bytes lost, is refused or still the very same mass."""
    line = LINES[protocol](mass, unit, True)
    begin = data.draw(st.integers(0, len(line) - 1))
    end = data.draw(st.integers(begin + 1, len(line)))
    broken = line[:begin] + line[end:]
    whole = MODULES[protocol].read(line).mass_ug(unit, "")
    try:
        read = MODULES[protocol].read(broken)
        mass_ug = read.mass_ug(read.unit or unit, broken)
    except BalanceError:
        return
    if read.unit not in ("", unit):
        return  # "mg" that became "g": the guard refuses a change of unit
    assert mass_ug == whole, (line, broken)


@given(protocol=st.sampled_from(sorted(MODULES)), line=st.text(st.characters(max_codepoint=255), max_size=40))
def test_noise_gives_a_balance_error_or_a_weight(protocol, line):
    try:
        read = MODULES[protocol].read(line)
        read.mass_ug(read.unit or "g", line)
    except BalanceError as error:
        assert error.do
