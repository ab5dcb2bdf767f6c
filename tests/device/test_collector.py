"""The simulator's MicroPython collects its memory only between two turns of the firmware's loop, and must lose nothing there.

Where else it would lose objects: firmware/hal/sim/system.py. A collection in every turn, in a heap so small that freed memory is used again
at once, must leave journal, plant and answers as without any collection.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from pumpcore.orders.bolus import Temporary
from support.programs import MONDAY_UTC_S, constant, example_day
from support.rig.device import Device, Figures
from support.rig.tables import STEPS_PER_NL, give_table
from thecal.pump import orders
from thecal.sim.devices import Devices
from thecal.sim.errors import SimulatorError
from thecal.sim.options import HEAP_LIMIT_BYTES

pytestmark = [pytest.mark.needs("plant"), pytest.mark.needs("free_time"), pytest.mark.needs("flash_operations")]
SMALL_HEAP_BYTES = 2 << 20
TORTURE = os.environ.get("THECAL_HYPOTHESIS") == "torture"
DAY_S, HOUR_S = 86_400, 3_600
DAY_LIMIT_BYTES = 12_000_000  # on a chip with 100 kB free: a collection in 12 minutes
MEMORY_LOW = 695


class Turns:
    """Count the firmware's waits: at most one in a turn of its loop."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        waiting = Devices.waiting

        def counted(devices: Devices, wait: Any) -> Any:
            def one(duration_ns: int | None, wants_input: bool) -> bool:
                self.count += 1
                return bool(wait(duration_ns, wants_input))

            return waiting(devices, one)

        monkeypatch.setattr(Devices, "waiting", counted)


