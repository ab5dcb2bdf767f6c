"""The content of the line is known through everything, and demands a bridge or a priming before a start."""

import pytest

from pumpcore.flash import slots
from pumpcore.fluid import front
from pumpcore.program import packing as programs
from support.pump.bridges import HIGH_NL, LINE_NL, LOW_NL, PAIR, RATE, bridge, bridged, changed, drug, line, prime
from support.pump.running import power_cut
from support.replies import refusal_of


@pytest.mark.rule("R7")
def test_another_concentration_needs_a_bridge_and_the_refusal_names_both() -> None:
    pump = changed(drug(500), drug(300))
    told = pump.refusal("start")
    assert (told["fault"], told["rule"]) == ("bridge_needed", "R7")
    assert (told["limit"], told["asked"]) == ("dye 500 ng in 1000000 nl", "dye 300 ng in 1000000 nl")
    assert (told["line_nl"], told["least_nl"], told["most_nl"]) == (LINE_NL, 0, 0) and "prime" in told["do"] and "bridge" in told["do"]
    assert line(pump)["needs"] == "bridge" and (line(pump)["low_nl"], line(pump)["high_nl"]) == (LOW_NL, HIGH_NL)
    (record,) = pump.records("line_changed")
    assert (record["kind"], record["old_ng"], record["new_ng"]) == (1, 500, 300)
    again = power_cut(pump, 5)
    again.advance(0.1)
    assert again.refusal("start")["fault"] == "bridge_needed"


@pytest.mark.rule("R7")
@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (drug(500), drug(500, RATE + 1), ""),
        (drug(500), drug(1000, nl=2_000_000), ""),
        (drug(0), drug(0, RATE + 1), ""),
        (drug(0), drug(300), ""),
        (drug(300), drug(0), ""),
        (drug(500), drug(300), "bridge_needed"),
        (drug(500), drug(500, fluid="water"), "bridge_impossible"),
        (drug(0), drug(0, fluid="water"), "bridge_impossible"),
        (drug(500), drug(300, tubing_nl=0, catheter_nl=0, line_day=0, bolus_max_nl=10**9), ""),
        (drug(500, tubing_nl=0, catheter_nl=0, line_day=0, bolus_max_nl=10**9), drug(300), "bridge_needed"),
    ],
)
def test_what_each_change_asks_for(old: programs.Program, new: programs.Program, fault: str) -> None:
    pump = changed(old, new)
    reply = pump.ask("start")
    assert ("result" in reply) if not fault else refusal_of(reply)["fault"] == fault
    if fault != "bridge_needed":
        assert refusal_of(bridge(pump))["fault"] == (fault or "not_stopped")


def test_a_fluid_named_without_its_concentration_does_not_make_the_pump_forget_it() -> None:
    pump = changed(drug(500), drug(0))
    pump.upload(drug(300))
    assert pump.refusal("start")["limit"] == "dye 500 ng in 1000000 nl"


def test_without_a_line_in_the_program_the_front_goes_on_by_position() -> None:
    bare = {"tubing_nl": 0, "catheter_nl": 0, "line_day": 0, "bolus_max_nl": 10**9}
    pump = changed(drug(500), drug(300, **bare))
    pump.call("start")
    pump.advance(100)
    pump.call("stop")
    pump.upload(drug(300))
    assert 90_000 < line(pump)["least_nl"] == line(pump)["most_nl"] - 1 < 110_000 and line(pump)["needs"] == "bridge"
    pump.upload(drug(300, **bare))
    pump.call("start")
    pump.advance(300)
    pump.call("stop")
    pump.upload(drug(300))
    assert line(pump)["needs"] == "" and "result" in pump.ask("start") and line(pump) is None


@pytest.mark.rule("R7")
def test_going_back_before_anything_moved_leaves_nothing_to_bridge() -> None:
    pump = changed(drug(500), drug(300))
    pump.upload(drug(500, RATE + 7))
    assert line(pump) is None and "result" in pump.ask("start")
    pump.advance(5)
    pump.call("stop")
    pump.upload(drug(400))
    assert pump.refusal("start")["limit"] == "dye 500 ng in 1000000 nl"
    pump.upload(drug(300))  # nothing moved: still one front
    assert pump.refusal("start")["fault"] == "bridge_needed"


