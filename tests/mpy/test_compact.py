"""The firmware that is made smaller for the chip does, in real MicroPython, what the sources do."""

import json
from pathlib import Path

import pytest

from pumpcore.flash import manifest
from pumpcore.program import packing
from pumpcore.program.schedule import Zone
from pumpcore.program.settings import Settings
from support.micropython import SCRIPT, VECTORS, in_cpython, run_in_micropython
from support.programs import MONDAY_UTC_S, every_day, resuming
from support.rig.benches import named
from support.rig.device import Device
from thecal.deploy import pack
from thecal.deploy.compact import compact, joined
from thecal.deploy.files import MANIFEST_PATH, Files, firmware_files, library_files, manifest_of
from thecal.deploy.units import UNITS, Units
from thecal.files.resources import firmware_folder
from thecal.sim.guest.image import commissioned, format_image

MAIN = "/main.py"


@pytest.fixture(scope="module", name="small")
def _small() -> Files:
    """Numbers that the vectors ask for by name keep theirs."""
    sources, asking = firmware_files(firmware_folder()), [path.read_bytes() for path in VECTORS.glob("*.py")]
    return compact({path: data for path, data in sources.items() if path != MAIN}, [sources[MAIN], *library_files().values(), *asking])[0]


@pytest.mark.parametrize("path", sorted(VECTORS.glob("*.py")), ids=lambda path: path.stem)
def test_the_vectors_come_out_the_same(path: Path, small: Files, tmp_path: Path) -> None:
    for name, data in small.items():
        target = tmp_path / name[1:]
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    code = SCRIPT.format(name=path.stem)
    assert json.loads(run_in_micropython(code, {"vectors": path.parent, "firmware": tmp_path})) == in_cpython(path)


def image_of(units: Units) -> bytes:
    """A pump that runs the small files, in units. The simulator imports files; the manifest speaks of the pack that they would be in."""
    sources = firmware_files(firmware_folder())
    ours, asking = {path: data for path, data in sources.items() if path != MAIN}, [sources[MAIN], *library_files().values()]
    small = joined(ours, asking, units, frozenset())
    packed = pack.pack(small.files)
    data = commissioned(named(), manifest_of(firmware_folder()))
    lying = {MAIN: sources[MAIN], pack.PATH: packed, **small.files, **library_files(), **data}
    return format_image({**lying, MANIFEST_PATH: manifest.build(sources, {MAIN: sources[MAIN]}, (pack.PATH, packed))})


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
    for units in ({}, {path: modules for path, modules in UNITS.items() if not path.startswith("/hal/")}):
        with Device(image=image_of(units)) as device:
            assert a_day(device) == expected
    assert {"line_changed", "bridge_started", "front_near", "front_passed"} <= {row[0] for row in expected[1]}
    assert len(expected[1]) > 20 and expected[2] > 0
