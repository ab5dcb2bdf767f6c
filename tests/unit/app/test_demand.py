"""Demand boluses: lockout from the start of the last one, most in 24 powered-on hours, for button and host alike."""

import pytest

from pumpcore.faults import faults
from pumpcore.wire import record_types
from support.programs import constant, resuming, with_settings
from support.pump.running import Watched, power_cut, ready, running
from support.replies import refusal_of

DOSE, DURATION = 60_000, 120  # 5,999 steps
STEPS = 5_999
DEMAND = {"demand_on": 1, "demand_nl": DOSE, "demand_s": DURATION, "lockout_s": 1800, "demand_per_day": 3}


def pump_with(**changes: int) -> Watched:
    return running(resuming(with_settings(constant(360_000), **{**DEMAND, **changes})))


def ask(pump: Watched) -> dict:
    return pump.ask("bolus.demand", token=pump.token())


def given(pump: Watched) -> str:
    """Order a demand bolus, which must be accepted; return its token."""
    reply = ask(pump)
    assert "result" in reply, reply
    return reply["result"]["token"]


def press(pump: Watched) -> None:
    pump.board.buttons.bolus = True
    pump.advance(0.01)


@pytest.mark.rule("R5")
def test_a_demand_bolus_is_the_program_s_dose_over_its_time() -> None:
    pump = pump_with()
    token = given(pump)
    pump.advance(DURATION + 10)
    told = pump.bolus(token)
    assert (told["state"], told["purpose"], told["volume_nl"], told["delivered_steps"]) == ("done", "demand", DOSE, STEPS)
    (dose,) = pump.records("dose")
    assert (dose["token"], dose["purpose"], dose["volume_nl"], dose["duration_s"]) == (bytes.fromhex(token), 3, DOSE, DURATION)
    begun = [record for record in pump.journal() if record.name == "bolus_started"]
    assert 0 <= dose["powered_on_s"] - begun[0].uptime_ms / 1000 <= 2


@pytest.mark.rule("R5")
def test_the_lockout_runs_from_the_start_of_the_last_one() -> None:
    pump = pump_with()
    given(pump)
    start_s = pump.records("dose")[0]["powered_on_s"]
    pump.advance(start_s + 1800 - 1 - pump.call("status")["powered_on_s"])
    told = refusal_of(ask(pump))
    assert (told["fault"], told["rule"], told["wait_s"], told["limit_s"]) == ("demand_locked", "R5", 1, 1800)
    assert told["asked_s"] == 1799 and told["nearest_s"] == 1800
    pump.advance(1)
    given(pump)


@pytest.mark.rule("R5")
def test_no_more_than_the_program_allows_in_24_hours() -> None:
    pump = pump_with()
    for _ in range(3):
        given(pump)
        pump.advance(1810)
    told = refusal_of(ask(pump))
    assert (told["fault"], told["asked"], told["limit"]) == ("demand_count", 4, 3)
    first_s = pump.records("dose")[0]["powered_on_s"]
    now_s = pump.call("status")["powered_on_s"]
    assert told["wait_s"] == first_s + 86_400 - now_s
    pump.advance(told["wait_s"] - 1)
    assert refusal_of(ask(pump))["fault"] == "demand_count"
    pump.advance(1)
    given(pump)
    pump.advance(200)
    assert refusal_of(ask(pump))["fault"] == "demand_locked"


def test_the_button_orders_the_same_and_holding_it_orders_no_more() -> None:
    pump = pump_with()
    press(pump)
    assert pump.board.buzzer.pattern == "low"
    pump.advance(0.3)
    assert pump.board.buzzer.pattern == "off", "shorter than for a refusal"
    pump.advance(140)
    (dose,) = pump.records("dose")
    assert dose["purpose"] == 3 and pump.records("bolus_ended")[0]["delivered_steps"] == STEPS
    assert pump.call("status")["therapy"]["demands_in_day"] == 1


@pytest.mark.rule("R9")
def test_presses_that_come_early_are_heard_counted_and_do_not_fill_the_journal() -> None:
    pump = pump_with()
    press(pump)
    for _ in range(400):
        pump.advance(1.5)
        press(pump)
        pump.advance(0.5)
        assert pump.board.buzzer.pattern == "low"
    told = pump.records("demand_refused")
    assert len(told) == 1 and told[0]["count"] == 1 and told[0]["fault"] == faults.by_name("demand_locked").number
    pump.advance(120)
    assert pump.board.buzzer.pattern == "off"
    told = pump.records("demand_refused")
    assert [row["count"] for row in told] == [1, 399] and pump.call("status")["therapy"]["demands_refused"] == 400
    assert len(pump.records("dose")) == 1


@pytest.mark.parametrize("changes", [{"demand_on": 0}, None])
def test_without_the_program_s_leave_there_is_none(changes: dict | None) -> None:
    pump = pump_with(**changes) if changes else running(constant(360_000))
    assert refusal_of(ask(pump))["fault"] == "demand_off"
    press(pump)
    assert pump.records("dose") == []


def test_a_stopped_pump_gives_none() -> None:
    pump = ready(with_settings(constant(360_000), **DEMAND))
    press(pump)
    assert refusal_of(ask(pump))["fault"] == "not_running" and pump.records("dose") == []


