"""The part of the motor library that the firmware uses; its own types do not fit the board's stubs."""

from typing import Protocol

SINGLE: int
DOUBLE: int
INTERLEAVE: int
FORWARD: int
BACKWARD: int

class Coil(Protocol):
    value: int

class StepperMotor:
    def __init__(self, ain1: Coil, ain2: Coil, bin1: Coil, bin2: Coil, *, microsteps: int | None = 16) -> None: ...
    def onestep(self, *, direction: int = ..., style: int = ...) -> int: ...
