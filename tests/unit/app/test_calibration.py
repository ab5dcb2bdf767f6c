"""The calibration in the pump: checked, journaled, stored in two slots, tied to its bench, and never in the way of therapy."""

import base64

import pytest

from pumpcore.bench import weighed
from pumpcore.flash import slots
from pumpcore.units import S_PER_DAY
from support.programs import MONDAY_UTC_S, constant
from support.pump.calibrations import put, sent, weighed_one
from support.pump.running import BENCH, UnitPump, Watched, bench_with, blank_image, ready, running
from support.replies import refusal_of

NOMINAL = BENCH["calibration"]


def again(pump: UnitPump, bench: dict | None = None, utc_s: int | None = None) -> Watched:
    """Return the same flash after a power cut, with another bench in its slot if given."""
    image = pump.image()
    if bench is not None:
        import json

        booted = UnitPump(image, 0)
        booted.pump.setup.store.save("bench", json.dumps(bench).encode())
        image = booted.image()
    after = Watched(image, pump.board.clock.utc_s() + 5 if utc_s is None else utc_s)
    after.advance(0.05)
    return after


def pair(pump: UnitPump) -> tuple:
    told = pump.call("status")["calibration"]
    return told["volume_nl"], told["steps"], told["state"]


def test_until_somebody_weighs_the_nominal_pair_counts() -> None:
    pump = ready()
    assert pair(pump) == (NOMINAL["volume_nl"], NOMINAL["steps"], "UNCALIBRATED")
    read = pump.call("calibration.read")
    assert read["calibration"] is None and read["history"] == [] and read["bench"] == "unit"
    assert read["nominal"] == {"volume_nl": NOMINAL["volume_nl"], "steps": NOMINAL["steps"], "state": "UNCALIBRATED"}
    assert (read["turns"], read["turns_steps"]) == (1, 200 * BENCH["motor"]["microsteps"])


def test_what_was_set_counts_at_once_and_after_a_reset() -> None:
    pump = ready()
    told = put(pump)
    assert (told["id"], told["state"]) == (weighed.identity(weighed.pack(weighed_one())), "CALIBRATED")
    for one in (pump, again(pump)):
        assert pair(one) == (1_023_456, 100_003, "CALIBRATED")
        hello = one.call("hello")
        assert (hello["calibration_state"], hello["calibration_id"]) == ("CALIBRATED", told["id"])
        assert hello["calibration_expires_utc_s"] == MONDAY_UTC_S + 90 * S_PER_DAY
        packed = base64.b64decode(one.call("calibration.read")["calibration"]["packed"])
        assert weighed.unpack(packed).describe() == weighed_one().describe()
    (record,) = pump.records("calibration_set")
    assert record["calibration_id"].hex() == told["id"] and (record["old_volume_nl"], record["volume_nl"]) == (1_000_003, 1_023_456)


def test_doses_follow_the_pair() -> None:
    pump = ready(constant(3_600_000))
    put(pump, volume_nl=1_200_000, steps=100_000)
    pump.call("start")
    pump.advance(120)
    assert abs(pump.plant_steps() - 120_000 * 100_000 / 1_200_000) <= 1


@pytest.mark.rule("R8")
def test_setting_the_same_again_changes_nothing() -> None:
    pump = ready()
    first = put(pump)
    assert put(pump) == first
    assert len(pump.records("calibration_set")) == 1 and pump.call("calibration.read")["history"] == []


def test_check_says_what_set_would_do_and_changes_nothing() -> None:
    pump = ready()
    told = pump.call("calibration.check", calibration=sent(weighed_one()))
    assert told == {"id": weighed.identity(weighed.pack(weighed_one())), "calibration": sent(weighed_one())}
    assert pump.fault("calibration.check", calibration=sent(weighed_one(volume_nl=10_000))) == "calibration_far"
    assert pair(pump)[2] == "UNCALIBRATED" and pump.records("calibration_set") == []


def test_the_last_four_before_are_kept_newest_first() -> None:
    pump = ready()
    for lot in "ABCDEF":
        put(pump, lot=lot)
    read = again(pump).call("calibration.read")
    lots = [weighed.unpack(base64.b64decode(row["packed"])).lot for row in [read["calibration"], *read["history"]]]
    assert lots == ["F", "E", "D", "C", "B"]


def test_none_makes_the_nominal_pair_count_again_and_keeps_the_history() -> None:
    pump = ready()
    put(pump)
    told = pump.call("calibration.set", calibration="")
    assert (told["state"], told["id"]) == ("UNCALIBRATED", "")
    for one in (pump, again(pump)):
        assert pair(one) == (NOMINAL["volume_nl"], NOMINAL["steps"], "UNCALIBRATED")
        read = one.call("calibration.read")
        assert read["calibration"] is None and len(read["history"]) == 1
    assert [row["volume_nl"] for row in pump.records("calibration_set")] == [1_023_456, NOMINAL["volume_nl"]]


# --- refusals -----------------------------------------------------------------------------------------------------------------


