"""A day of the simulated pump: computing time of the guest's thread, and the memory that its loop leaves behind."""

from __future__ import annotations

from bench.table import HOST, Row, at_most
from rig.device import Device
from rig.programs import example_day
from thecal.sim.options import HEAP_LIMIT_BYTES

DAY_S, DAYS = 86_400, 3
DAY_LIMIT_S, GARBAGE_LIMIT_MB = 0.8, 12.0
BYTES_PER_MB = 1e6


def rows() -> list[Row]:
    """Nothing is collected meanwhile: what is allocated is what is garbage on a chip too."""
    took_s = []
    with Device(collector="never", heap_bytes=HEAP_LIMIT_BYTES) as device:
        device.begin(example_day().packed)
        free_bytes = [device.client.status()["free_memory_bytes"]]
        for _ in range(DAYS):
            before_s = device.sim.guest_time_s()
            device.run_for(DAY_S)
            took_s.append(device.sim.guest_time_s() - before_s)
            free_bytes.append(device.client.status()["free_memory_bytes"])
    garbage_mb = (free_bytes[0] - free_bytes[1]) / BYTES_PER_MB
    told = ", ".join(f"{one_s:.2f}" for one_s in took_s)
    return [
        Row("a simulated day", "s", min(took_s), at_most(DAY_LIMIT_S), "-", source=HOST, remark=f"of {DAYS} days the quickest: {told} s"),
        Row("garbage of a simulated day", "MB", garbage_mb, at_most(GARBAGE_LIMIT_MB), "-", source=HOST),
    ]
