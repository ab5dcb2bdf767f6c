"""A balance is trusted after a line that proves its protocol; until then a weight is stable after three equal lines."""

import itertools
import time

import pytest

from support.host.fake_balance import FakeBalance, in_turn
from thecal.weighing.balance import BalanceError, open_balance
from thecal.weighing.balance.guard import Guard
from thecal.weighing.balance.sbi import read

ESC_P = b"\x1bP"


def short(mass: float, unit: str = "g", sign: str = "+") -> bytes:
    """Return 14 characters and the line's end."""
    return f"{sign}{mass:9.3f} {unit:3}\r\n".encode()


def long(mass: float) -> bytes:
    return b"N     " + short(mass)


def blank(mass: float) -> bytes:
    """Return a line with a space for the sign, as many balances print it."""
    return short(mass, sign=" ")


def bare_end(mass: float) -> bytes:
    return short(mass).replace(b"\r", b"")


def kilograms(mass: float) -> bytes:
    return short(mass, "kg")


def moving(line=short) -> list[bytes]:
    return [line(10 + 0.111 * number) for number in range(400)]


@pytest.mark.parametrize("line", [short, long, blank, bare_end, kilograms], ids=lambda line: line.__name__)
def test_a_pan_that_moves_is_never_stable_though_each_line_has_its_unit(line):
    with FakeBalance(prints=moving(line), every_s=0.1) as fake, open_balance(fake.url) as balance:
        assert not balance.read_now().stable
        with pytest.raises(BalanceError) as caught:
            balance.read_stable(2)
        assert caught.value.kind == "unstable"


def test_a_pan_that_moves_and_is_asked_is_never_stable():
    with FakeBalance({ESC_P: in_turn(*moving())}) as fake, open_balance(fake.url) as balance:
        with pytest.raises(BalanceError) as caught:
            balance.read_stable(2)
        assert caught.value.kind == "unstable"


def test_a_pan_that_comes_to_rest_is_stable_after_three_equal_lines_over_a_second():
    with FakeBalance(prints=[*moving()[:12], *[short(12.345)] * 200], every_s=0.1) as fake, open_balance(fake.url) as balance:
        begin_s = time.monotonic()
        assert balance.read_stable(6).mass_ug == 12_345_000
        assert time.monotonic() - begin_s > 1.0


def test_noise_in_the_last_digit_is_not_three_equal_lines():
    lines = [short(12.345), short(12.346), short(12.345), short(12.345)]
    with FakeBalance(prints=lines, every_s=0.2) as fake, open_balance(fake.url) as balance, pytest.raises(BalanceError) as caught:
        balance.read_stable(3)
    assert caught.value.kind == "unstable"


def test_a_line_without_its_unit_proves_that_the_next_one_with_it_is_stable():
    """As Sartorius prints it: then one line is enough, with any digit."""
    lines = [short(12.0), short(12.1), short(12.2, ""), short(12.3, ""), short(12.345)]
    with FakeBalance({ESC_P: in_turn(*lines)}) as fake, open_balance(fake.url) as balance:
        begin_s = time.monotonic()
        assert balance.read_stable(3).raw == "+   12.345 g  "
        assert time.monotonic() - begin_s < 2.0


@pytest.mark.parametrize("lines", [moving(), [short(12.345)]], ids=["moving", "at rest"])
def test_what_a_person_has_named_is_believed(lines):
    with FakeBalance({ESC_P: in_turn(*lines)}) as fake, open_balance(fake.url, "sbi") as balance:
        assert balance.read_stable(3).stable


def test_fourteen_characters_with_a_mark_of_another_protocol_are_plain():
    with FakeBalance(prints=[b"+   12.345 g ?\r\n"] * 30 + [b"+   12.345 g  \r\n"] * 60) as fake, open_balance(fake.url) as balance:
        assert balance.protocol == "plain"
        assert not balance.read_now().stable
        assert balance.read_stable(4).mass_ug == 12_345_000


def test_a_moving_line_between_equal_ones_is_no_rest():
    guard = Guard(bare_grams=False, hides_unit=False)
    from thecal.weighing.balance import plain

    texts = ["12.345 g", "12.345 g ?", "12.345 g", "12.345 g"]
    assert [guard.reading(plain.read(text), text, at_s).stable for at_s, text in enumerate(texts)] == [False] * 4


def test_equal_lines_in_a_burst_are_not_a_second_of_rest():
    guard = Guard(bare_grams=False, hides_unit=True, unit_proves=False)
    text = "+   12.345 g  "
    assert [guard.reading(read(text), text, at_s).stable for at_s in (0.0, 0.0, 0.1, 0.9, 1.0)] == [False] * 4 + [True]


def test_one_that_falls_silent_is_told_as_silent():
    with FakeBalance(prints=[*moving()[:12], b""], every_s=0.1) as fake, open_balance(fake.url) as balance:
        with pytest.raises(BalanceError) as caught:
            balance.read_stable(3)
        assert caught.value.kind == "no_answer"


def test_garbage_between_the_lines_is_refused_by_name():
    lines = [short(12.345)] * 20
    with FakeBalance(prints=lines) as fake, open_balance(fake.url) as balance, pytest.raises(BalanceError) as caught:
        lines[:] = [short(12.345), b"\xf8\x80GPS\r\n"]  # from here on every other line, however slow this machine is
        balance.read_stable(4)
    assert caught.value.kind in ("unparsable", "half_line")


def test_lines_like_those_of_mt_sics_from_one_that_can_t_be_silenced_prove_nothing():
    """And they do not hold up the tool for ever."""
    lines = [b"S S %10.3f g\r\n" % (10 + 0.111 * number) for number in range(400)]
    with FakeBalance(prints=lines) as fake, pytest.raises(BalanceError) as caught:
        open_balance(fake.url)
    assert caught.value.kind == "unparsable"


def test_a_stream_goes_on_through_moving_and_resting_lines():
    lines = [short(12.0)] * 40 + [short(12.1, ""), short(12.2, ""), short(12.3)] * 40
    with FakeBalance(prints=lines) as fake, open_balance(fake.url) as balance:
        readings = list(itertools.islice(balance.stream(), 60))
    assert {reading.stable for reading in readings[45:] if reading.raw.endswith("g  ")} == {True}
    assert not any(reading.stable for reading in readings if not reading.raw.strip().endswith("g"))