@pytest.mark.rule("R7")
@pytest.mark.parametrize(("percent", "far"), [(49, True), (50, False), (51, False), (149, False), (150, False), (151, True), (1_000, True)])
def test_a_pair_far_from_the_nominal_one_is_refused_with_the_nearest(percent: int, far: bool) -> None:
    pump = UnitPump(blank_image(BENCH | {"calibration": {"volume_nl": 1_000_000, "steps": 100_000}}))
    pump.advance(0.05)
    reply = pump.ask("calibration.set", calibration=sent(weighed_one(volume_nl=percent * 20_000, steps=200_000)))
    if not far:
        assert "result" in reply
        return
    told = refusal_of(reply)
    assert told["fault"] == "calibration_far" and told["asked_nl"] == percent * 10_000
    assert told["nearest_nl"] == told["limit_nl"] == (500_000 if percent < 100 else 1_500_000)
    assert "result" in pump.ask("calibration.set", calibration=sent(weighed_one(volume_nl=told["nearest_nl"], steps=told["steps"])))


@pytest.mark.rule("R5")
def test_a_program_that_no_longer_fits_keeps_the_calibration_out() -> None:
    """The motor makes 20,000 Hz: 720 mL/h at 10 nl a step, 432 mL/h at 6 nl."""
    pump = ready(constant(600_000_000))
    told = pump.refusal("calibration.set", calibration=sent(weighed_one(volume_nl=600_000, steps=100_000)))
    assert (told["fault"], told.get("cause")) == ("calibration_unfit", "rate_above_motor")
    assert told["asked_nl"] == 600_000_000 and 430_000_000 < told["nearest_nl"] <= 432_000_000
    assert pair(pump)[2] == "UNCALIBRATED" and pump.call("status")["program_name"] == "constant"
    pump.upload(constant(told["nearest_nl"]))
    put(pump, volume_nl=600_000, steps=100_000)
    assert again(pump).alarms() == []


@pytest.mark.rule("R5")
def test_what_was_staged_before_is_not_activated_after() -> None:
    from pumpcore.program import packing

    pump = ready()
    packed = packing.pack(constant(600_000_000))
    digest = pump.stage(packed)["digest"]
    put(pump, volume_nl=600_000, steps=100_000)
    assert pump.fault("program.activate", digest=digest) == "not_staged"
    assert pump.judge(packed)["error"]["data"]["fault"] == "rate_above_motor"


@pytest.mark.rule("R9")
def test_only_while_stopped() -> None:
    pump = running()
    assert pump.fault("calibration.set", calibration=sent(weighed_one())) == "not_stopped"
    assert pump.call("calibration.check", calibration=sent(weighed_one()))["id"]
    assert pair(pump)[2] == "UNCALIBRATED"


def test_a_date_ahead_of_a_known_time_is_refused() -> None:
    late = weighed_one(utc_s=MONDAY_UTC_S + 3 * S_PER_DAY)
    assert ready().fault("calibration.set", calibration=sent(late)) == "calibration_date"
    assert put(ready(utc_s=0), late)["state"] == "CALIBRATED"


GOOD = weighed.pack(weighed_one())


@pytest.mark.rule("R10")
@pytest.mark.parametrize(
    "raw",
    [
        b"TCL1", GOOD[:-1], GOOD + b"x", b"TCL2" + GOOD[4:], GOOD[:4] + bytes(4) + GOOD[8:], GOOD[:8] + bytes(4) + GOOD[12:],
        GOOD[:12] + bytes(4) + GOOD[16:], GOOD[:16] + bytes(4) + GOOD[20:], GOOD[:20] + b"\xff" * 4 + GOOD[24:],
        GOOD[:24] + b"\xff" * 8 + GOOD[32:], GOOD[:32] + b"\xff\xff" + GOOD[34:], GOOD[:34] + b"\0" + GOOD[35:],
        GOOD[:35] + b"\0\5" + GOOD[37:], GOOD[:37] + b"\xc3\x28" + GOOD[39:], GOOD[:37] + b"\n\n" + GOOD[39:], bytes(60),
    ],
)  # fmt: skip
def test_what_is_no_calibration_is_refused_and_nothing_is_written(raw: bytes) -> None:
    pump = ready()
    operations = pump.board.chip.operations
    for method in ("calibration.check", "calibration.set"):
        assert pump.fault(method, calibration=base64.b64encode(raw).decode()) == "calibration_format"
    assert pump.board.chip.operations == operations and pump.alarms() == []


# --- the remainder ------------------------------------------------------------------------------------------------------------


@pytest.mark.rule("R4")
def test_another_pair_drops_the_remainder_and_the_same_keeps_it() -> None:
    pump = running(constant(777_777))
    pump.advance(100)
    pump.call("stop")
    kept = pump.pump.book.last_record().basal_remainder
    assert kept > 0
    put(pump, volume_nl=NOMINAL["volume_nl"], steps=NOMINAL["steps"])
    pump.call("start")
    pump.advance(0.001)
    assert pump.records("remainder_dropped") == []
    pump.call("stop")
    put(pump, lot="other")
    pump.call("start")
    pump.advance(1)
    dropped = (pump.records("remainder_dropped") or [{"source": None}])[0]
    assert dropped["source"] == 0 and dropped["remainder"] > 0
    assert pump.pump.delivery.span.basal.accumulator.remainder < pump.pump.delivery.span.basal.accumulator.modulus


