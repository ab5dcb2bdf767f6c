"""Protocols: where one is and what it holds at any second, its bytes, and every refusal; against a reference second by second."""

import struct
from itertools import chain, islice, repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpcore.faults.faults import Refusal
from pumpcore.fluid.front import Crossing
from pumpcore.motion.dose import Accumulator, Calibration
from pumpcore.program import packing
from pumpcore.program.forecast import Stretch
from pumpcore.program.packing import MAX_BYTES, pack, unpack
from pumpcore.program.protocol import AFTER, AT, HOLD, NOW, STOP, WAITS, Protocol
from pumpcore.program.schedule import NEVER_S, Week, Zone
from pumpcore.program.settings import FIELDS, Settings
from pumpcore.program.staging import check
from support.models import protocols as reference
from support.programs import MONDAY_UTC_S, constant
from support.protocols import in_words, program, protocols, staged

HOUR_S = 3600
HEAD_BYTES = 58


def refused(protocol: Protocol) -> Refusal:
    with pytest.raises(Refusal) as caught:
        check(protocol)
    assert {"rule", "cause"} <= set(caught.value.detail)
    assert any(key.startswith("asked") for key in caught.value.detail) and any(key.startswith("nearest") for key in caught.value.detail)
    return caught.value


@pytest.mark.rule("R4")
@given(protocols(), st.integers(0, 900))
def test_the_sum_by_any_second_is_that_of_the_reference(made, second_s: int) -> None:
    stages, loops, held = in_words(made)
    assert made.protocol.by_nl_s(second_s) == reference.volume(stages, loops, held, second_s) * made.rate_seconds_s


@pytest.mark.rule("R4")
@given(protocols())
def test_place_and_rate_of_each_second_are_those_of_the_reference(made) -> None:
    stages, loops, held = in_words(made)
    protocol = made.protocol
    wanted = list(islice(zip(reference.places(stages, loops), reference.rates(stages, loops, held), strict=False), 700))
    for second_s, ((entry, number, within_s), rate) in enumerate(wanted):
        place = protocol.place(second_s)
        assert (place.entry, place.number, place.second_s) == (entry, number, within_s)
        assert place.left_s == stages[entry][0] - within_s
        assert protocol.rate_nl(entry, within_s) == rate * made.rate_seconds_s
    if len(wanted) < 700:
        end = protocol.place(len(wanted))
        assert (len(wanted), end.entry, end.left_s) == (protocol.end_s(), len(stages), NEVER_S)
        assert protocol.total_nl_s() == protocol.by_nl_s(len(wanted))
        assert protocol.rate_nl(end.entry, 5) == (protocol.stages[len(stages) - 1][2] if held else 0)


@given(protocols(), st.integers(0, 500), st.integers(1, 500))
def test_the_highest_rate_of_a_time_is_that_of_the_reference(made, from_s: int, seconds_s: int) -> None:
    stages, loops, held = in_words(made)
    rates = list(islice(chain(reference.rates(stages, loops, held), repeat(0)), from_s + seconds_s))[from_s:]
    found = made.protocol.highest_within_nl(from_s, from_s + seconds_s)
    assert found == max(rates) * made.rate_seconds_s
    assert found <= made.highest_rate_nl() == max(max(begin, end) for _, begin, end in made.protocol.stages)


@given(protocols())
def test_a_protocol_comes_back_as_it_was(made) -> None:
    packed = pack(made)
    again = unpack(packed)
    assert packed[:4] == b"TPR3" and pack(again) == packed
    assert again.describe() == made.describe() and again.describe()["mode"] == "protocol"
    assert (again.highest_rate_nl(), again.lowest_rate_nl()) == (made.highest_rate_nl(), made.lowest_rate_nl())


def test_years_are_skipped_in_whole_passes() -> None:
    made = staged((600, 0, 0), (10, 700, 720), (14, 0, 0), loops=((1, 2, 0),)).protocol
    years_s = 30 * 365 * 86_400
    passes, rest_s = divmod(years_s - 600, 24)
    assert rest_s == 0
    assert made.by_nl_s(years_s) == passes * 7100
    place = made.place(years_s + 13)
    assert (place.entry, place.number, place.second_s, place.left_s) == (2, passes, 3, 11)
    assert made.end_s() >= NEVER_S and made.total_nl_s() == 0
    assert (made.passes(0), made.passes(2)) == (1, 0)


