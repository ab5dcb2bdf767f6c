"""A program that hangs with interrupts off, as after a fault in an interrupt or an endless loop in a critical section."""

import time

import machine


def stuck(duration_ms: int) -> None:
    """Compute with interrupts off; it returns only so that the benchmark can go on."""
    state = machine.disable_irq()
    begin_ms = time.ticks_ms()
    while time.ticks_diff(time.ticks_ms(), begin_ms) < duration_ms:
        pass
    machine.enable_irq(state)
