"""A balance on a real pseudo-terminal: finding its protocol, stable readings, streams, and every way in which it may lie."""

import itertools
import time

import pytest

from support.host.fake_balance import FakeBalance, in_turn, soon
from thecal.errors import BadInput, NoPump
from thecal.weighing.balance import BalanceError, open_balance

SICS = {b"I4": b'I4 A "B012345678"\r\n', b"S": b"S S    12.3456 g\r\n", b"SI": b"S D    12.3499 g\r\n"}
ESC_P = b"\x1bP"
STABLE_SBI, MOVING_SBI = b"+  12.3456 g  \r\n", b"+  12.3499    \r\n"


@pytest.mark.parametrize(
    ("answers", "prints", "protocol"),
    [
        (SICS, None, "mt-sics"),
        ({ESC_P: STABLE_SBI}, None, "sbi"),
        (None, [STABLE_SBI], "sbi"),
        (None, [b"  12.3456 g\r\n"], "plain"),
        (None, [b"ST,+0012.3456  g\r\n"], "plain"),
    ],
)
def test_auto_finds_the_protocol_and_reads(answers, prints, protocol):
    with FakeBalance(answers, prints) as fake, open_balance(fake.url) as balance:
        assert balance.protocol == protocol
        assert protocol in balance.identity
        reading = balance.read_stable(4)
        assert (reading.mass_ug, reading.stable) == (12_345_600, True)
        assert reading.raw in ("S S    12.3456 g", "+  12.3456 g  ", "  12.3456 g", "ST,+0012.3456  g")
        assert abs(time.monotonic() - reading.at_s) < 1


def test_identity_of_mt_sics_is_its_serial_number():
    with FakeBalance(SICS) as fake, open_balance(fake.url, "mt-sics") as balance:
        assert balance.identity == "mt-sics, serial number B012345678"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (b"S +\r\n", "overload"),
        (b"S -\r\n", "underload"),
        (b"ES\r\n", "error_code"),
        (b"S S Error 10b\r\n", "error_code"),
        (b"S S    12.34", "half_line"),
        (b"S S    12.3456\r\n", "half_line"),
        (b"S S   2.3456 g\r\n", "half_line"),
        (b"S S    12,3456 g\r\n", "unparsable"),
        (b"\xd3 S    12.3456 g\r\n", "unparsable"),
        (b"", "no_answer"),
    ],
)
def test_stable_reading_refused(answer, kind):
    with FakeBalance({**SICS, b"S": answer, b"SI": answer}) as fake, open_balance(fake.url, "mt-sics") as balance:
        with pytest.raises(BalanceError) as caught:
            balance.read_stable(1.2)
        assert caught.value.kind == kind
        assert caught.value.do


def test_unstable_until_timeout():
    with FakeBalance({**SICS, b"S": b"", b"SI": b"S D    12.3499 g\r\n"}) as fake, open_balance(fake.url, "mt-sics") as balance:
        with pytest.raises(BalanceError, match=r"not stable within 0\.5 s") as caught:
            balance.read_stable(0.5)
        assert caught.value.kind == "unstable"


def test_an_answer_that_comes_late_is_waited_for():
    with FakeBalance({**SICS, b"S": soon(1.0, SICS[b"S"])}) as fake, open_balance(fake.url, "mt-sics") as balance:
        assert balance.read_stable(3).mass_ug == 12_345_600


def test_not_executable_is_asked_again():
    answers = {**SICS, b"S": in_turn(b"S I\r\n", b"S I\r\n", SICS[b"S"])}
    with FakeBalance(answers) as fake, open_balance(fake.url, "mt-sics") as balance:
        assert balance.read_stable(3).mass_ug == 12_345_600


def test_sbi_without_unit_is_unstable():
    with FakeBalance({ESC_P: in_turn(MOVING_SBI, MOVING_SBI, STABLE_SBI, MOVING_SBI)}) as fake, open_balance(fake.url, "sbi") as balance:
        assert balance.read_stable(3).mass_ug == 12_345_600
        moving = balance.read_now()
        assert (moving.mass_ug, moving.stable) == (12_349_900, False)


