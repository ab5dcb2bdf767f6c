"""The firmware in MicroPython with one damaged record in its journal: the tool's output, and what the pump still knows."""

import json

import pytest

from pumpcore.wire import records
from support.programs import constant
from support.rig.device import Device
from thecal.history.download import download
from thecal.history.rows import table, with_gaps
from thecal.sim.guest.filesystem import FileSystem
from thecal.sim.guest.flash import FlashChip

EVENTS = "/journal/e00000001"
pytestmark = [pytest.mark.rule("R9"), pytest.mark.needs("flash_operations")]


def lived() -> tuple[bytes, str, int, str]:
    """A pump that gave a bolus: its flash, the token, its newest record, its identity."""
    with Device() as device:
        device.upload(constant(900_000))
        device.client.start()
        device.run_for(10)
        token = device.client.bolus_token()
        device.client.bolus_start(token, 60_000, 5_000_000)
        device.run_for(400)
        device.client.stop()
        device.run_for(1)
        assert device.client.bolus_status(token)["state"] == "done"
        last = device.client.status()["events_sequence"]
        return device.sim.flash_image(), token, last, device.client.hello()["journal_identity"]


def test_a_flipped_bit_is_a_gap_in_the_journal_and_an_alarm() -> None:
    image, token, last, identity = lived()
    chip = FlashChip(image)
    flash = FileSystem(chip)
    flash.mount()
    data = bytearray(flash.read_file(EVENTS))
    starts = records.record_starts(bytes(data))
    (hit,) = [at for at in starts if data[at + 1] == records.FORMATS["bolus_ordered"][0]]
    data[hit + 30] ^= 4
    flash.write_file(EVENTS, bytes(data))
    lost = starts.index(hit) + 1
    with Device(image=bytes(chip.buffer)) as device:
        assert device.client.hello()["journal_identity"] == identity != ""
        assert [alarm["name"] for alarm in device.client.alarms()["alarms"]] == ["journal_damaged"]
        assert device.client.bolus_status(token)["state"] == "forgotten"
        rows = with_gaps(download(device.client, "events"))
        assert [row["sequence"] for row in rows][: last + 1] == list(range(1, last + 2))
        assert [row["event"] for row in rows if row["sequence"] == lost] == ["gap"]
        assert rows[last]["event"] == "boot" and rows[last]["journal_identity"] == identity
        assert (str(lost), "", "", "gap", f"record {lost} is damaged or missing") in table(rows)
        json.dumps(rows)
        device.client.ack(670)
        device.client.start()
        device.run_for(5)
        assert device.client.status()["state"] == "running"
