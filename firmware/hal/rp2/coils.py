"""The coil patterns of adafruit_motor.stepper, unmodified, for one full cycle; captured once, since each of its steps takes 0.6 ms."""

from adafruit_motor import stepper

_STYLES = {"single": stepper.SINGLE, "double": stepper.DOUBLE, "interleave": stepper.INTERLEAVE}


class _Coil:
    """What the library believes to be a digital output."""

    value = 0


def patterns(style: str, forward: bool) -> tuple[int, ...]:
    """Bits of a1, a2, b1, b2 (lowest first) after each step of a cycle that begins where the library begins."""
    coils = [_Coil(), _Coil(), _Coil(), _Coil()]
    motor = stepper.StepperMotor(*coils, microsteps=None)
    direction = stepper.FORWARD if forward else stepper.BACKWARD
    cycle = []
    for _ in range(8 if style == "interleave" else 4):
        motor.onestep(direction=direction, style=_STYLES[style])
        cycle.append(sum([bool(coil.value) << bit for bit, coil in enumerate(coils)]))
    return tuple(cycle)