@pytest.mark.rule("R8")
def test_a_token_orders_one_and_only_as_what_it_did() -> None:
    pump = pump_with()
    token = given(pump)
    pump.advance(2000)
    assert pump.ask("bolus.demand", token=token)["result"]["token"] == token
    assert pump.fault("bolus.start", token=token, volume_nl=DOSE, rate_nl=1_800_000) == "token_used"
    assert pump.fault("bolus.demand", token="0" * 16) == "token_unknown"
    assert len(pump.records("dose")) == 1


@pytest.mark.rule("R5")
@pytest.mark.parametrize(("off_s", "known"), [(3, True), (7 * 86_400, True), (3, False)])
def test_a_power_cut_shortens_neither_lockout_nor_count(off_s: int, known: bool) -> None:
    pump = pump_with()
    given(pump)
    start_s = pump.records("dose")[0]["powered_on_s"]
    pump.advance(300)
    again = power_cut(pump, off_s, known)
    again.advance(100)
    if again.state() != "running":
        again.call("start")
        again.advance(1)
    told = refusal_of(ask(again))
    assert told["fault"] == "demand_locked"
    assert told["wait_s"] == start_s + 1800 - again.call("status")["powered_on_s"]
    assert told["wait_s"] >= 1800 - 300 - 101
    assert again.call("status")["therapy"]["demands_in_day"] == 1
    again.advance(told["wait_s"])
    given(again)


@pytest.mark.rule("R5")
def test_setting_the_clock_shortens_neither_lockout_nor_count() -> None:
    pump = pump_with()
    given(pump)
    pump.call("stop")
    for by_s in (86_400 * 30, -86_400 * 365):
        pump.call("clock.set", utc_s=pump.board.clock.utc_s() + by_s, offset_s=0)
        pump.call("start")
        pump.advance(1)
        assert refusal_of(ask(pump))["fault"] == "demand_locked"
        pump.call("stop")


@pytest.mark.rule("R5")
def test_a_journal_without_the_last_dose_still_locks() -> None:
    pump = pump_with()
    given(pump)
    pump.advance(130)
    ring = pump.pump.journal.rings["events"]
    path = ring.path(ring.firsts[-1])
    data = pump.board.flash.read(path)
    pump.board.flash.write(path, data[:100])
    again = power_cut(pump, 3)
    again.advance(100)
    assert refusal_of(ask(again))["fault"] == "demand_locked"


# --- limits of any bolus ------------------------------------------------------------------------------------------------------


@pytest.mark.rule("R5")
def test_a_bolus_above_the_largest_is_refused_with_the_nearest() -> None:
    pump = pump_with(bolus_max_nl=100_000)
    token = pump.token()
    told = pump.refusal("bolus.start", token=token, volume_nl=100_001, rate_nl=3_600_000)
    assert (told["fault"], told["asked_nl"], told["limit_nl"], told["nearest_nl"]) == ("bolus_above_max", 100_001, 100_000, 100_000)
    assert "result" in pump.ask("bolus.start", token=token, volume_nl=100_000, rate_nl=3_600_000)


@pytest.mark.rule("R5")
def test_the_boluses_of_24_hours_have_a_sum_and_a_cut_does_not_forget_it() -> None:
    pump = pump_with(bolus_day_nl=250_000)
    pump.order(100_000, 3_600_000)
    pump.advance(110)
    given(pump)
    pump.advance(130)
    again = power_cut(pump, 3)
    again.advance(100)
    token = again.token()
    told = again.refusal("bolus.start", token=token, volume_nl=90_001, rate_nl=3_600_000)
    assert (told["fault"], told["asked_nl"], told["limit_nl"], told["nearest_nl"]) == ("bolus_day", 250_001, 250_000, 90_000)
    assert 86_400 - 400 < told["wait_s"] <= 86_400
    assert "result" in again.ask("bolus.start", token=token, volume_nl=90_000, rate_nl=3_600_000)


@pytest.mark.rule("R5")
def test_a_soft_limit_of_the_library_needs_the_program_s_override() -> None:
    library = {"library": "bench", "library_version": 1, "soft_bolus_nl": 80_000}
    pump = pump_with(**library)
    token = pump.token()
    assert pump.refusal("bolus.start", token=token, volume_nl=80_001, rate_nl=3_600_000)["fault"] == "library_soft"
    pump = pump_with(**library, overrides=4)
    pump.order(80_001, 3_600_000)


@pytest.mark.rule("R9")
def test_what_is_overridden_is_in_the_journal_and_in_the_status() -> None:
    pump = ready(with_settings(constant(360_000), library="bench", library_version=9, soft_rate_nl=300_000, overrides=2))
    assert pump.records("override") == [{"what": 1, "asked_nl": 360_000, "limit_nl": 300_000, "library_version": 9}]
    told = pump.call("status")["therapy"]
    assert (told["overrides"], told["library"], told["library_version"]) == (["rate"], "bench", 9)


@pytest.mark.rule("R5")
def test_a_demand_bolus_counts_on_flash_before_it_is_wanted() -> None:
    pump = pump_with()
    app = pump.pump
    order, seen = app.delivery.orders.order, []

    def watched(bolus: object) -> int:
        path = app.journal.rings["events"].path(app.journal.rings["events"].firsts[-1])
        seen.extend([row.name for row in record_types.decode(pump.board.flash.read(path))[0][-2:]])
        return order(bolus)

    app.delivery.orders.order = watched
    given(pump)
    assert seen == ["dose", "bolus_ordered"]
