"""The rotor's table in the pump: checked, journaled, stored in two slots, tied to bench, tube and lot, and never in the way of therapy."""

import base64
import binascii

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpcore.bench import learned, weighed
from pumpcore.faults.faults import Refusal
from pumpcore.flash import slots
from pumpcore.units import S_PER_DAY
from support.models.rotor import dip, prices_of
from support.programs import MONDAY_UTC_S, constant
from support.pump.by_volume import rate_nl
from support.pump.calibrations import put as put_calibration
from support.pump.learned_tables import learned_one, put, sent
from support.pump.running import UnitPump, Watched, again, ready
from support.replies import fault_of, refusal_of


def calibrated(program: object = None) -> UnitPump:
    pump = UnitPump.ready(program or constant(rate_nl(27.0)))
    put_calibration(pump)
    return pump


def law_of(pump: UnitPump) -> tuple[str, str]:
    status = pump.call("status")
    return status["law"], status["law_cause"]


# --- the bytes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bins", [2, 192, 384])
def test_a_table_is_packed_and_read_the_same(bins: int) -> None:
    for wide in (False, True):
        one = learned_one(bins=bins, turns_steps=3_200)
        if wide:
            one.volumes = [-40_000] + [0] * (bins - 2) + [64 * 3_200 + 40_000]
        packed = learned.pack(one)
        back = learned.unpack(packed)
        assert back.describe() == one.describe() == {**back.describe(), "id": weighed.identity(packed)}
        assert list(back.volumes) == list(one.volumes)
        assert learned.pack(back) == packed
        assert back.rotor().paid(3_200) == 64 * 3_200


def test_what_flows_back_is_kept_and_costs_nothing() -> None:
    """A verification needs the head's shape: prices alone are flat where liquid flows back."""
    volumes = [64 * 1_000, -64 * 300, -64 * 100, 64 * 2_600]
    back = learned.unpack(learned.pack(learned_one(bins=4, volumes=volumes)))
    assert list(back.volumes) == volumes
    assert [back.rotor().paid(800 * bin_) for bin_ in range(5)] == [0, 64 * 1_000, 64 * 1_000, 64 * 1_000, 64 * 3_200]


def test_192_bins_fit_a_short_line() -> None:
    assert len(sent(learned_one())) < 700


@given(st.binary(max_size=200), st.integers(0, 500), st.integers(0, 255))
def test_no_bytes_are_more_than_refused(noise: bytes, at: int, byte: int) -> None:
    packed = bytearray(learned.pack(learned_one()))
    packed[at % len(packed)] = byte
    for data in (noise, b"TCR1" + noise, bytes(packed), bytes(packed[:at])):
        try:
            learned.unpack(data).rotor()
        except Refusal as refused:
            assert refused.fault.name == "rotor_format"


# --- set, read, check ------------------------------------------------------------------------------------------------


def test_what_was_set_is_read_back_and_outlives_a_reset_without_its_phase() -> None:
    pump = calibrated()
    assert pump.call("rotor.read") == {
        "rotor": None, "status": {"table": None, "law": "angle", "law_cause": "no_table", "zero_steps": None, "motor_steps": 0},
    }  # fmt: skip
    told = put(pump, zero_steps=1_234)
    assert told["table"] == learned_one().describe()
    assert (told["law"], told["law_cause"], told["zero_steps"]) == ("volume", "", 1_234)
    assert law_of(pump) == ("volume", "")
    (record,) = pump.records("rotor_set")
    assert record == {"rotor_id": bytes.fromhex(told["table"]["id"]), "bins": 192, "deviation_nl": 25, "learned_utc_s": MONDAY_UTC_S}
    assert pump.records("rotor_phase") == [{"zero_steps": 1_234, "motor_steps": 0}]
    booted = again(pump)
    read = booted.call("rotor.read")
    assert read["rotor"] == sent(learned_one())
    assert read["status"]["zero_steps"] is None
    assert law_of(booted) == ("angle", "phase_power")
    assert booted.call("rotor.phase", zero_steps=17)["zero_steps"] == 17
    assert law_of(booted) == ("volume", "")


