"""A pump with one deployed file damaged, each in turn: it answers, reports firmware_incomplete, loads nothing and never moves."""

import binascii
import functools
import json
import os

import pytest

from pumpcore.wire import messages
from pumpcore.wire import messages as frame
from support.rig.benches import named
from support.some import some_of
from thecal.deploy.files import MANIFEST_PATH
from thecal.deploy.units import manifest_of, simulated_files
from thecal.errors import Refused
from thecal.files.resources import firmware_folder
from thecal.pump.client import Client
from thecal.sim.guest.filesystem import FileSystem
from thecal.sim.guest.flash import FlashChip
from thecal.sim.guest.image import build
from thecal.sim.runner import SimulatedPump

pytestmark = pytest.mark.needs("flash_operations")  # made for the simulator; the chip has tests/pico/test_unfit_firmware.py

FLOOD = (b"{" + b"x" * 1_979 + b"\n") * 20 + b"print('py' * 3)\n" + b"\x03\x03\x01\x04\x02\r\n" + b"import os\nos.remove('/main.py')\n"
ASKED = frame.encode(messages.request("00000000000000aa", "start", {}))


HOWS = ("removed", "half", "empty", "all but a byte")


def deployed() -> dict[str, bytes]:
    return {**simulated_files(firmware_folder()), MANIFEST_PATH: manifest_of(None)}


FILES = sorted(path for path, data in deployed().items() if data and path != "/main.py")
OURS = FILES if os.environ.get("THECAL_HYPOTHESIS") == "torture" else [MANIFEST_PATH, *FILES[::4]]


@functools.cache
def whole_image() -> bytes:
    return build(firmware_folder(), named())


def damaged(path: str, how: str) -> bytes:
    """Return the flash of a pump in which this file is damaged."""
    chip, data = FlashChip(whole_image()), deployed()[path]
    flash = FileSystem(chip)
    flash.mount()
    flash.remove(path)
    if how != "removed":
        flash.write_file(path, {"empty": b"", "half": data[: len(data) // 2], "all but a byte": data[:-1]}[how])
    return bytes(chip.buffer)


def faults_of(raw: bytes) -> list[str]:
    return [json.loads(line[:-9])["error"]["data"]["fault"] for line in raw.splitlines()]


@pytest.mark.rule("R6")
@pytest.mark.rule("R10")
@pytest.mark.parametrize("path", some_of(OURS, 8))
def test_with_a_file_gone_or_cut_the_pump_says_so_and_does_nothing(path: str) -> None:
    """Each file once, in one of four ways; the manifest in all."""
    for how in HOWS if path == MANIFEST_PATH else (HOWS[OURS.index(path) % len(HOWS)],):
        with SimulatedPump(named(), image=damaged(path, how), virtual=True) as pump:
            says_so(pump)


def test_the_tool_says_what_to_do() -> None:
    with SimulatedPump(named(), image=damaged("/app/pump.py", "half"), virtual=True) as pump:
        for ask in (Client.hello, Client.stop, Client.status):
            with Client(str(pump.port_url)) as client, pytest.raises(Refused) as refused:
                ask(client)
            assert (refused.value.fault, refused.value.do) == ("firmware_incomplete", "flash it again: thecal flash")


@pytest.mark.rule("R6")
def test_a_file_with_a_wrong_hash_is_found_after_the_first_answer_and_nothing_starts() -> None:
    """Its CRC-32 is right, so it can be loaded: what was changed has changed the manifest too, or met one CRC in four thousand millions."""
    chip, path, files = FlashChip(whole_image()), "/app/wire/handlers/forecast.py", deployed()
    flash, changed = FileSystem(chip), files[path] + b"\n"
    flash.mount()
    flash.write_file(path, changed)
    old, new = (b" %08x\n" % binascii.crc32(data) for data in (files[path], changed))
    assert files[MANIFEST_PATH].count(old) == 1
    flash.write_file(MANIFEST_PATH, files[MANIFEST_PATH].replace(old, new))
    with SimulatedPump(named(), image=bytes(chip.buffer), virtual=True) as pump:
        pump.advance_by(2_000)
        with Client(str(pump.port_url)) as client:
            status = client.status()
            assert (status["state"], status["checking"]) == ("alarm", False)
            assert path in status["last_error"] and "firmware_incomplete" in [row["name"] for row in client.alarms()["alarms"]]
            with pytest.raises(Refused) as refused:
                client.start()
            assert refused.value.fault == "alarm_active"


def says_so(pump: SimulatedPump) -> None:
    before = pump.flash_image()
    pump.advance_by(2_000)
    for line in (b"hello\n", b"status\n", b"stop\n", b"maintenance\n", ASKED, b"{}\n"):
        pump.write(line)
        pump.advance_by(500)
        assert faults_of(pump.read()) == ["firmware_incomplete"], line
    pump.write(FLOOD)
    pump.advance_by(2_000)
    said = pump.read()
    assert b"pypypy" not in said and b">>>" not in said and set(faults_of(said)) == {"firmware_incomplete"}
    assert pump.flash_image() == before and pump.plant_steps() == 0 and not pump.enable_level()
    assert pump.guest_error() is None
