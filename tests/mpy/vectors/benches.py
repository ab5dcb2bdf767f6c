"""Benches, each key in turn missing or wrong: both Pythons refuse the same ones, in the same words."""

import json

from pumpcore.bench.bench import BenchError, parse

CEILINGS = {"rate_nl": 10_000_000, "rate_seconds_s": 3600, "hour_nl": 5_000_000, "day_nl": 40_000_000}
PAIR = {"volume_nl": 1_000_003, "steps": 99_991, "state": "UNCALIBRATED"}
SIM = {
    "name": "n\u00e4chtlich \U0001f4a7",
    "target": "sim",
    "clock_chip": False,
    "ceilings": CEILINGS,
    "motor": {"driver": "sim", "max_rate_hz": 2_000, "microsteps": 16},
    "calibration": PAIR,
}
STEP_DIR = dict(SIM)
STEP_DIR.update(
    {
        "target": "rp2",
        "clock_chip": True,
        "motor": {
            "driver": "tmc2209",
            "direction": "forward",
            "max_rate_hz": 25_000,
            "microsteps": 16,
            "start_rate_hz": 800,
            "acceleration_hz_per_s": 8_000,
            "supply_full_scale_mv": 16_170,
            "supply_low_mv": 10_000,
            "supply_high_mv": 14_000,
        },
        "pins": {"step": 2, "dir": 3, "enable": 4, "stop_button": 10, "clock_sda": 20, "clock_scl": 21, "led": 25, "motor_supply": 26},
    }
)
COILS = dict(SIM)
COILS.update(
    {
        "target": "rp2",
        "motor": {"driver": "drv8833", "direction": "reverse", "max_rate_hz": 2_000, "microsteps": 2, "coil_style": "interleave"},
        "pins": {"coil_a1": 2, "coil_a2": 3, "coil_b1": 4, "coil_b2": 5, "strobe": 6, "enable": 7, "stop_button": 10},
    }
)
OTHERS = (-1, 0, 1, 2, 22, 23, 25, 26, 28, 29, 1 << 32, (1 << 48) + 1, True, None, "", "sim", "a4988", "l298n", "double", "x" * 41, [], {})


def _told(table: dict) -> list:
    try:
        bench = parse(json.dumps(table).encode())
    except BenchError as error:
        return [str(error)]
    pins = sorted(bench.pins.items())
    supply = [bench.supply_full_scale_mv, bench.supply_low_mv, bench.supply_high_mv]
    ramp = [bench.start_rate_hz, bench.acceleration_hz_per_s, bench.wake_us] + supply
    motor = [bench.driver, bench.kind, bench.coil_style, bench.forward, bench.disabled_level, bench.max_rate_hz, bench.microsteps]
    return [bench.target, bench.clock_chip, motor, ramp, [list(pair) for pair in pins]]


def _with(table: dict, path: tuple, value: object) -> dict:
    """Return a copy whose value at `path` is `value`, or removed if `value` is OTHERS."""
    made = dict(table)
    inner = made
    if len(path) == 2:
        inner = made[path[0]] = dict(table[path[0]])
    if value is OTHERS:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return made


def _paths(table: dict) -> list:
    found = []
    for key in sorted(table):
        found.append((key,))
        if type(table[key]) is dict:
            found += [(key, inner) for inner in sorted(table[key])]
    return found


def run() -> list:
    raw = json.dumps(dict(SIM, name="NAME")).replace("NAME", SIM["name"]).encode()  # UTF-8 unescaped, as the host writes it
    told = [parse(raw).name, parse(raw).name == SIM["name"]]
    for table in (SIM, STEP_DIR, COILS):
        told.append(_told(table))
        for path in _paths(table):
            told.append(_told(_with(table, path, OTHERS)))
            told += [_told(_with(table, path, other)) for other in OTHERS]
    return told
