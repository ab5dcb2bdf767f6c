"""The Python interface on a real firmware: runs, doses, stop, the journal as columns; a review of another moment sends nothing."""

import asyncio
import threading
import time

import pytest

import thecal
from support.host.fake_pump import wait_until
from support.programs import constant
from support.rig.device import Device

pytestmark = [pytest.mark.needs("free_time"), pytest.mark.needs("plant")]
PRESCRIPTION = {"title": "t", "drug": "water", "basal": {"rate": "1 mL/h"}}


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path):
    monkeypatch.setenv("THECAL_RUNTIME", str(tmp_path / "runtime"))
    monkeypatch.setenv("TZ", "UTC")


@pytest.fixture
def pump(device: Device):
    device.client.close()
    with thecal.open(device.port_url) as opened:
        yield opened


@pytest.fixture
def live():
    """A pump in real time."""
    with Device(speed=1.0) as running:
        running.client.close()
        yield running


def followed(pump: thecal.Pump, order: thecal.Order, device: Device) -> thecal.Outcome:
    """Follow an order while the virtual time advances between the looks."""
    return pump.wait(order, on_progress=lambda done, whole: device.run_for(60))


def test_a_run_is_delivered_to_the_step_and_the_pump_says_so(pump, device: Device) -> None:
    order = pump.run("2 mL/h", duration="10 min", drug="water")
    outcome = followed(pump, order, device)
    assert outcome.done and outcome.made == outcome.whole == device.sim.plant_steps() == order.facts["whole_steps"]
    status = pump.status()
    assert status.state == "stopped" and status.delivered_steps == device.sim.plant_steps() and status.digest == order.digest
    assert status.delivered_ml == pytest.approx(1 / 3, abs=1e-4)


def test_program_start_bolus_stop_and_what_the_journal_says(pump, device: Device) -> None:
    programmed = pump.program(PRESCRIPTION)
    assert pump.start(set_clock=False if pump.status().utc_s else None).digest == programmed.digest
    order = pump.bolus("20 uL", "2 mL/h")
    outcome = followed(pump, order, device)
    assert outcome.done and pump.dose(order)["state"] == "done"
    stopped = pump.stop()
    steps = device.sim.plant_steps()
    device.run_for(60)
    assert device.sim.plant_steps() == steps == stopped.delivered_steps
    assert "this run delivered" in stopped.text
    journal = pump.journal("events")
    assert len({len(column) for column in journal.values()}) == 1
    ended = journal["event"].index("bolus_ended")
    assert journal["token"][ended] == order.token and journal["delivered_steps"][ended] == outcome.made
    assert journal["event"].count("stopped") == 1
    assert pump.samples("10 s")["delivered_most_steps"][-1] == steps


def test_a_temporary_rate_is_cancelled_by_its_order(pump, device: Device) -> None:
    pump.program(PRESCRIPTION)
    pump.start()
    order = pump.temporary("50 %", "2 h")
    device.run_for(120)
    assert pump.status().rate_ml_per_h == pytest.approx(0.5)
    assert "cancelled" in pump.cancel(order).text
    device.run_for(120)
    assert pump.status().rate_ml_per_h == pytest.approx(1)
    with pytest.raises(thecal.Refused):
        pump.cancel(order)


def test_a_review_of_before_a_power_cut_or_another_dose_delivers_nothing(pump, device: Device) -> None:
    pump.program(PRESCRIPTION)
    pump.start()
    old = pump.prepare_bolus("20 uL", "2 mL/h")
    followed(pump, pump.bolus("20 uL", "2 mL/h"), device)
    with pytest.raises(thecal.Stale, match="last dose"):
        old.carry_out()
    old = pump.prepare_bolus("20 uL", "2 mL/h")
    device.power_cycle(5)
    with pytest.raises(thecal.Stale, match="power-up"):
        old.carry_out()
    assert pump.journal("events")["event"].count("bolus_ordered") == 1


def test_a_power_cut_in_a_run_ends_the_wait_with_its_cause(pump, device: Device) -> None:
    order = pump.run("2 mL/h", duration="1 h", drug="water")
    device.run_for(60)
    device.power_cycle(5)
    with pytest.raises(thecal.ThecalError, match="ended early"):
        followed(pump, order, device)


def test_a_timeout_ends_the_wait_and_not_the_run(pump) -> None:
    order = pump.run("1 mL/h", duration="2 h", drug="water")
    outcome = pump.wait(order, timeout_s=0)
    assert not outcome.done and pump.status().state == "running"


TRIES, LIMIT_MS = 5, 300


@pytest.mark.rule("R1")
def test_a_stop_waits_for_no_other_thread(live: Device, record_property) -> None:
    """Other threads download the journal without end; the stop acts between two of their bytes."""
    live.upload(constant(1_000_000))
    live.client.close()
    with thecal.open(live.port_url) as pump:
        pump.start()
        wait_until(lambda: live.sim.plant_steps() > 0)
        ended, errors = threading.Event(), []

        def download() -> None:
            while not ended.is_set():
                try:
                    pump.journal()
                except thecal.ThecalError as error:
                    errors.append(error)

        threads = [threading.Thread(target=download) for _ in range(3)]
        for one in threads:
            one.start()
        found = []
        for _ in range(TRIES):  # a stop that waits for a thread is late each time, one on a busy machine now and then
            time.sleep(0.5)
            begun_ms = live.sim.now_ms()
            pump.stop()
            steps = live.sim.plant_steps()
            found.append(live.sim.plant_last_step_ms() - begun_ms)
            assert not live.sim.enable_level()
            if found[-1] <= LIMIT_MS:
                break
            pump.start()
        ended.set()
        for one in threads:
            one.join()
        assert live.sim.plant_steps() == steps
        record_property("figure", f"stop from Python, three threads download: last step after {found} ms (limit {LIMIT_MS})")
        assert min(found) <= LIMIT_MS




@pytest.mark.rule("R1")
def test_a_stop_acts_in_the_middle_of_another_thread_s_exchange(live: Device) -> None:
    """Without the word between its bytes the stop would act after the second for which it waits for its turn."""
    live.upload(constant(1_000_000))
    live.client.close()
    with thecal.open(live.port_url) as pump:
        pump.start()
        wait_until(lambda: live.sim.plant_steps() > 0)
        held, ended = threading.Event(), threading.Event()

        def hold() -> None:
            with pump._session.opened():
                held.set()
                ended.wait(10)

        holder = threading.Thread(target=hold)
        holder.start()
        held.wait()
        begun_ms = live.sim.now_ms()
        try:
            pump.stop()
        finally:
            ended.set()
            holder.join()
        assert live.sim.plant_last_step_ms() - begun_ms < 900 and not live.sim.enable_level()


def test_asyncio_runs_a_pump_and_a_cancelled_wait_ends_at_once(live: Device) -> None:
    async def scenario() -> None:
        async with thecal.aio.open(live.port_url) as pump:
            order = await pump.run("1 mL/h", duration="2 h", drug="water", confirm=lambda review: bool(review.rows))
            looks: list[tuple[int, int]] = []
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(pump.wait(order, on_progress=lambda *look: looks.append(look)), 1.5)
            assert looks and looks[0][1] == order.facts["whole_steps"]
            assert (await pump.status()).state == "running"
            assert (await pump.stop()).delivered_steps == live.sim.plant_steps()

    asyncio.run(scenario())
