"""The forecast against the pump that then runs it, against an independent plan, and against itself in other blocks."""

import base64
import hashlib
import struct
from datetime import UTC, datetime
from fractions import Fraction
from math import floor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pumpcore.faults.faults import Refusal
from pumpcore.motion.dose import Calibration
from pumpcore.program import packing as programs
from pumpcore.program.forecast import BLOCK_ROWS, Forecast
from pumpcore.program.plan import SCHEDULE, Program
from pumpcore.program.protocol import AFTER
from pumpcore.program.schedule import Zone
from support.models import protocols as reference
from support.models.weekly import ZonedPlan
from support.programs import constant
from support.protocols import in_words, protocols, staged
from support.pump.running import BENCH, ready, running

PAIR = Calibration(BENCH["calibration"]["volume_nl"], BENCH["calibration"]["steps"])
STEPS_PER_NL = Fraction(PAIR.steps, PAIR.volume_nl)
AUTUMN = int(datetime(2026, 10, 25, 1, tzinfo=UTC).timestamp())
BERLIN = Zone(7200, AUTUMN, 3600)


def weekly(entries: dict, seconds_s: int = 3600) -> Program:
    made = Program("w", "f", seconds_s, sorted(entries.items()))
    made.mode = SCHEDULE
    return made


def full() -> Program:
    """Return as many entries as a program holds: every half hour of the week."""
    return weekly({minute: 1000 + 37 * minute % 900_001 for minute in range(0, 10_080, 30)})


def walked(forecast: Forecast, digest: bytes) -> tuple:
    """Return (cursor at the end, number of blocks)."""
    cursor, blocks = forecast.begin(digest), 0
    while cursor.second_s < forecast.end_s:
        cursor, blocks = forecast.block(cursor), blocks + 1
    return cursor, blocks