@pytest.mark.rule("R7")
def test_a_second_change_while_the_front_is_in_the_line_can_only_be_primed() -> None:
    pump = changed(drug(500), drug(300))
    bridged(pump)
    pump.advance(60)
    pump.call("stop")
    pump.upload(drug(200))
    assert pump.refusal("start")["fault"] == "bridge_impossible" and line(pump)["needs"] == "prime"
    assert refusal_of(bridge(pump))["fault"] == "bridge_impossible"
    pump.upload(drug(300))  # now its content is unknown
    assert pump.refusal("start")["fault"] == "bridge_impossible"
    prime(pump)
    assert line(pump) is None and "result" in pump.ask("start")


@pytest.mark.rule("R7")
def test_a_whole_priming_ends_it_and_a_part_does_not() -> None:
    pump = changed(drug(500), drug(300))
    reply = pump.call("bolus.prime", token=pump.token(), rate_nl=36_000_000, again=0)
    pump.advance(10)
    pump.call("bolus.cancel", token=reply["token"])
    pump.advance(60)
    assert pump.refusal("start")["fault"] == "bridge_needed" and line(pump)["most_nl"] > 50_000
    calibrating = {"purpose": "calibration", "steps": 40_000, "volume_nl": 0, "rate_nl": 60_000_000, "rate_seconds_s": 3600}
    before = line(pump)
    prime(pump, again=1)
    assert before is not None and line(pump) is None and [row["way"] for row in pump.records("front_passed")] == [1]
    again = power_cut(pump, 5)
    again.advance(0.1)
    assert line(again) is None and "result" in again.ask("start")
    pump.upload(drug(200))
    pump.call("run.start", token=pump.token(), **calibrating)
    pump.advance(60)
    assert line(pump)["most_nl"] > 400_000 - 1 and line(pump)["needs"] == ""  # not a priming, but enough has gone through


def test_a_damaged_image_asks_for_a_priming() -> None:
    pump = changed(drug(500), drug(300))
    for letter in "ab":
        if pump.board.flash.exists("/store/line." + letter):
            pump.board.flash.write("/store/line." + letter, b"TCS1 nothing")
    again = power_cut(pump, 5)
    again.advance(0.1)
    assert again.alarms() == ["line_damaged"] and again.refusal("start")["fault"] == "alarm_active"
    again.upload(drug(300))
    assert again.alarms() == [] and again.refusal("start")["fault"] == "bridge_impossible"
    prime(again)
    assert "result" in again.ask("start")


@pytest.mark.rule("R7")
@pytest.mark.parametrize("back_ng", [200, 300])
def test_what_a_firmware_without_lines_activated_is_noticed_however_long_the_pump_has_run(back_ng: int) -> None:
    """The front is unknown then: nothing delivered before counts as having pushed it on."""
    pump = changed(drug(500), drug(300), 4_000)
    prime(pump)
    assert pump.delivered_steps() > HIGH_NL
    pump.call("stop")
    packed = programs.pack(drug(200))
    pump.board.flash.write("/store/program.a", slots.pack(1000, packed))
    again = power_cut(pump, 5)
    again.advance(0.1)
    assert again.refusal("start")["fault"] == "bridge_impossible"
    assert (line(again)["needs"], line(again)["least_nl"]) == ("prime", 0)
    again.upload(drug(back_ng))
    assert again.refusal("start")["fault"] == "bridge_impossible"
    assert (line(again)["needs"], line(again)["least_nl"]) == ("prime", 0)
    late = power_cut(again, 5)
    late.advance(0.1)
    assert late.refusal("start")["fault"] == "bridge_impossible"
    prime(late, again=1)
    assert line(late) is None and "result" in late.ask("start")


def test_an_image_of_the_line_is_what_was_packed() -> None:
    made = front.Line((("dye", 5, 7),), (("wäter", 0, 0),)).begin(front.BEHIND, 123, 45, PAIR)
    again = front.unpack(made.pack())
    assert (again.pack(), again.old, again.new) == (made.pack(), made.old, made.new)
    assert [getattr(again, name) for name in front.FIELDS] == [front.BEHIND, 123, 45, 0, 0, PAIR.volume_nl, PAIR.steps]
    for damaged in (b"", made.pack()[:-1], made.pack() + b"x", b"\x03" + made.pack()[1:]):
        with pytest.raises(ValueError, match="not a line"):
            front.unpack(damaged)
