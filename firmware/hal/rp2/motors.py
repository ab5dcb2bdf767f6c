"""The generator for each kind of driver, and the coil patterns of one full cycle."""

from adafruit_motor import stepper
from machine import Pin
from micropython import const

from hal.rp2 import programs
from hal.rp2.generator import Generator

if 0:  # for the type checker alone
    from hal.ports import BenchFacts

# --- coils -------------------------------------------------------------------------------------------------------------------
# The patterns of adafruit_motor.stepper, unmodified, captured for one full cycle: each step of the library takes 0.6 ms.

_STYLES = {"single": stepper.SINGLE, "double": stepper.DOUBLE, "interleave": stepper.INTERLEAVE}


class _Coil:
    """The digital output that the library expects."""

    value = 0


def patterns(style: str, forward: bool) -> tuple[int, ...]:
    """Return the bits of a1, a2, b1, b2 (lowest first) after each step of a cycle that begins where the library begins."""
    coils = [_Coil(), _Coil(), _Coil(), _Coil()]
    motor = stepper.StepperMotor(*coils, microsteps=None)
    direction = stepper.FORWARD if forward else stepper.BACKWARD
    cycle = []
    for _ in range(8 if style == "interleave" else 4):
        motor.onestep(direction=direction, style=_STYLES[style])
        cycle.append(sum([bool(coil.value) << bit for bit, coil in enumerate(coils)]))
    return tuple(cycle)


# --- motors ------------------------------------------------------------------------------------------------------------------

_COILS = const("coils")


def counted_pin(bench: "BenchFacts") -> int:
    """Return the GPIO on which each step is one rising edge."""
    return bench.pins["strobe" if bench.kind == _COILS else "step"]


def generator(bench: "BenchFacts") -> Generator:
    """Return the generator, at rest, its outputs low. The direction pin is set from here on, long before the first step."""
    return _coils(bench) if bench.kind == _COILS else _step_dir(bench)


def _step_dir(bench: "BenchFacts") -> Generator:
    pins = bench.pins
    Pin(pins["dir"], Pin.OUT, value=1 if bench.forward else 0)
    options = {"out_base": Pin(pins["step"]), "jmp_pin": Pin(pins["enable"])}
    return Generator(programs.step_dir(bench.disabled_level), options)


def _coils(bench: "BenchFacts") -> Generator:

    pins = bench.pins
    options = {"out_base": Pin(pins["coil_a1"]), "sideset_base": Pin(pins["strobe"]), "jmp_pin": Pin(pins["enable"])}
    return Generator(programs.coils(bench.disabled_level), options, patterns(bench.coil_style, bench.forward))