@settings(max_examples=20)
@given(st.dictionaries(st.integers(0, 10_079), st.integers(0, 1 << 30), min_size=1, max_size=20), st.integers(0, 3 * 86_400))
def test_rows_are_the_calendar_s(entries: dict, before_s: int) -> None:
    utc_s = AUTUMN - before_s
    rows = list(Forecast(weekly(entries), PAIR, utc_s, BERLIN, 5).rows(0, 0))
    plan = ZonedPlan({(m // 1440, m // 60 % 24, m % 60): Fraction(r, 3600) for m, r in entries.items()}, STEPS_PER_NL, "Europe/Berlin")
    total = 0
    for (second_s, rate_nl, steps, *_), behind in zip(rows, [*rows[1:], (5 * 86_400,)]):
        assert plan.slope(utc_s + second_s) == Fraction(rate_nl, 3600) * STEPS_PER_NL
        total += steps
        assert behind[0] > second_s
    assert rows[0][0] == 0 and total == floor(plan.steps(utc_s, utc_s + 5 * 86_400))


def test_the_digest_is_the_one_that_is_written_down() -> None:
    made = weekly({0: 900_000, 600: 100_000, 601: 0})
    digest = bytes.fromhex(programs.digest(programs.pack(made)))
    forecast = Forecast(made, PAIR, AUTUMN - 86_400, BERLIN, 30)
    chain = hashlib.sha256(digest + struct.pack("<IiIiHII", AUTUMN - 86_400, 7200, AUTUMN, 3600, 30, PAIR.volume_nl, PAIR.steps)).digest()
    rows = [struct.pack("<IQQ", *row[:3]) for row in forecast.rows(0, 0)]
    for first in range(0, len(rows), 64):
        chain = hashlib.sha256(chain + b"".join(rows[first : first + 64])).digest()
    assert walked(forecast, digest)[0].chain == chain


def test_a_month_of_the_fullest_week_comes_in_blocks() -> None:
    forecast = Forecast(full(), PAIR, AUTUMN - 86_400, BERLIN, 30)
    count = len(list(forecast.rows(0, 0)))
    assert 1440 <= count <= 1442
    assert walked(forecast, bytes(32))[1] == -(-count // BLOCK_ROWS)


def test_what_it_depends_on_changes_the_digest() -> None:
    base = (full(), PAIR, AUTUMN - 86_400, BERLIN, 30)
    other = weekly({0: 1, 1: 2})
    others = [(other, *base[1:]), (base[0], Calibration(PAIR.volume_nl + 1, PAIR.steps), *base[2:])]
    others += [(*base[:2], AUTUMN - 86_399, *base[3:]), (*base[:3], Zone(7200), 30), (*base[:4], 29)]
    seen = {walked(Forecast(*changed), bytes(32))[0].chain for changed in [base, *others]}
    assert len(seen) == 6
    assert walked(Forecast(*base), bytes(31) + b"\1")[0].chain not in seen


def asked(pump: object, made: Program, utc_s: int, zone: Zone, days: int) -> str:
    """Return the digest as the pump computes it, call by call."""
    digest = programs.digest(programs.pack(made))
    params = {"digest": digest, "days": days, "utc_s": utc_s, "offset_s": zone.offset_s,
              "transition_utc_s": zone.transition_utc_s, "transition_offset_s": zone.transition_offset_s}
    answer = {"second_s": 0, "remainder": 0, "chain": "0" * 64, "done": False}
    while not answer.pop("done"):
        answer = pump.call("forecast.digest", **params, **answer)
    return answer["chain"]


@pytest.mark.parametrize("made", [constant(900_000), full()], ids=["constant", "full"])
def test_pump_and_laptop_agree_on_a_staged_and_on_an_active_program(made: Program) -> None:
    pump = ready(utc_s=0)
    packed = programs.pack(made)
    ours = walked(Forecast(made, PAIR, AUTUMN - 86_400, BERLIN, 30), bytes.fromhex(programs.digest(packed)))[0].chain.hex()
    pump.call("program.stage", program=base64.b64encode(packed).decode())
    assert asked(pump, made, AUTUMN - 86_400, BERLIN, 30) == ours
    pump.upload(made)
    assert asked(pump, made, AUTUMN - 86_400, BERLIN, 30) == ours


def test_asking_disturbs_no_dose_and_what_is_wrong_is_refused() -> None:
    pump = running(full())
    pump.advance(100)
    for _ in range(40):
        asked(pump, full(), AUTUMN, BERLIN, 2)
        pump.advance(3)
    assert pump.state() == "running"
    good = {"digest": "0" * 64, "days": 1, "utc_s": AUTUMN, "offset_s": 0, "second_s": 0, "remainder": 0, "chain": "0" * 64}
    assert pump.fault("forecast.digest", **good) == "not_staged"
    good["digest"] = pump.pump.setup.digest
    assert pump.fault("forecast.digest", **{**good, "second_s": 86_400}) == "bad_params"
    assert pump.fault("forecast.digest", **{**good, "days": 32}) == "bad_params"
    assert pump.call("forecast.digest", **good)["done"]


def test_the_pump_then_does_what_was_forecast() -> None:
    made = weekly({minute: 100_000 + 7919 * minute % 500_000 for minute in range(0, 10_080, 45)})
    pump = ready(made, utc_s=AUTUMN - 7_200)
    pump.call("clock.set", utc_s=AUTUMN - 7_200, offset_s=7200, transition_utc_s=AUTUMN, transition_offset_s=3600)
    pump.call("start")
    pump.advance(40_000)
    span = pump.pump.delivery.span
    rows = list(Forecast(made, PAIR, AUTUMN - 7_200, BERLIN, 1).rows(0, 0))
    happened = [(record["rate_nl"], record["ordered_steps"]) for record in pump.records("entry")]
    total, planned = 0, []
    for (_, rate_nl, steps, *_), before in zip(rows, [None, *rows]):
        if before is None or rate_nl != before[1]:
            planned.append((rate_nl, total))
        total += steps
    assert len(happened) > 10 and planned[: len(happened)] == happened
    assert span.ordered_steps > 0


# --- protocols ----------------------------------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(protocols(endless=False), st.integers(0, 500))
def test_rows_of_a_protocol_are_its_stages(made: Program, waits_s: int) -> None:
    made.protocol.start, made.protocol.start_value = (AFTER, waits_s) if waits_s else (0, 0)
    rows = list(Forecast(made, PAIR, AUTUMN, BERLIN, 1).rows(0, 0))
    stages, loops, held = in_words(made)
    at_s, total = 0, Fraction(0)
    wanted = [(0, Fraction(0))] if waits_s else []
    at_s = waits_s
    for index, _ in reference.order(stages, loops):
        rates = reference.stage_rates(*stages[index])
        wanted.append((at_s, rates[0]))
        total += sum(rates)
        at_s += len(rates)
    wanted.append((at_s, stages[-1][2] if held else Fraction(0)))
    assert [(second_s, Fraction(rate_nl, made.rate_seconds_s)) for second_s, rate_nl, *_ in rows] == wanted
    total += (86_400 - at_s) * wanted[-1][1]
    assert sum(steps for _, _, steps, *_ in rows) == floor(total * STEPS_PER_NL)


def test_a_forecast_with_too_many_stages_names_the_most_days_that_work() -> None:
    made = staged((10, 7, 7), (11, 0, 0), loops=((0, 2, 0),))
    with pytest.raises(Refusal) as caught:
        Forecast(made, PAIR, AUTUMN, BERLIN, 31).begin(bytes(32))
    days = caught.value.detail["nearest"]
    assert (caught.value.fault.name, days) == ("bad_params", 1)
    cursor, blocks = walked(Forecast(made, PAIR, AUTUMN, BERLIN, days), bytes(32))
    assert blocks <= 200 and cursor.second_s == days * 86_400
    longer = staged((100, 7, 7), (111, 0, 0), loops=((0, 2, 0),))
    with pytest.raises(Refusal) as caught:
        Forecast(longer, PAIR, AUTUMN, BERLIN, 31).begin(bytes(32))
    days = caught.value.detail["nearest"]
    assert walked(Forecast(longer, PAIR, AUTUMN, BERLIN, days), bytes(32))[1] <= 200
    with pytest.raises(Refusal):
        Forecast(longer, PAIR, AUTUMN, BERLIN, days + 1).begin(bytes(32))
