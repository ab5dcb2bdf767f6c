"""bench.set: lowering a ceiling at once, raising one only with the stop button held at the pump, and what stays as it was."""

import base64
import json
from typing import Any

import pytest

from pumpcore.bench import weighed
from pumpcore.flash import slots
from pumpcore.limits import limits, windows
from pumpcore.program import packing
from pumpcore.program.plan import Program
from support.programs import MONDAY_UTC_S, constant, every_day
from support.protocols import UL_S, staged
from support.pump.running import BENCH, UnitPump, again, blank_image, ready, running

OLD = BENCH["ceilings"]
HIGHER = {**OLD, "day_nl": OLD["day_nl"] + 1}

# Both need the rate of the larger calibration: at the nominal one the slow motor of the test below is too slow for them.
FULL_WEEK = every_day(*[(minute, 400_000_000 + minute) for minute in range(0, 1440, 30)])
PULSES = staged((120, 110 * UL_S, 110 * UL_S), (1_080, 0, 0), loops=((0, 2, 7),))
LARGE = base64.b64encode(weighed.pack(weighed.Weighed(1_400_003, 99_991, MONDAY_UTC_S, 998_207, 2_100, 0, 90, 3, "T1", "L1"))).decode()


def ceilings_of(pump: UnitPump) -> dict[str, int]:
    told = pump.call("hello")["ceilings"]
    return {name: told[name] for name in OLD}


def press(pump: UnitPump, held: bool = True) -> None:
    pump.board.buttons.stop = True
    pump.board.buttons.held_down = held
    pump.advance(0.1)


def raised(pump: UnitPump, wanted: dict[str, int]) -> dict[str, Any]:
    """Ask, hold the button, release it, and return the pump's last answer."""
    assert pump.call("bench.set", **wanted) == {"done": False, "wait_s": 60, "hold_s": 2}
    pump.advance(1)
    press(pump)
    pump.advance(2.1)
    assert pump.call("bench.set", **wanted) == {"done": False, "wait_s": 60, "hold_s": 0}
    pump.board.buttons.held_down = False
    return pump.call("bench.set", **wanted)


@pytest.mark.rule("R5")
def test_a_lower_ceiling_counts_at_once_and_after_a_power_cut() -> None:
    pump = ready(constant(900_000))
    lower = {**OLD, "rate_nl": 300_000_000, "day_nl": 1_000_000_000}
    assert pump.call("bench.set", **lower) == {"done": True, "wait_s": 0, "hold_s": 2}
    again = UnitPump(pump.image())
    again.advance(0.1)
    for one in (pump, again):
        assert ceilings_of(one) == lower and one.alarms() == []
        assert one.pump.setup.ceilings.day_nl == 1_000_000_000 and one.call("status")["program_name"]
    (record,) = pump.records("bench_set")
    assert [record["old_" + name] for name in OLD] == list(OLD.values())
    assert [record[name] for name in OLD] == list(lower.values()) and record["by_button"] == 0


@pytest.mark.rule("R5")
@pytest.mark.parametrize(
    "more", [{"rate_nl": OLD["rate_nl"] + 1}, {"rate_seconds_s": 3599}, {"hour_nl": OLD["hour_nl"] + 1}, {"day_nl": OLD["day_nl"] + 1}]
)
def test_raising_a_ceiling_needs_the_stop_button_held_at_the_pump(more: dict[str, int]) -> None:
    pump, wanted = ready(constant(900_000)), {**OLD, "day_nl": 9_000_000_000, **more}
    for _ in range(30):
        assert not pump.call("bench.set", **wanted)["done"]
        pump.advance(1)
    assert ceilings_of(pump) == OLD and pump.records("bench_set") == []
    press(pump)
    pump.advance(1.8)
    assert not pump.call("bench.set", **wanted)["done"], "held too short"
    pump.advance(0.2)
    assert not pump.call("bench.set", **wanted)["done"], "not released"
    pump.board.buttons.held_down = False
    assert pump.call("bench.set", **wanted)["done"]
    assert ceilings_of(pump) == wanted and pump.records("bench_set")[0]["by_button"] == 1
    assert pump.alarms() == [], "the press was no stop that somebody must acknowledge"


@pytest.mark.rule("R5")
def test_a_press_before_the_request_a_short_one_and_one_that_comes_too_late_confirm_nothing() -> None:
    pump = ready(constant(900_000))
    press(pump)
    pump.advance(5)
    assert not pump.call("bench.set", **HIGHER)["done"], "held since before"
    pump.advance(5)
    assert not pump.call("bench.set", **HIGHER)["done"]
    press(pump, held=False)
    pump.advance(5)
    assert not pump.call("bench.set", **HIGHER)["done"], "pressed and released, as to stop a pump"
    pump.advance(48)
    press(pump)
    pump.advance(3)
    refused = pump.refusal("bench.set", **HIGHER)
    assert refused["fault"] == "button_not_held" and refused["limit_s"] == 60
    assert pump.call("bench.set", **HIGHER)["wait_s"] == 60, "a new request waits anew"
    assert ceilings_of(pump) == OLD


@pytest.mark.rule("R5")
def test_a_broken_stop_wire_is_no_press() -> None:
    pump = ready(constant(900_000))
    assert not pump.call("bench.set", **HIGHER)["done"]
    pump.advance(1)
    press(pump)
    for _ in range(60):
        pump.advance(1)
        assert not pump.call("bench.set", **HIGHER)["done"]
    pump.advance(3)
    assert pump.fault("bench.set", **HIGHER) == "button_not_held"
    assert not pump.call("bench.set", **HIGHER)["done"]
    pump.advance(3)
    assert pump.call("bench.set", **HIGHER) == {"done": False, "wait_s": 57, "hold_s": 2}, "held since before"
    assert ceilings_of(pump) == OLD and pump.records("bench_set") == []


