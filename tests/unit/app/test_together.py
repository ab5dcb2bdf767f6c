"""Orders that meet: the effect of one on another in lease, rate, status and journal."""

import pytest

from support.programs import MONDAY_UTC_S, constant, day, resuming, with_settings
from support.pump.flash import images_at_each_operation
from support.pump.running import BENCH, Watched, power_cut, ready, running
from support.some import some_of

NL_IN_99_991_STEPS = 1_000_003
MINUTE_S = 60
CEILING_NL = BENCH["ceilings"]["rate_nl"]
BASAL_NL = CEILING_NL * 4 // 7
FAST_NL = CEILING_NL * 6 // 7
DOSE_NL = FAST_NL // 120  # 30 s of it
PAIR = {"numerator": 0, "denominator": 0}


def open_steps(pump: Watched) -> int:
    told = pump.call("status")
    return told["leased_steps"] - told["delivered_steps"]


@pytest.mark.rule("R8")
@pytest.mark.parametrize("method", some_of(["stop", "status", "bolus.status"], 3))
def test_a_slice_without_a_step_of_a_slow_bolus_can_be_asked_about_and_stopped(method: str) -> None:
    for quarter in range(60):
        pump = running(resuming(constant(0)))
        pump.call("bolus.extended", token=pump.token(), volume_nl=-(-61 * NL_IN_99_991_STEPS // 99_991), duration_s=600)
        extended = pump.call("status")["extended"]["token"]
        pump.advance(8 + quarter / 4)
        reply = pump.ask(method, **({"token": extended} if method == "bolus.status" else {}))
        assert "result" in reply, (quarter, reply)


@pytest.mark.rule("R2")
def test_what_a_cancelled_temporary_rate_had_leased_is_not_kept() -> None:
    pump = running(resuming(constant(3_600_000)))
    pump.call("temporary.start", token=pump.token(), rate_nl=CEILING_NL // 2, duration_s=600, **PAIR)
    pump.advance(70)
    pump.call("temporary.cancel", token=pump.pump.delivery.overlay.present.token)
    pump.advance(70)
    assert open_steps(pump) <= 100 * MINUTE_S + 1
    again = power_cut(pump, 5)
    again.advance(90)
    before = again.plant_steps()
    again.advance(600)
    assert again.plant_steps() - before >= 99 * 600


@pytest.mark.rule("R2")
def test_what_an_extended_bolus_that_was_set_aside_and_cancelled_had_leased_is_not_kept() -> None:
    pump = running(resuming(constant(36_000)))
    extended = pump.token()
    pump.call("bolus.extended", token=extended, volume_nl=10_000_000, duration_s=1200)
    pump.advance(67)  # a lease has just been written
    pump.call("bolus.start", token=pump.token(), volume_nl=200_000, rate_nl=36_000_000)
    pump.advance(8)
    pump.call("bolus.cancel", token=extended)
    pump.advance(200)
    assert open_steps(pump) <= MINUTE_S + 1


@pytest.mark.rule("R5")
@pytest.mark.parametrize("waits_s", [0, 6])
def test_a_bolus_is_judged_beside_a_temporary_rate_that_waits_as_beside_one_that_runs(waits_s: int) -> None:
    pump = running(constant(3_600_000))
    pump.advance(6)
    pump.call("temporary.start", token=pump.token(), rate_nl=FAST_NL, duration_s=60, **PAIR)
    pump.advance(waits_s)
    data = pump.ask("bolus.start", token=pump.token(), volume_nl=DOSE_NL, rate_nl=FAST_NL)["error"]["data"]
    assert (data["fault"], data["nearest_nl"]) == ("rate_above_ceiling", CEILING_NL - FAST_NL)


@pytest.mark.rule("R5")
def test_a_bolus_must_fit_beside_what_the_basal_is_once_a_lowered_rate_is_cancelled() -> None:
    pump = running(constant(BASAL_NL))
    pump.advance(6)
    pump.call("temporary.start", token=pump.token(), rate_nl=0, duration_s=60, **PAIR)
    pump.advance(6)
    data = pump.ask("bolus.start", token=pump.token(), volume_nl=DOSE_NL, rate_nl=FAST_NL)["error"]["data"]
    assert (data["fault"], data["nearest_nl"]) == ("rate_above_ceiling", CEILING_NL - BASAL_NL)


@pytest.mark.rule("R5")
def test_without_a_clock_a_bolus_must_fit_beside_any_hour_of_the_week() -> None:
    new = day((0, 0, 3_600_000), (8, 0, BASAL_NL))
    new.on_clock_loss = "lowest"
    pump = ready(new, utc_s=0)
    pump.call("start")
    pump.advance(10)
    data = pump.ask("bolus.start", token=pump.token(), volume_nl=DOSE_NL, rate_nl=FAST_NL)["error"]["data"]
    assert (data["fault"], data["nearest_nl"]) == ("rate_above_ceiling", CEILING_NL - BASAL_NL)


@pytest.mark.rule("R9")
def test_a_temporary_rate_below_a_basal_that_the_clock_brings_does_not_resume() -> None:
    new = resuming(day((0, 0, 3_600_000), (8, 0, BASAL_NL)))
    new.on_clock_loss = "lowest"
    pump = ready(new, utc_s=0)
    pump.call("start")
    pump.advance(10)
    pump.call("temporary.start", token=pump.token(), rate_nl=7_200_000, duration_s=3600, **PAIR)
    pump.advance(10)
    pump.call("clock.set", utc_s=MONDAY_UTC_S + 9 * 3600, offset_s=0)
    pump.advance(120)
    again = power_cut(pump, 5)
    again.advance(120)
    assert again.state() == "stopped" and "not_resumed" in again.alarms()


@pytest.mark.rule("R8")
def test_an_extended_bolus_outlives_the_memory_of_many_others() -> None:
    pump = running(constant(3_600_000))
    extended = pump.token()
    pump.call("bolus.extended", token=extended, volume_nl=1_000_000, duration_s=7200)
    for _ in range(9):
        pump.call("bolus.start", token=pump.token(), volume_nl=60_000, rate_nl=10_000_000)
        pump.advance(30)
    assert pump.call("bolus.status", token=extended)["state"] == "delivering"
    assert pump.call("bolus.cancel", token=extended)["token"] == extended


@pytest.mark.rule("R5")
def test_a_ceiling_ends_an_extended_bolus_that_waits_too() -> None:
    new = constant(3_600_000)
    new.hour_nl = 6_000_000
    pump = running(new)
    pump.advance(5)
    pump.call("bolus.start", token=pump.token(), volume_nl=1_500_000, rate_nl=4_000_000)
    waiting = pump.token()
    pump.call("bolus.extended", token=waiting, volume_nl=1_000_000, duration_s=3600)
    pump.call("temporary.start", token=pump.token(), rate_nl=15_000_000, duration_s=1200, **PAIR)
    pump.advance(1200)
    assert pump.state() == "limited"
    assert pump.call("bolus.status", token=waiting)["state"] == "cut"


def test_the_windows_move_on_while_it_is_stopped() -> None:
    pump = running(constant(3_600_000))
    pump.advance(3600)
    pump.call("stop")
    assert pump.call("status")["hour_nl"] > 3_500_000
    pump.advance(2 * 3600)
    told = pump.call("status")
    assert told["hour_nl"] == 0 and told["day_nl"] > 3_500_000


@pytest.mark.rule("R7")
def test_a_pump_that_has_nearly_filled_its_day_can_be_turned_down() -> None:
    new = constant(3_600_000)
    new.day_nl = 90_000_000
    pump = running(new)
    pump.advance(86_400)
    reply = pump.ask("temporary.start", token=pump.token(), rate_nl=1_800_000, duration_s=4 * 3600, **PAIR)
    assert "result" in reply, reply


@pytest.mark.rule("R5")
@pytest.mark.parametrize("first", ["manual", "extended"])
@pytest.mark.parametrize("later_s", [0, 30])
def test_an_extended_bolus_counts_and_is_told_from_where_it_begins(first: str, later_s: int) -> None:
    pump = running(with_settings(constant(36_000), bolus_day_nl=3_000_000))
    pump.advance(10)
    manual = {"volume_nl": 1_000_000, "rate_nl": 2_000_000}
    extended = {"volume_nl": 2_000_000, "duration_s": 3600}
    told = {}
    for kind in ("start", "extended") if first == "manual" else ("extended", "start"):
        order = extended if kind == "extended" else manual
        told[kind] = pump.call("bolus." + kind, token=pump.token(), **order)
        pump.advance(later_s)
    pump.advance(2000)
    begun = {row.fields["token"].hex(): row.uptime_ms for row in pump.journal() if row.name == "bolus_started"}
    for reply in told.values():
        assert begun[reply["token"]] == reply["begins_at_ms"]
    dose = next(row for row in pump.records("dose") if row["token"].hex() == told["extended"]["token"])
    began_s = told["extended"]["begins_at_ms"] // 1000 + 1
    assert dose["powered_on_s"] in (began_s, began_s + 1)
    doses = pump.pump.doses
    assert doses.sum_nl(began_s + 86_399) == 2_000_000 + (1_000_000 if first == "extended" else 0)


@pytest.mark.rule("R9")
@pytest.mark.parametrize("kind", ["start", "extended"])
@pytest.mark.parametrize("cancelled", [False, True])
def test_a_bolus_that_ended_is_not_cut_by_a_power_failure_before_the_next_lease(kind: str, cancelled: bool) -> None:
    pump = running(resuming(constant(3_600_000)))
    pump.advance(2)
    order = {"rate_nl": 10_000_000} if kind == "start" else {"duration_s": 600}
    one = pump.call("bolus." + kind, token=pump.token(), volume_nl=100_000, **order)["token"]
    pump.advance(8)
    if cancelled:
        pump.call("bolus.cancel", token=one)
    while not pump.records("bolus_ended"):
        pump.advance(0.5)
    record = pump.pump.book.last_record()
    assert one in ("%016x" % record.bolus_token, "%016x" % record.extended_token)
    told = pump.bolus(one)
    again = power_cut(pump, 5)
    again.advance(30)
    assert len(again.records("bolus_ended")) == 1 and "extended_cut" not in again.alarms()
    settled = again.bolus(one)
    assert (settled["state"], settled["delivered_steps"]) == (told["state"], told["delivered_steps"])


@pytest.mark.rule("R9")
def test_a_stop_that_a_cut_interrupts_ends_a_bolus_once() -> None:
    pump = running(constant(3_600_000))
    pump.order(100_000, 10_000_000)
    pump.advance(12)
    image = pump.image()
    pump.board.chip.record(lambda: 0)
    pump.call("stop")
    ends = set()
    for _, _, cut_image, _ in images_at_each_operation(image, pump.board.chip.log):
        again = ready(image=cut_image)
        rows = again.records("bolus_ended")
        ends.add(rows[0]["reason"])
        assert len(rows) == 1
    assert ends == {2, 3}


@pytest.mark.rule("R9")
@pytest.mark.parametrize(("stopped", "at_a_retry"), [(False, False), (True, False), (False, True)])
def test_a_temporary_rate_that_is_cancelled_in_a_pause_is_missed_until_then_and_the_basal_from_then_on(
    stopped: bool, at_a_retry: bool
) -> None:
    new = constant(3_600_000)
    new.hour_nl = 6_000_000
    pump = running(new)
    pump.advance(5)
    begins_ms = pump.call("temporary.start", token=pump.token(), rate_nl=15_000_000, duration_s=1300, **PAIR)["begins_at_ms"]
    bolus = pump.order(1_500_000, 20_000_000)
    while pump.state() != "limited":
        pump.advance(10)
    pump.advance(100)
    delivery = pump.pump.delivery
    while at_a_retry and delivery.next_ms() == pump.board.clock.uptime_ms():
        pump.advance(0.5)
    temporary = delivery.overlay.present.token
    told = pump.call("temporary.cancel", token=temporary)
    assert told["ends_at_ms"] < begins_ms + 1_300_000
    pump.advance(2)
    assert pump.call("temporary.cancel", token=temporary) == told
    pump.advance(200 if stopped else 3600)
    made = pump.call("stop")["delivered_steps"] - pump.bolus(bolus)["delivered_steps"]
    missed = sum([row["missed_steps"] for row in pump.records("unpaused", "missed")])
    passed_ms = pump.board.clock.uptime_ms()
    at_temporary_ms = told["ends_at_ms"] - begins_ms
    due = (15_000_000 * at_temporary_ms + 3_600_000 * (passed_ms - at_temporary_ms)) * 99_991 // (3_600_000 * 1_000_003)
    assert abs(made + missed - due) <= 2 * 420  # the first and the last second are not whole


@pytest.mark.parametrize("kind", ["start", "demand", "extended"])
def test_the_rate_of_a_bolus_is_the_same_live_and_from_the_journal(kind: str) -> None:
    """Per the program's seconds, rounded up."""
    pump = running(with_settings(constant(36_000, 7), demand_on=1, demand_nl=60_001, demand_s=120, lockout_s=1800, demand_per_day=3))
    orders = {"start": {"volume_nl": 60_001, "rate_nl": 19_444}, "demand": {}, "extended": {"volume_nl": 60_001, "duration_s": 700}}
    rate_nl = {"start": 19_444, "demand": -(-60_001 * 7 // 120), "extended": -(-60_001 * 7 // 700)}[kind]
    one = pump.call("bolus." + kind, token=pump.token(), **orders[kind])["token"]
    pump.advance(10)
    live = pump.bolus(one)
    assert live.pop("rate_seconds_s") == 7
    assert live.pop("begins_at_ms") > 0  # of this power-up
    assert live["rate_nl"] == pump.call("status")["extended" if kind == "extended" else "bolus"]["rate_nl"] == rate_nl
    pump.call("stop")
    again = power_cut(pump, 5)
    again.advance(0.1)
    told = again.bolus(one)
    assert told["rate_nl"] == rate_nl and {**told, "delivered_steps": 0, "state": ""} == {**live, "delivered_steps": 0, "state": ""}