def a_life(device: Device, hours: int) -> Iterator[object]:
    """Run therapy with most host commands; yield the pump's answers."""
    client = device.client
    device.upload(example_day().packed)
    client.clock_set(MONDAY_UTC_S, 0)
    client.start()
    device.run_for(HOUR_S)
    yield client.hello()
    yield device.order(20_000, 3_000_000)
    device.run_for(HOUR_S)
    token = client.bolus_token()
    yield client.command("temporary.start", {**orders.temporary(Temporary("", 0, 1, 2, 1_800)).params, "token": token})
    device.run_for(HOUR_S // 4)
    yield orders.cancel_temporary(client, token)
    yield device.ask_raw("no.such.method")["error"]
    yield device.say(b"{" + b"x" * 1_900 + b"\n")
    for _ in range(hours):
        device.run_for(HOUR_S)
        yield _steady(client.status())
        yield device.raw_journal()
    device.sim.wait_until_idle()  # the answer arrives before its turn has ended
    device.sim.press_stop()
    device.run_for(10)
    yield device.alarms()
    device.client.ack(device.client.alarms()["alarms"][0]["fault"])
    client.start()
    device.run_for(HOUR_S)
    yield _steady(client.status())


def _steady(status: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in status.items() if name != "free_memory_bytes"}


@contextmanager
def pump(collector: str, heap_bytes: int) -> Iterator[Device]:
    with Device(seed=5, collector=collector, heap_bytes=heap_bytes) as device:
        yield device


@pytest.mark.long
def test_forced_collections_change_nothing(monkeypatch: pytest.MonkeyPatch, record_property: Figures) -> None:
    collections, hours = (10_000, 8) if TORTURE else (2_000, 0)
    found = []
    for collector, heap_bytes in (("never", HEAP_LIMIT_BYTES), ("always", SMALL_HEAP_BYTES)):
        turns = Turns(monkeypatch)
        with pump(collector, heap_bytes) as device:
            answers = [repr(answer) for answer in a_life(device, hours)]
            found.append((answers, device.raw_journal(), device.raw_journal("faults"), device.sim.plant_steps(), device.sim.now_ms()))
            device.sim.hang_up()
            device.sim.wait_until_idle()
            assert device.sim.guest_error() is None
            assert not device.sim.enable_level()
        monkeypatch.undo()
    record_property("figure", f"collections forced in the simulator, journal and plant equal: {turns.count}")
    assert turns.count >= collections
    assert found[0] == found[1]


def test_the_garbage_of_a_day_is_a_figure_to_keep_small(record_property: Figures) -> None:
    """It is garbage on the chip too."""
    with pump("never", HEAP_LIMIT_BYTES) as device:
        device.begin(example_day().packed)
        before_bytes = device.client.status()["free_memory_bytes"]
        device.run_for(DAY_S)
        day_bytes = before_bytes - device.client.status()["free_memory_bytes"]
    record_property("figure", f"garbage of the example day: {day_bytes / 1e6:.1f} MB")
    assert 0 < day_bytes <= DAY_LIMIT_BYTES


SLOW_NL, CEILING_NL = 100_000, 39_000_000 // 24  # 100 uL/h; nearly what the bench allows in a day
LEAST_DAYS = 60
BY_VOLUME_LIMIT_BYTES = 20_000_000  # at 100 uL/h; on a chip with 60 kB free: a collection in 4 minutes


@pytest.mark.parametrize(("rate_nl", "limit_bytes"), [(SLOW_NL, BY_VOLUME_LIMIT_BYTES), (CEILING_NL, None)], ids=["slow", "ceiling"])
def test_by_volume_the_garbage_of_a_day_is_a_figure_too(rate_nl: int, limit_bytes: int | None, record_property: Figures) -> None:
    with pump("never", HEAP_LIMIT_BYTES) as device:
        give_table(device)
        device.begin(constant(rate_nl))
        before_bytes = device.client.status()["free_memory_bytes"]
        device.run_for(DAY_S)
        status = device.client.status()
    assert (status["law"], status["state"]) == ("volume", "running")
    day_bytes = before_bytes - status["free_memory_bytes"]
    days = HEAP_LIMIT_BYTES // day_bytes
    told = f"{day_bytes / 1e6:.1f} MB a day: {days} days of the largest heap without a collection"
    record_property("figure", f"garbage by volume at {rate_nl / 1000:.0f} uL/h: {told}")
    assert limit_bytes is None or day_bytes <= limit_bytes


@pytest.mark.long
def test_weeks_by_volume_on_one_power_up(record_property: Figures) -> None:
    days = LEAST_DAYS if TORTURE else 3
    with Device(seed=6) as device:
        rotor = give_table(device).rotor()
        device.begin(constant(SLOW_NL))
        first = device.client.status()
        for _ in range(days):
            device.run_for(DAY_S)
            status = device.client.status()
            assert (status["law"], status["state"], status["alarms"]) == ("volume", "running", [])
        made, told, took_ms = (status[name] - first[name] for name in ("motor_steps", "delivered_steps", "uptime_ms"))
        assert status["motor_steps"] == device.sim.plant_steps()
        assert abs(made - told) <= rotor.turns_steps, "whole turns cost the pair"
        due = took_ms * SLOW_NL * STEPS_PER_NL / HOUR_S / 1000
        assert abs(told - due) <= 2 * rotor.dearest, "by the pump's own clock"
    record_property("figure", f"by volume at 100 uL/h: {days} days on one power-up")


def test_before_its_memory_ends_the_pump_stops_with_an_alarm_and_says_so() -> None:
    device = Device(seed=5, collector="never", heap_bytes=6 << 20)
    try:
        with pytest.raises(SimulatorError, match="its memory is used up; it has stopped with the alarm memory_low"):
            device.begin(example_day().packed)
            device.run_for(DAY_S)
        assert "memory is used up" in (device.sim.death() or "")
        steps = device.sim.plant_steps()
        assert not device.sim.enable_level()
        device.sim.cut_power()
        device.sim.restore_power()
        device.run_for(2)
        assert device.sim.plant_steps() == steps
        assert [record.fields["fault"] for record in device.records("alarm", ring="faults")][:1] == [MEMORY_LOW]
        assert device.state() == "alarm"
    finally:
        device.client.close()
        device.sim.close()


@pytest.mark.long
def test_days_on_end_over_several_power_ups(record_property: Figures) -> None:
    """Each power-up collects many times; every step is the plan's, and the only alarm is that of the power."""
    power_ups, days = (6, 67) if TORTURE else (2, 2)
    program = example_day().program
    program.after_power_loss = "resume"
    with Device(seed=6) as device:
        device.begin(program)
        for number in range(power_ups):
            for _ in range(days):
                device.run_for(DAY_S)
                status = device.client.status()
                assert status["state"] == "running", (number, status["alarms"])
                assert status["delivered_steps"] - status["uncertain_steps"] <= device.sim.plant_steps() <= status["leased_steps"]
            if number < power_ups - 1:
                device.power_cycle(HOUR_S)
                assert device.reaches("running", 120)
                assert device.alarms() == ["power_lost"]
    record_property("figure", f"days in the simulator on end: {power_ups * days} over {power_ups} power-ups, {days} on each")