def test_plain_numbers_without_a_mark_are_stable_when_they_repeat():
    moving = [b"%d.0 g\r\n" % number for number in range(8)]
    with FakeBalance(prints=moving + [b"9.5 g\r\n"] * 40) as fake, open_balance(fake.url, "plain") as balance:
        assert balance.read_stable(5).mass_ug == 9_500_000


def test_bare_numbers_are_grams_only_when_that_is_said():
    with FakeBalance(prints=[b"12.3456\r\n"]) as fake:
        with open_balance(fake.url, "plain") as balance:
            assert balance.read_stable(4).mass_ug == 12_345_600
        with open_balance(fake.url) as balance, pytest.raises(BalanceError, match="has no unit"):
            balance.read_stable(4)


@pytest.mark.parametrize(
    ("lines", "kind"),
    [
        ([b"+  12.3456 g  \r\n", b"+  12345.6 mg \r\n"], "unit_change"),
        ([b"12.3456 g\r\n", b"12345.6 mg\r\n"], "unit_change"),
        ([b"12.3456 g\r\n", b"12.3456\r\n"], "unit_change"),
        ([b"12.3456 g\r\n", b"12.34 g\r\n"], "half_line"),
        ([b"12.3456 g\r\n", b"0.0001 g\r\n"], "tared"),
        ([b"12.3456 g\r\n", b"OL\r\n"], "overload"),
        ([b"+  12.3456 g  \r\n", b"      Low     \r\n"], "underload"),
        ([b"+  12.3456 g  \r\n", b"   Err 54     \r\n"], "error_code"),
    ],
)
def test_what_changes_in_mid_run_is_refused(lines, kind):
    with FakeBalance(prints=[lines[0]] * 20 + [lines[1]] * 3) as fake, open_balance(fake.url) as balance:
        balance.watch_for_tare(1_000_000)
        with pytest.raises(BalanceError) as caught:
            for _ in itertools.islice(balance.stream(), 60):
                pass
        assert caught.value.kind == kind


def test_a_stream_that_is_joined_in_the_middle_of_a_line_starts_with_a_whole_one():
    line = b"512.3456 g\r\n"
    with FakeBalance(prints=[line[index : index + 1] for index in range(len(line))], every_s=0.01) as fake:
        for _ in range(5):
            with open_balance(fake.url, "plain") as balance:
                masses = {reading.mass_ug for reading in itertools.islice(balance.stream(), 3)}
            assert masses == {512_345_600}


def test_mt_sics_repeats_and_is_silenced_again():
    with FakeBalance({**SICS, b"SIR": b"S D    12.3499 g\r\n" * 3}) as fake, open_balance(fake.url, "mt-sics") as balance:
        assert [reading.mass_ug for reading in itertools.islice(balance.stream(), 3)] == [12_349_900] * 3
        assert balance.read_stable(2).mass_ug == 12_345_600
        assert fake.asked.index(b"SIR") < fake.asked.index(b"SI")


def test_polled_stream_keeps_its_pace():
    with FakeBalance(SICS) as fake, open_balance(fake.url, "mt-sics") as balance:
        times_s = [reading.at_s for reading in itertools.islice(balance.stream(0.1), 6)]
        assert 0.4 < times_s[-1] - times_s[0] < 1.5


def test_nothing_there():
    with FakeBalance() as fake:
        with pytest.raises(BalanceError, match="no answer") as caught:
            open_balance(fake.url)
        assert caught.value.kind == "no_answer"
    with pytest.raises(NoPump, match="balance's port"):
        open_balance("/dev/no-such-balance")
    with pytest.raises(BadInput, match="not a balance protocol"):
        open_balance("/dev/null", "scpi")
    with pytest.raises(BadInput, match="not a serial setting"):
        open_balance("/dev/null", "sbi", "fast")
