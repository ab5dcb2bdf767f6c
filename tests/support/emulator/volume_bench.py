"""The app's Motion with a table of the rotor, at the prompt of a chip whose hal is attached: slices of dose steps become pulses."""

from __future__ import annotations

from typing import Protocol

from pumpcore.motion.rotor import Path, Rotor
from support.pump import slices

DOSE_STEPS, ZERO_STEPS = slices.FAR_STEPS - 12_345, 777
_FREE_BYTES = 60_000  # what a whole pump leaves on this chip after a day of events (tests/pico/test_memory.py)
_MOTION = """
import gc
from app.delivery.motion import Motion
from pumpcore.motion.rotor import Path, Rotor
def moved():
    "Return Motion with the motor far away from where it began."
    stepper.halt()
    motion = Motion(stepper, guard, 16)
    motion.rebase({far})
    motion.path = Path(Rotor({prices}, 1, {turn}), {zero}, {paces})
    motion.path.begin({dose}, {far})
    return motion
def laid_us(motion, items):
    gc.collect()
    begun_us = time.ticks_us()
    motion.queue(items)
    return time.ticks_diff(time.ticks_us(), begun_us)
def computed(motion, items):
    for steps, duration_us in items:
        for one in motion.path.lay(steps, duration_us): pass
"""
_BALLAST = """
gc.collect()
ballast = []
while gc.mem_free() > {free}:
    try: ballast.append(bytearray(min(2000, gc.mem_free() - {free})))
    except MemoryError: break
gc.collect()
"""


class Prompt(Protocol):
    """A chip at its prompt, with `stepper`, `guard` and `time`."""

    def run(self, code: str, timeout_s: float = ...) -> str: ...

    def ask(self, expression: str) -> object: ...


def define(prompt: Prompt) -> None:
    """Define `moved`, `laid_us` and `computed`."""
    prompt.run(
        _MOTION.format(
            far=slices.FAR_STEPS, prices=slices.prices(), turn=slices.TURN_STEPS, zero=ZERO_STEPS, paces=slices.PACES_US, dose=DOSE_STEPS
        ),
        timeout_s=60,
    )


def fill_memory(prompt: Prompt) -> None:
    """Leave as much memory free as a whole pump does."""
    prompt.run(_BALLAST.format(free=_FREE_BYTES), timeout_s=60)


def path_here() -> Path:
    """Return the same path on this computer."""
    path = Path(Rotor(slices.prices(), 1, slices.TURN_STEPS), ZERO_STEPS, slices.PACES_US)
    path.begin(DOSE_STEPS, slices.FAR_STEPS)
    return path


def slice_times_us(prompt: Prompt, laid: list[slices.Slice]) -> list[int]:
    """Return Python's time for each slice: dose steps to motor steps to words, and handing them over. The queue is emptied after each."""
    code = f"motion, took_us = moved(), []\nfor items in {laid}:\n took_us.append(laid_us(motion, items))\n stepper.halt()"
    prompt.run(code, timeout_s=600)
    return [int(one) for one in prompt.ask("took_us")]  # type: ignore[attr-defined]