def test_the_pump_doses_by_what_was_set() -> None:
    pump = calibrated()
    put(pump, learned_one(dip(0.35)), zero_steps=0)
    pump.call("start")
    pump.advance(60)
    motor_steps, told = pump.plant_steps(), pump.delivered_steps()
    assert law_of(pump) == ("volume", "")
    assert pump.call("status")["motor_steps"] == motor_steps
    assert abs(motor_steps - told) > 100
    assert pump.records("law")[-1]["law"] == 0
    pump.call("stop")
    put_calibration(pump, lot="another")
    pump.call("start")
    pump.advance(60)
    assert law_of(pump) == ("angle", "other_tube")
    assert pump.plant_steps() - motor_steps == pytest.approx(pump.delivered_steps() - told, abs=7 * 28)


@pytest.mark.rule("R8")
def test_setting_the_same_again_writes_nothing() -> None:
    pump = calibrated()
    assert put(pump) == put(pump)
    assert len(pump.records("rotor_set")) == 1


def test_check_says_what_set_would_do_and_changes_nothing() -> None:
    pump = calibrated()
    text = sent(learned_one())
    assert pump.call("rotor.check", rotor=text) == {"id": learned_one().describe()["id"], "rotor": text}
    assert pump.call("rotor.check", rotor="") == {"id": "", "rotor": ""}
    assert pump.call("rotor.read")["rotor"] is None
    assert pump.records("rotor_set") == []


def test_a_table_can_be_taken_away() -> None:
    pump = calibrated()
    put(pump, zero_steps=0)
    assert pump.call("rotor.set", rotor="", zero_steps=-1)["law_cause"] == "no_table"
    assert law_of(pump) == ("angle", "no_table")
    assert law_of(again(pump)) == ("angle", "no_table")
    assert pump.fault("rotor.phase", zero_steps=0) == "no_rotor"


# --- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.rule("R7")
@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"tube": "T2"}, "rotor_other"), ({"lot": ""}, "rotor_other"), ({"bench": "else"}, "rotor_other"),
        ({"turns_steps": 3_201, "volumes": prices_of(dip(0.2), 192, 3_201)}, "rotor_other"), ({"turns": 2}, "rotor_other"),
        ({"utc_s": MONDAY_UTC_S + 2 * S_PER_DAY}, "calibration_date"), ({"volumes": [1] * 192}, "rotor_format"),
    ],
)  # fmt: skip
def test_another_bench_tube_or_lot_and_what_is_no_turn_are_refused(changed: dict, fault: str) -> None:
    pump = calibrated()
    for method in ("rotor.check", "rotor.set"):
        params = {"rotor": sent(learned_one(**changed))} | ({"zero_steps": 0} if method == "rotor.set" else {})
        assert fault_of(pump.ask(method, **params)) == fault
    assert pump.records("rotor_set") == []


def test_without_a_calibration_there_is_no_table() -> None:
    pump = ready()
    assert refusal_of(pump.ask("rotor.set", rotor=sent(learned_one()), zero_steps=0))["cause"] == "uncalibrated"


def test_a_running_pump_takes_none() -> None:
    pump = calibrated()
    put(pump)
    pump.call("start")
    pump.advance(1)
    assert pump.fault("rotor.set", rotor="", zero_steps=-1) == "not_stopped"
    assert pump.fault("rotor.phase", zero_steps=5) == "not_stopped"


@pytest.mark.parametrize("text", ["A", "####", base64.b64encode(b"TCR1").decode()])
def test_what_is_no_base64_or_no_table_is_refused(text: str) -> None:
    assert calibrated().fault("rotor.set", rotor=text, zero_steps=0) in ("bad_params", "rotor_format")


# --- does it count ---------------------------------------------------------------------------------------------------


def test_another_pair_of_the_same_tube_and_lot_keeps_the_shape_and_a_turn_costs_the_new_pair() -> None:
    pump = calibrated()
    put(pump, zero_steps=0)
    put_calibration(pump, volume_nl=1_100_000, steps=100_000)
    assert law_of(pump) == ("volume", "")
    pump.call("start")
    pump.advance(130)
    motor_steps = pump.plant_steps()
    turns = motor_steps * 1_100_000 / 100_000 / 3_200
    assert turns > 8
    assert abs(pump.delivered_steps() - motor_steps) < 3_200 / 3