def test_another_wish_waits_anew_and_a_forgotten_one_too() -> None:
    pump = ready(constant(900_000))
    assert pump.call("bench.set", **HIGHER)["wait_s"] == 60
    pump.advance(10)
    assert pump.call("bench.set", **HIGHER)["wait_s"] == 50
    assert pump.call("bench.set", **{**HIGHER, "hour_nl": 600_000_000})["wait_s"] == 60
    pump.advance(70)
    assert pump.call("bench.set", **{**HIGHER, "hour_nl": 600_000_000})["wait_s"] == 60


def test_a_warning_of_an_earlier_stop_stays() -> None:
    pump = ready(constant(900_000))
    press(pump, held=False)
    pump.advance(1)
    assert raised(pump, HIGHER)["done"] and pump.alarms() == ["stop_button"]


def test_repeating_a_request_that_was_done_is_harmless() -> None:
    pump = ready(constant(900_000))
    assert raised(pump, HIGHER)["done"] and pump.call("bench.set", **HIGHER)["done"]
    assert pump.call("bench.set", **OLD)["done"] and pump.call("bench.set", **OLD)["done"]
    assert len(pump.records("bench_set")) == 2


@pytest.mark.rule("R5")
def test_a_program_that_would_not_fit_keeps_the_ceilings() -> None:
    pump = ready(constant(3_600_000))
    refused = pump.refusal("bench.set", **{**OLD, "day_nl": 80_000_000})
    assert (refused["fault"], refused["cause"]) == ("bench_unfit", "day_above_ceiling") and refused["limit_nl"] < 80_000_000
    assert ceilings_of(pump) == OLD and pump.records("bench_set") == []


@pytest.mark.rule("R5")
def test_what_was_delivered_still_counts() -> None:
    pump = running(constant(3_600_000))
    pump.advance(1800)
    pump.call("stop")
    before = pump.call("status")
    pump.call("bench.set", **{**OLD, "hour_nl": 10_000_000})
    after = pump.call("status")
    assert all(after[name] == before[name] > 0 for name in ("hour_nl", "day_nl", "delivered_steps"))


def test_it_needs_a_stopped_pump_with_a_bench() -> None:
    pump = running(constant(900_000))
    assert pump.fault("bench.set", **OLD) == "not_stopped"
    image = blank_image({**BENCH, "target": "other"})
    assert UnitPump(image).fault("bench.set", **OLD) == "alarm_active"
    assert ready().fault("bench.set", **{**OLD, "rate_nl": 0}) == "bad_params"


def test_staged_programs_are_checked_again() -> None:
    pump = ready(constant(900_000))
    digest = pump.stage(packing.pack(constant(800_000)))["digest"]
    pump.call("bench.set", **{**OLD, "hour_nl": 10_000_000})
    assert pump.fault("program.activate", digest=digest) == "not_staged"


def moves_of(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that gets the moves of each part of a search through windows from now on."""
    moves: list[int] = []
    for module in (limits, windows):
        whole = module.go_on

        def counted(entries: Any, state: list[int], high: int, whole: Any = whole) -> int:
            moves.append(high)
            return int(whole(entries, state, high))

        monkeypatch.setattr(module, "go_on", counted)
    return moves


@pytest.mark.rule("R5")
@pytest.mark.parametrize("made", [FULL_WEEK, PULSES], ids=["336 entries", "protocol"])
def test_the_windows_of_the_active_program_are_not_searched_again(made: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    pump = ready(made)
    booted = again(pump)
    booted.advance(5)
    moves = moves_of(monkeypatch)
    for one in (pump, booted):
        assert one.call("bench.set", **{**OLD, "hour_nl": 600_000_000})["done"]
    assert moves == []


@pytest.mark.rule("R5")
@pytest.mark.parametrize("made", [FULL_WEEK, PULSES], ids=["336 entries", "protocol"])
def test_a_program_that_comes_back_with_its_calibration_is_searched_in_parts(made: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    pump = ready(image=blank_image(BENCH | {"motor": BENCH["motor"] | {"max_rate_hz": 10_000}}))
    pump.call("calibration.set", calibration=LARGE)
    digest = pump.upload(made)
    pump.board.flash.write("/store/calibration.a", b"rubbish of some length")
    booted = again(pump)
    booted.advance(5)
    assert "program_invalid" in booted.alarms()
    moves = moves_of(monkeypatch)
    booted.call("calibration.set", calibration=LARGE)
    booted.advance(5)
    assert booted.alarms() == [] and booted.call("status")["program_digest"] == digest
    assert moves and max(moves) <= 240
    moves.clear()
    assert booted.call("bench.set", **{**OLD, "hour_nl": 600_000_000})["done"] and moves == []
    booted.call("start")
    booted.advance(5)
    assert booted.state() == "running"


def test_all_other_bytes_of_the_slot_stay_as_they_were_deployed() -> None:
    pump = ready()
    pump.call("bench.set", **{**OLD, "hour_nl": 10_000_000})
    image = slots.newest([pump.board.flash.read(f"/store/bench.{letter}") for letter in "ab"])
    assert image is not None and image.sequence == 2
    wanted = {**BENCH, "ceilings": {**OLD, "hour_nl": 10_000_000}}
    assert image.payload == json.dumps(wanted, sort_keys=True, separators=(",", ":")).encode()