# --- how long it holds --------------------------------------------------------------------------------------------------------


def test_it_expires_by_volume_stays_visible_and_therapy_goes_on() -> None:
    pump = ready(constant(36_000_000))
    put(pump, expires_nl=2_000_000, expires_days=0)
    pump.call("start")
    pump.advance(190)
    assert pair(pump)[2] == "CALIBRATED" and pump.alarms() == []
    pump.advance(400)
    told = pump.call("status")
    assert (told["calibration"]["state"], told["calibration"]["expired"]) == ("EXPIRED", "volume")
    assert told["calibration"]["delivered_nl"] >= 2_000_000 and told["state"] == "running"
    assert pump.alarms() == ["calibration_expired"] and pump.board.buzzer.pattern == "off"
    assert pump.fault("ack", fault=620) == "alarm_stays"
    booted = again(pump)
    assert "calibration_expired" in booted.alarms() and booted.call("hello")["calibration_state"] == "EXPIRED"
    booted.call("start")
    booted.advance(1)
    booted.call("stop")
    put(booted, lot="L2")
    assert "calibration_expired" not in booted.alarms() and pair(booted)[2] == "CALIBRATED"


def test_it_expires_by_date_only_when_the_time_is_known() -> None:
    pump = ready()
    put(pump, expires_days=10)
    assert pair(again(pump, utc_s=MONDAY_UTC_S + 10 * S_PER_DAY - 60))[2] == "CALIBRATED"
    late = again(pump, utc_s=MONDAY_UTC_S + 10 * S_PER_DAY)
    assert pair(late)[2] == "EXPIRED" and late.alarms() == ["calibration_expired"]
    assert late.call("status")["calibration"]["expired"] == "date"
    unknown = again(pump, utc_s=0)
    assert pair(unknown)[2] == "CALIBRATED" and unknown.alarms() == []
    unknown.call("clock.set", utc_s=MONDAY_UTC_S + 11 * S_PER_DAY, offset_s=0)
    unknown.advance(301)
    assert pair(unknown)[2] == "EXPIRED" and unknown.alarms() == ["calibration_expired"]


# --- another bench, a damaged store --------------------------------------------------------------------------------------------


@pytest.mark.rule("R6")
@pytest.mark.parametrize("changed", [{"name": "another"}, {"calibration": {"volume_nl": 31_600, "steps": 3_200}}])
def test_a_calibration_of_another_bench_does_not_count_and_is_told(changed: dict) -> None:
    pump = ready()
    put(pump)
    other = again(pump, BENCH | changed)
    assert pair(other)[2] == "UNCALIBRATED" and other.alarms() == ["calibration_other_bench"]
    assert other.call("calibration.read")["calibration"] is None
    assert again(other, BENCH).call("hello")["calibration_state"] == "CALIBRATED"
    steps = changed.get("calibration", NOMINAL)["steps"]
    put(other, volume_nl=changed.get("calibration", NOMINAL)["volume_nl"] + 1, steps=steps)
    assert other.alarms() == [] and other.call("calibration.read")["history"] == []


def test_ceilings_alone_may_change() -> None:
    pump = ready()
    put(pump)
    assert pair(again(pump, bench_with(hour_nl=1_000)))[2] == "CALIBRATED"


@pytest.mark.rule("R6")
def test_a_damaged_image_is_an_alarm_until_another_is_set() -> None:
    pump = ready(constant(900_000))
    put(pump)
    for letter in "ab":
        pump.board.flash.write("/store/calibration." + letter, b"rubbish of some length")
    damaged = again(pump)
    assert damaged.alarms() == ["calibration_damaged"] and damaged.fault("start") == "alarm_active"
    assert damaged.fault("ack", fault=632) == "alarm_stays"
    damaged.call("calibration.set", calibration="")
    assert damaged.alarms() == [] and again(damaged).alarms() == []
    damaged.call("start")


@pytest.mark.rule("R6")
def test_an_image_that_is_whole_and_senseless_is_an_alarm_too() -> None:
    for payload in (b"", b"TCI1", weighed.pack_image(weighed.Image("unit", ready().pump.setup.bench.calibration, True, [(0, b"no")]))):
        pump = ready()
        pump.board.flash.write("/store/calibration.a", slots.pack(1, payload or b"\0"))
        assert again(pump).alarms() == ["calibration_damaged"]


@pytest.mark.rule("R9")
def test_a_broken_flash_leaves_the_old_one() -> None:
    pump = ready()
    put(pump)
    pump.board.flash.fail = True
    assert pump.fault("calibration.set", calibration=sent(weighed_one(lot="L2"))) == "journal_failed"
    assert pump.call("status")["calibration"]["id"] == weighed.identity(weighed.pack(weighed_one()))
