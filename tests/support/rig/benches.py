"""Benches for tests: those of `hardware/`, and the simulated ones moved onto the real pins of one."""

from __future__ import annotations

from typing import Any

from thecal.files.bench import Bench, read_bench
from thecal.files.resources import hardware_folder

CLOCK, NO_CLOCK = "sim-clock", "sim-noclock"
CHIP_BENCH = "tmc2209-peristaltic01"
HIGH_CEILINGS = {"rate_nl": 300_000_000, "hour_nl": 300_000_000, "day_nl": 4_000_000_000}  # for tests of the motor's limits
_CLOCK_PINS = ("clock_sda", "clock_scl")


def named(name: str = CLOCK, **ceilings: int) -> Bench:
    """Return a bench of `hardware/`, with other ceilings if given."""
    table = read_bench(hardware_folder() / f"{name}.toml")
    return {**table, "ceilings": {**table["ceilings"], **ceilings}}


def for_the_chip(bench: Bench) -> Bench:
    """Return a simulated bench's ceilings, calibration, clock, sensors and limits of its supply, if it has any, on the pins and driver of a
    real one; a real one unchanged.
    """
    if bench["target"] != "sim":
        return bench
    real: dict[str, Any] = read_bench(hardware_folder() / f"{CHIP_BENCH}.toml")
    kept = {name: bench[name] for name in ("ceilings", "calibration", "clock_chip", "sensors") if name in bench}
    limits = {name: value for name, value in bench["motor"].items() if name.startswith("supply_")}
    if limits:
        kept["motor"] = {name: value for name, value in real["motor"].items() if not name.startswith("supply_")} | limits
    pins = {name: gpio for name, gpio in real["pins"].items() if bench["clock_chip"] or name not in _CLOCK_PINS}
    return {**real, **kept, "pins": pins}