def test_what_lies_ahead_is_summed_within_the_stage() -> None:
    made = staged((10, 100, 300), (30, 5, 5)).protocol
    ahead = Stretch(made, 4)
    assert (ahead.left_s, ahead.nl_s(0), ahead.nl_s(1), ahead.nl_s(6)) == (6, 0, 190, 190 + 210 + 230 + 250 + 270 + 290)


@pytest.mark.rule("R4")
@given(protocols(), st.integers(0, 300), st.integers(1, 300), st.sampled_from(((7, 3), (2, 5), (1, 1))))
def test_a_bridge_judges_each_second_of_a_ramp_by_the_position_at_its_begin(made, old_steps: int, more: int, pair: tuple[int, int]) -> None:
    old_until, new_from, per_step = old_steps, old_steps + more, Calibration(7, 3)
    whole, single = Crossing(pair, old_until, new_from), Crossing(pair, old_until, new_from)
    source, seconds = Accumulator(made.rate_seconds_s, per_step), Accumulator(made.rate_seconds_s, per_step)
    source.refine(pair[1])
    seconds.refine(pair[1])
    at_s = position = its_position = 0
    while at_s < 300 and position < new_from:
        ahead = Stretch(made.protocol, at_s)
        place = made.protocol.place(at_s)
        lasts_s = whole.judge(source, made.protocol.rate_nl(place.entry, place.second_s), position, ahead)
        lasts_s = min(lasts_s, ahead.left_s, 60)
        for second_s in range(at_s, at_s + lasts_s):
            assert its_position < new_from
            now = made.protocol.place(second_s)
            single.judge(seconds, made.protocol.rate_nl(now.entry, now.second_s), its_position)
            assert single.phase == whole.phase
            its_position += seconds.advance(single.of(made.protocol.rate_nl(now.entry, now.second_s)), 1)
        position += source.advance(whole.of(ahead.nl_s(lasts_s)), 1)
        assert (position, source.remainder) == (its_position, seconds.remainder)
        at_s += lasts_s


def test_the_largest_fits_in_the_bytes_of_a_program() -> None:
    rows = [(2**32 - 1, 1 << 48, 1 << 48)] * 64
    made = program(Protocol(rows, [(index, 1, 2**32 - 1) for index in range(64)]), 2**32 - 1)
    made.name = made.fluid = "x" * 80
    made.settings = Settings(tuple([1 if name in ("library_version",) else 0 for name in FIELDS]), "y" * 80)
    assert len(pack(made)) < MAX_BYTES
    assert unpack(pack(made)).protocol.end_s() == 64 * (2**32 - 1) ** 2


def test_old_programs_keep_their_bytes() -> None:
    assert pack(constant(900_000))[:4] == b"TPR1"
    assert unpack(pack(constant(900_000))).protocol is None


@pytest.mark.parametrize(
    ("stages", "cause", "nearest"),
    [
        ([], "at least one stage", {"nearest": 1}),
        ([(9, 1, 1)], "at least 10 s", {"stage": 0, "nearest_s": 10}),
        ([(10, 0, 0), (10, (1 << 48) + 1, 0)], "out of range", {"stage": 1, "nearest_nl": 1 << 48}),
        ([(10, 100, 141)], "whole multiple", {"nearest_nl": 140}),
        ([(10, 141, 100)], "whole multiple", {"nearest_nl": 81}),
    ],
)
def test_a_stage_out_of_range_is_refused_with_the_nearest(stages: list, cause: str, nearest: dict) -> None:
    error = refused(Protocol(stages))
    assert cause in error.detail["cause"] and nearest.items() <= error.detail.items()


@pytest.mark.parametrize(
    ("loops", "then", "cause"),
    [
        ([(0, 2, 2), (1, 1, 2)], STOP, "follow each other"),
        ([(1, 1, 0), (2, 1, 2)], STOP, "follow each other"),
        ([(0, 0, 2)], STOP, "has stages"),
        ([(1, 3, 2)], STOP, "has stages"),
        ([(0, 1, 0)], STOP, "nothing follows"),
        ([(1, 2, 0)], HOLD, "no last rate"),
    ],
)
def test_loops_that_contradict_each_other_are_refused(loops: list, then: int, cause: str) -> None:
    made = Protocol([(10, 1, 1), (20, 2, 2), (30, 3, 3)], loops)
    made.then = then
    assert cause in refused(made).detail["cause"]


