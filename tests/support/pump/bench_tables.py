"""Bench tables for tests: one per kind of motor, each the smallest that the pump accepts."""

import copy

from pumpcore.bench.bench import Bench

CEILINGS = {"rate_nl": 10_000_000, "rate_seconds_s": 3600, "hour_nl": 5_000_000, "day_nl": 40_000_000}
CALIBRATION = {"volume_nl": 1_000_003, "steps": 99_991}

SIM = {
    "name": "unit",
    "target": "sim",
    "clock_chip": False,
    "ceilings": CEILINGS,
    "motor": {"driver": "sim", "max_rate_hz": 20_000, "microsteps": 16},
    "calibration": CALIBRATION,
}
STEP_DIR = SIM | {
    "target": "rp2",
    "motor": {"driver": "tmc2209", "direction": "forward", "max_rate_hz": 25_000, "microsteps": 16},
    "pins": {"step": 2, "dir": 3, "enable": 4, "stop_button": 10},
}
COILS = SIM | {
    "target": "rp2",
    "motor": {"driver": "drv8833", "direction": "reverse", "max_rate_hz": 2_000, "microsteps": 2, "coil_style": "interleave"},
    "pins": {"coil_a1": 2, "coil_a2": 3, "coil_b1": 4, "coil_b2": 5, "strobe": 6, "enable": 7, "stop_button": 10},
}
# every sensor that a bench may reserve, as the schema's draft has them
SENSED = STEP_DIR | {
    "clock_chip": True,
    "pins": STEP_DIR["pins"]
    | {"clock_sda": 20, "clock_scl": 21, "sensor_sda": 18, "sensor_scl": 19, "enable_sense": 5}
    | {"tube_light": 22, "tube_sensor": 27, "scale_data": 14, "scale_clock": 15},
    "sensors": {
        "bus_hz": 100_000,
        "rotor": {"chip": "as5600", "address": 0x36, "direction": "forward"},
        "pressure": {"chip": "mpr", "address": 0x18, "full_scale_pa": 172_369, "stop_above_pa": 50_000},
        "tube": {"chip": "optical", "air_above_mv": 1_800, "air_after_nl": 20_000},
        "scale": {"chip": "hx711", "counts_per_g": 0},
    },
}
ABSENT = object()


def changed(table: dict, changes: dict) -> dict:
    """Return a copy with `changes`: dotted key -> new value, or ABSENT to remove the key."""
    made = copy.deepcopy(table)
    for path, value in changes.items():
        *folders, key = path.split(".")
        inner = made
        for folder in folders:
            inner = inner.setdefault(folder, {})
        if value is ABSENT:
            del inner[key]
        else:
            inner[key] = value
    return made


def with_ceilings(hour_nl: int = 5_000_000, day_nl: int = 40_000_000, rate_nl: int = 10_000_000) -> Bench:
    """Return a checked bench with these ceilings, its rate per hour."""
    return Bench(
        {
            "name": "b",
            "target": "sim",
            "clock_chip": True,
            "ceilings": {"rate_nl": rate_nl, "rate_seconds_s": 3600, "hour_nl": hour_nl, "day_nl": day_nl},
            "motor": {"driver": "sim", "max_rate_hz": 2_000, "microsteps": 16},
            "calibration": {"volume_nl": 1_000_003, "steps": 99_991},
        }
    )
