"""A pump that runs the files of the firmware one by one does what a pump does that runs them joined, as every other test has it."""

import pytest

from pumpcore.flash import manifest
from pumpcore.program import packing
from pumpcore.program.schedule import Zone
from pumpcore.program.settings import Settings
from support.programs import MONDAY_UTC_S, every_day, resuming
from support.rig.benches import named
from support.rig.device import Device
from thecal.deploy.files import MANIFEST_PATH, firmware_files, library_files
from thecal.deploy.units import manifest_of
from thecal.files.resources import firmware_folder
from thecal.sim.guest.image import commissioned, format_image


def image_of_sources() -> bytes:
    sources, library = firmware_files(firmware_folder()), library_files()
    data = commissioned(named(), manifest_of(firmware_folder()))
    return format_image({**sources, **library, **data, MANIFEST_PATH: manifest.build(sources, library=library)})


def a_bridge(device: Device) -> list:
    """Another concentration: told, refused, forecast, bridged, cut, gone on with, passed; then another fluid and its priming."""
    client, told = device.client, []
    for fluid, mass_ng in (("water", 500), ("water", 300), ("dye", 300)):
        made = packing.Program("c", fluid, 3600, [(0, 1_500_000)])
        made.after_power_loss, made.concentration, made.settings = "resume", (mass_ng, 1_000_000), Settings()
        made.settings.line_day, made.settings.tubing_nl = 20_000, 339_000
        packed = packing.pack(made)
        staged = client.program_stage(packed)
        told.append(staged)
        if staged["line"] and staged["line"]["needs"] == "bridge":
            position = client.status()["delivered_steps"]
            told.append({"forecast": client.forecast_digest(staged["digest"], MONDAY_UTC_S, Zone(0), 3, position)})
        client.program_activate(staged["digest"])
        client.clock_set(MONDAY_UTC_S, 0)
        told.append(device.ask_raw("start"))
        told.append(device.ask_raw("bridge.start", token=client.bolus_token()))
        told.append(device.ask_raw("bolus.start", token=client.bolus_token(), volume_nl=60_000, rate_nl=3_600_000))
        device.run_for(300)
        device.sim.cut_power()
        device.run_for(90)
        device.sim.restore_power()
        told.append(client.status())
        device.run_for(2000)
        told += [client.status(), client.stop()]
    told.append(device.ask_raw("bolus.prime", token=client.bolus_token(), rate_nl=3_600_000, again=0))
    device.run_for(600)
    return [*told, device.ask_raw("start"), client.status()]


def a_day(device: Device) -> list:
    """Everything that a day with a bolus, a refusal, a cut, a stop and an alarm leaves behind."""
    client = device.client
    packed = packing.pack(resuming(every_day((0, 900_000), (6 * 60, 2_400_000), (7 * 60, 0), (9 * 60, 123_457))))
    told = [client.program_stage(packed), client.program_read()]
    client.program_activate(packing.digest(packed))
    client.clock_set(MONDAY_UTC_S, 0)
    client.start()
    device.run_for(6.5 * 3600)
    told.append(client.bolus_start(client.bolus_token(), 30_000, 3_000_000))
    device.run_for(7)
    told.append(client.status())
    device.sim.cut_power()
    device.run_for(90)
    device.sim.restore_power()
    device.run_for(3 * 3600)
    told += [client.status(), client.alarms(), client.stop(), client.hello()]
    told += a_bridge(device)
    for reply in told:
        reply.pop("free_memory_bytes", None)
        reply.pop("id", None)
    rows = [(record.name, record.uptime_ms, record.utc_s, record.fields) for ring in ("events", "faults")
            for _, records in client.journal(ring) for record in records]
    return [told, rows, device.sim.plant_steps()]


@pytest.mark.skipif("config.getoption('--target') != 'sim'", reason="compares two simulated pumps")
@pytest.mark.long
def test_a_day_in_the_simulator_is_the_same() -> None:
    with Device() as device:
        expected = a_day(device)
    with Device(image=image_of_sources()) as device:
        assert a_day(device) == expected
    assert {"line_changed", "bridge_started", "front_near", "front_passed"} <= {row[0] for row in expected[1]}
    assert len(expected[1]) > 20 and expected[2] > 0