@pytest.mark.parametrize(("start", "value", "nearest"), [(NOW, 1, 0), (AFTER, 0, 1), (AT, 1440, 1439), (3, 0, 0)])
def test_a_start_out_of_range_is_refused(start: int, value: int, nearest: int) -> None:
    made = Protocol([(10, 1, 1)])
    made.start, made.start_value = start, value
    assert refused(made).detail["nearest"] == nearest


def test_a_pause_cannot_be_held() -> None:
    made = Protocol([(10, 20, 0)])
    made.then = HOLD
    assert "after a pause" in refused(made).detail["cause"]


def test_the_wait_is_a_time_or_until_a_time_of_day() -> None:
    made = Protocol([(10, 1, 1)])
    assert made.wait_s(None) == 0
    made.start, made.start_value = AFTER, 7200
    assert made.wait_s(None) == 7200 and made.place(-3).entry == WAITS and made.place(-3).left_s == 3
    made.start, made.start_value = AT, 6 * 60
    assert made.wait_s(Week(MONDAY_UTC_S, Zone(0))) == 6 * HOUR_S
    assert made.wait_s(Week(MONDAY_UTC_S + 6 * HOUR_S, Zone(0))) == 0
    assert made.wait_s(Week(MONDAY_UTC_S + 6 * HOUR_S + 1, Zone(0))) == 24 * HOUR_S - 1
    assert made.wait_s(Week(MONDAY_UTC_S, Zone(7200))) == 4 * HOUR_S


@pytest.mark.parametrize(("minute", "wait_h"), [(90, 1.5), (150, 2), (180, 2), (210, 2.5)])
def test_a_time_of_day_in_a_skipped_hour_begins_as_the_clock_jumps(minute: int, wait_h: float) -> None:
    made = Protocol([(10, 1, 1)])
    made.start, made.start_value = AT, minute
    assert made.wait_s(Week(MONDAY_UTC_S, Zone(0, MONDAY_UTC_S + 2 * HOUR_S, 3600))) == wait_h * HOUR_S


def test_a_time_of_day_after_a_repeated_hour_comes_by_the_new_offset() -> None:
    made = Protocol([(10, 1, 1)])
    made.start, made.start_value = AT, 6 * 60
    assert made.wait_s(Week(MONDAY_UTC_S, Zone(0, MONDAY_UTC_S + 3 * HOUR_S, -3600))) == 7 * HOUR_S


def test_a_protocol_has_no_lowest_rate_and_no_entries() -> None:
    made = staged((10, 1, 1))
    made.on_clock_loss = "lowest"
    with pytest.raises(Refusal) as caught:
        unpack(pack(made))
    assert caught.value.fault.name == "program_format"
    made = staged((10, 1, 1))
    made.entries = [(0, 5)]
    with pytest.raises(Refusal) as caught:
        unpack(pack(made))
    assert caught.value.fault.name == "program_schedule"


@pytest.mark.rule("R10")
@given(protocols(), st.data())
def test_changed_bytes_are_read_or_refused(made, data: st.DataObject) -> None:
    packed = bytearray(pack(made))
    at = data.draw(st.one_of(st.integers(0, len(packed) - 1), st.integers(HEAD_BYTES - 2, HEAD_BYTES)))
    packed[at] = data.draw(st.integers(0, 255))
    length = data.draw(st.sampled_from((len(packed), len(packed) - 1, len(packed) - 20, HEAD_BYTES)))
    try:
        again = unpack(bytes(packed[:length]))
    except Refusal as error:
        assert error.fault.name in ("program_format", "program_size", "program_schedule", "program_settings", "program_protocol")
        return
    assert pack(again) == bytes(packed[:length]), "one program, two forms"


def test_too_many_stages_are_refused() -> None:
    packed = bytearray(pack(program(Protocol([(10, 1, 1)] * 64))))
    packed[HEAD_BYTES - 1] = 65
    packed += struct.pack("<IQQ", 10, 1, 1)
    with pytest.raises(Refusal) as caught:
        unpack(bytes(packed))
    assert (caught.value.fault.name, caught.value.detail["nearest"]) == ("program_size", 64)
    assert packing.digest(bytes(packed))
