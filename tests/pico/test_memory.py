"""The free memory of a whole pump on the chip, and that a day's events do not reduce it."""

import pytest

from support.programs import constant
from support.rig.device import Device, Figures

# After power-up, as in `make bench`, and after a day of events: 90 and 75 kB, less 10 kB for protocols and runs and 5 kB for keys.
LEAST_FREE_BYTES, LEAST_LATER_BYTES = 75_000, 60_000
LOOKS, QUIET_S = 3, 0.5  # a pump that nobody asks collects after 0.3 s of quiet, and reports what was free after that
LOST_BYTES = 4_000
RATE_NL = 1_000_000


def free_bytes(device: Device) -> int:
    """Return the figure of `status` after a quiet time."""
    for _ in range(LOOKS):
        device.run_for(QUIET_S)
        told = device.client.status()["free_memory_bytes"]
    return told


def a_day(device: Device) -> None:
    """Every command in turn: a dose and a bolus are given, the journal is read, a command is refused."""
    client = device.client
    device.begin(constant(RATE_NL))
    device.run_for(2)
    token = client.bolus_token()
    client.bolus_start(token, 40_000, 3_600_000)
    device.run_for(2)
    client.bolus_status(token)
    client.bolus_cancel(token)
    device.run_for(2)
    client.alarms()
    client.journal_read("events", 1)
    client.journal_read("faults", 1)
    client.program_read()
    client.calibration_read()
    client.hello()
    client.stop()


@pytest.mark.rule("R8")
def test_memory_is_free_after_boot_and_stays_so(device: Device, record_property: Figures) -> None:
    """The first day's interned names stay; the second day takes nothing more."""
    device.power_cycle(1)  # what set the pump up has loaded handlers, whose names stay
    booted = free_bytes(device)
    free = []
    for _ in range(2):
        a_day(device)
        free.append(free_bytes(device))
    record_property("figure", f"emulated: {booted} bytes free after boot, {free} after a day's events, and another's")
    assert booted >= LEAST_FREE_BYTES
    assert min(free) >= LEAST_LATER_BYTES
    assert free[-1] >= free[0] - LOST_BYTES
