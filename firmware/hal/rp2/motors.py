"""The generator for each kind of driver, with the pins that its bench names."""

from machine import Pin

from hal.rp2 import programs
from hal.rp2.generator import Generator

if 0:  # for the type checker alone
    from hal.ports import BenchFacts

_COILS = "coils"


def counted_pin(bench: "BenchFacts") -> int:
    """The GPIO on which each step is one rising edge."""
    return bench.pins["strobe" if bench.kind == _COILS else "step"]


def generator(bench: "BenchFacts") -> Generator:
    """At rest, its outputs low. A step and direction driver has its direction from here on, long before the first step."""
    return _coils(bench) if bench.kind == _COILS else _step_dir(bench)


def _step_dir(bench: "BenchFacts") -> Generator:
    pins = bench.pins
    Pin(pins["dir"], Pin.OUT, value=1 if bench.forward else 0)
    options = {"out_base": Pin(pins["step"]), "jmp_pin": Pin(pins["enable"])}
    return Generator(programs.step_dir(bench.disabled_level), options)


def _coils(bench: "BenchFacts") -> Generator:
    from hal.rp2.coils import patterns

    pins = bench.pins
    options = {"out_base": Pin(pins["coil_a1"]), "sideset_base": Pin(pins["strobe"]), "jmp_pin": Pin(pins["enable"])}
    return Generator(programs.coils(bench.disabled_level), options, patterns(bench.coil_style, bench.forward))
