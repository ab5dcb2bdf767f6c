"""What a whole pump leaves free of its memory on the chip, and how long it takes to answer."""

import pytest

from rig.device import Device, Figures
from rig.programs import constant

LOOKS = 16
LEAST_FREE_BYTES = 120_000
LOST_BYTES = 8_000  # what one answer allocates: the last collection may have been an answer ago
RATE_NL = 1_000_000


def free_bytes(device: Device) -> int:
    """The most that `status` says: garbage counts as used, and at some of the questions it has just been collected."""
    found = []
    for _ in range(LOOKS):
        found.append(device.client.status()["free_memory_bytes"])
        device.run_for(0.05)
    return max(found)


@pytest.mark.rule("R8")
def test_memory_is_free_after_boot_and_stays_so(device: Device, record_property: Figures) -> None:
    """Every command comes in turn, so each handler has been loaded and given back."""
    booted = free_bytes(device)
    free = []
    for _ in range(2):
        device.begin(constant(RATE_NL))
        device.run_for(3)
        token = device.client.bolus_token()
        device.client.bolus_status(token)
        device.client.alarms()
        device.client.journal_read("events", 1)
        device.client.program_read()
        device.client.stop()
        free.append(free_bytes(device))
    record_property("figure", f"emulated: {booted} bytes free after boot, {free} after a round of commands")
    assert booted >= LEAST_FREE_BYTES
    assert free[-1] >= free[0] - LOST_BYTES