@pytest.mark.parametrize("change", ["lot", "nominal", "volume", "date"])
def test_another_lot_and_an_expired_or_missing_calibration_do_not_count(change: str) -> None:
    pump = calibrated(constant(rate_nl(0.01 if change == "date" else 300.0)))
    limits = {"volume": {"expires_nl": 100_000}, "date": {"expires_nl": 0, "expires_days": 1}}.get(change, {})
    if limits:
        put_calibration(pump, **limits)
    put(pump, zero_steps=0)
    pump.call("start")
    pump.advance(1)
    assert law_of(pump) == ("volume", "")
    if change == "lot":
        pump.call("stop")
        put_calibration(pump, lot="L 2")
    elif change == "nominal":
        pump.call("stop")
        pump.call("calibration.set", calibration="")
    elif change == "volume":
        pump.advance(700)
    else:
        pump.advance(S_PER_DAY + 400)
    cause = {"lot": "other_tube", "nominal": "uncalibrated"}.get(change, "expired")
    assert law_of(pump) == ("angle", cause)
    assert law_of(again(pump)) == ("angle", cause)


def test_a_run_on_request_is_by_angle_and_its_law_is_journaled() -> None:
    """Learning and verifying disable nothing: the next run is by volume again."""
    pump = calibrated()
    put(pump, zero_steps=0)
    order = {"purpose": "calibration", "steps": 500, "volume_nl": 0, "rate_nl": rate_nl(20.0), "rate_seconds_s": 3600}
    pump.call("run.start", token=pump.token(), law="angle", **order)
    pump.advance(30)
    assert pump.plant_steps() == 500
    law = pump.records("law")[-1]
    assert (law["law"], law["cause"]) == (1, 7)
    assert "by_angle" not in pump.alarms()
    pump.call("rotor.phase", zero_steps=0)
    pump.call("run.start", token=pump.token(), law="", **order)
    pump.advance(30)
    assert pump.records("law")[-1]["law"] == 0
    assert pump.delivered_steps() == 1_000 != pump.plant_steps()


# --- damage ----------------------------------------------------------------------------------------------------------


@pytest.mark.rule("R9")
def test_a_damaged_table_is_an_alarm_until_one_is_set_again() -> None:
    pump = calibrated()
    put(pump)
    flash = pump.board.flash
    image = flash.read("/store/rotor.a")
    flash.write("/store/rotor.a", image[:-9] + bytes([image[-9] ^ 1]) + image[-8:])
    booted = again(pump)
    assert "rotor_damaged" in booted.alarms()
    assert booted.fault("start") == "alarm_active"
    assert booted.call("rotor.read")["rotor"] is None
    put(booted)
    assert "rotor_damaged" not in booted.alarms()
    booted.call("start")


def test_a_stored_table_that_is_none_is_an_alarm_and_the_pump_starts() -> None:
    pump = calibrated()
    pump.pump.setup.store.save("rotor", b"TCR1" + bytes(40))
    booted = again(pump)
    assert "rotor_damaged" in booted.alarms()
    assert booted.call("rotor.set", rotor="", zero_steps=-1)["law_cause"] == "no_table"
    assert "rotor_damaged" not in booted.alarms()
    assert again(booted).alarms() == []


@pytest.mark.rule("R9")
def test_a_cut_at_every_operation_of_a_set_leaves_the_old_table_or_the_new_one() -> None:
    from support.pump.flash import images_at_each_operation

    pump = calibrated()
    put(pump)
    image, texts = pump.image(), {sent(learned_one()), sent(learned_one(dip(0.2)))}
    pump.board.chip.record(bool)
    put(pump, learned_one(dip(0.2)), zero_steps=3)
    log, pump.board.chip.log = pump.board.chip.log, None
    seen = set()
    for _number, _torn, cut, _witness in images_at_each_operation(image, log):
        booted = Watched(cut, MONDAY_UTC_S)
        booted.advance(0.05)
        read = booted.call("rotor.read")["rotor"]
        seen.add(read)
        assert booted.alarms() == []
        if read == sent(learned_one(dip(0.2))):
            assert len(booted.records("rotor_set")) == 2
    assert seen == texts
    assert slots.unpack(pump.board.flash.read("/store/rotor.b"))[1] == binascii.a2b_base64(sent(learned_one(dip(0.2))))
