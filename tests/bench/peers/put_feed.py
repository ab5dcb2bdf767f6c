"""Peer: a PIO program that takes one delay per step, fed by `StateMachine.put` from a loop."""
# ruff: noqa: F821  (the instructions are words of the assembler)

import time

import rp2
from machine import Pin


@rp2.asm_pio(out_init=rp2.PIO.OUT_LOW, set_init=rp2.PIO.OUT_LOW)
def one_word_per_step() -> None:
    wrap_target()
    pull(block)
    mov(x, osr)
    set(pins, 1)[7]
    set(pins, 0)
    label("wait")
    jmp(x_dec, "wait")
    wrap()


def feed(gpio: int, steps: int) -> int:
    """Feed so many short delays, so that the machine waits for Python; return the time in us."""
    machine = rp2.StateMachine(0, one_word_per_step, set_base=Pin(gpio))
    machine.active(1)
    begin_us = time.ticks_us()
    for _ in range(steps):
        machine.put(100)
    taken_us = time.ticks_diff(time.ticks_us(), begin_us)
    machine.active(0)
    return taken_us


def free_run(gpio: int) -> None:
    """Start a machine that steps 1000 times a second for ever: the usual way to make a steady rate with PIO."""
    machine = rp2.StateMachine(0, steady, freq=100_000, set_base=Pin(gpio))
    machine.active(1)


@rp2.asm_pio(set_init=rp2.PIO.OUT_LOW)
def steady() -> None:
    wrap_target()
    set(pins, 1)[19]
    set(pins, 0)[19]
    nop()[19]
    nop()[19]
    nop()[19]
    wrap()
