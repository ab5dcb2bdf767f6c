"""The PIO programs. Each exists twice: for drivers disabled by a high enable line and by a low one.

Generators read words (words.py): first the delay, then a look at the enable pad, then a pulse of 386 cycles (3.088 us). If the enable line
is off they stop for good: only a halt by software starts them again.
"""
# ruff: noqa: F403, F405  (the instructions are words of the assembler)

import rp2

from hal.rp2.generator import Program

if 0:  # for the type checker alone
    from rp2.asm_pio import *

    from hal.ports import PioProgram


def step_dir(off_level: int) -> Program:
    """Return the program for one STEP pin: `out_base`, with the enable pad as `jmp_pin`. An item lasts exactly x + 394 cycles."""
    if off_level:
        return Program(_step_dir_off_high(), (3, 5, 12, 6, 7, 10), 394)
    return Program(_step_dir_off_low(), (3, 5, 7, 7, 8, 11), 394)


def coils(off_level: int) -> Program:
    """Return the program for four coils as `out_base`, a strobe as `sideset_base`.

    ISR holds eight patterns; the lowest four bits are on the pins. An item lasts exactly x + 395 cycles; coils and strobe change in the
    same cycle. A dwell leaves the coils unchanged. Every instruction names the strobe's level: MicroPython's assembler would otherwise
    leave too few bits for the delay.
    """
    if off_level:
        return Program(_coils_off_high(), (4, 6, 13, 7, 9, 11), 395)
    return Program(_coils_off_low(), (4, 6, 9, 9, 11, 13), 395)


def _step_dir_off_high() -> "PioProgram":
    @rp2.asm_pio(out_init=rp2.PIO.OUT_LOW, out_shiftdir=rp2.PIO.SHIFT_RIGHT)
    def program() -> None:
        wrap_target()
        pull(block)
        out(isr, 1)
        out(y, 8)
        label("again")
        mov(x, osr)
        label("delay")
        jmp(x_dec, "delay")
        jmp(pin, "halted")
        mov(pins, isr)
        set(x, 23)
        label("high")
        jmp(x_dec, "high")[15]
        mov(pins, null)
        jmp(y_dec, "more")
        wrap()
        label("more")
        jmp("again")[2]
        label("halted")
        jmp("halted")

    return program


def _step_dir_off_low() -> "PioProgram":
    @rp2.asm_pio(out_init=rp2.PIO.OUT_LOW, out_shiftdir=rp2.PIO.SHIFT_RIGHT)
    def program() -> None:
        wrap_target()
        pull(block)
        out(isr, 1)
        out(y, 8)
        label("again")
        mov(x, osr)
        label("delay")
        jmp(x_dec, "delay")
        jmp(pin, "go")
        label("halted")
        jmp("halted")
        label("go")
        mov(pins, isr)
        set(x, 23)
        label("high")
        jmp(x_dec, "high")[15]
        mov(pins, null)
        jmp(y_dec, "more")
        wrap()
        label("more")
        jmp("again")[2]

    return program


_COIL_PINS = (rp2.PIO.OUT_LOW,) * 4


def _coils_off_high() -> "PioProgram":
    @rp2.asm_pio(
        out_init=_COIL_PINS, sideset_init=rp2.PIO.OUT_LOW, out_shiftdir=rp2.PIO.SHIFT_RIGHT, in_shiftdir=rp2.PIO.SHIFT_RIGHT
    )
    def program() -> None:
        wrap_target()
        label("next")
        pull(block).side(0)
        out(x, 1).side(0)
        out(y, 8).side(0)
        jmp(not_x, "dwell").side(0)
        label("again")
        mov(x, osr).side(0)
        label("delay")
        jmp(x_dec, "delay").side(0)
        jmp(pin, "halted").side(0)
        in_(isr, 4).side(0)
        mov(pins, isr).side(1)
        set(x, 23).side(1)
        label("high")
        jmp(x_dec, "high").side(1)[15]
        jmp(y_dec, "more").side(0)
        wrap()
        label("more")
        jmp("again").side(0)[3]
        label("halted")
        mov(pins, null).side(0)
        jmp("halted").side(0)
        label("dwell")
        mov(x, osr).side(0)
        label("dwelling")
        jmp(x_dec, "dwelling").side(0)
        set(x, 23).side(0)
        label("as_long")
        jmp(x_dec, "as_long").side(0)[15]
        jmp(y_dec, "dwell_more").side(0)[2]
        jmp("next").side(0)
        label("dwell_more")
        jmp("dwell").side(0)[4]

    return program


def _coils_off_low() -> "PioProgram":
    @rp2.asm_pio(
        out_init=_COIL_PINS, sideset_init=rp2.PIO.OUT_LOW, out_shiftdir=rp2.PIO.SHIFT_RIGHT, in_shiftdir=rp2.PIO.SHIFT_RIGHT
    )
    def program() -> None:
        wrap_target()
        label("next")
        pull(block).side(0)
        out(x, 1).side(0)
        out(y, 8).side(0)
        jmp(not_x, "dwell").side(0)
        label("again")
        mov(x, osr).side(0)
        label("delay")
        jmp(x_dec, "delay").side(0)
        jmp(pin, "go").side(0)
        label("halted")
        mov(pins, null).side(0)
        jmp("halted").side(0)
        label("go")
        in_(isr, 4).side(0)
        mov(pins, isr).side(1)
        set(x, 23).side(1)
        label("high")
        jmp(x_dec, "high").side(1)[15]
        jmp(y_dec, "more").side(0)
        wrap()
        label("more")
        jmp("again").side(0)[3]
        label("dwell")
        mov(x, osr).side(0)
        label("dwelling")
        jmp(x_dec, "dwelling").side(0)
        set(x, 23).side(0)
        label("as_long")
        jmp(x_dec, "as_long").side(0)[15]
        jmp(y_dec, "dwell_more").side(0)[2]
        jmp("next").side(0)
        label("dwell_more")
        jmp("dwell").side(0)[4]

    return program


def guard(off_level: int) -> "PioProgram":
    """Return the guard's program: counts rising edges of `in_base` down from an allowance in X; further allowances come by FIFO.

    Each of these is one less than its steps. Without one, the next step switches `set_base` off and raises flag 1. Y must hold 0xffffffff,
    which no allowance is.
    """
    initial_level = rp2.PIO.OUT_HIGH if off_level else rp2.PIO.OUT_LOW

    @rp2.asm_pio(set_init=initial_level)
    def program() -> None:
        wrap_target()
        label("count")
        wait(0, pin, 0)
        wait(1, pin, 0)
        jmp(x_dec, "count")
        pull(noblock)
        mov(x, osr)
        jmp(x_not_y, "count")
        set(pins, off_level)
        irq(1)
        wrap()

    return program


def stop_button(off_level: int) -> "PioProgram":
    """Return the program of the stop button: `in_base` and `jmp_pin` high for 22 us at 1 MHz switch `set_base` off.

    It is switched off again and again until the pin was low for 1 ms. Flag 0 is raised once per press.
    """
    initial_level = rp2.PIO.OUT_HIGH if off_level else rp2.PIO.OUT_LOW

    @rp2.asm_pio(set_init=initial_level)
    def program() -> None:
        wrap_target()
        label("idle")
        wait(1, pin, 0)
        set(x, 9)
        label("bouncing")
        jmp(pin, "still")
        jmp("idle")
        label("still")
        jmp(x_dec, "bouncing")
        set(pins, off_level)
        irq(0)
        label("held")
        set(pins, off_level)
        set(x, 31)
        label("release")
        jmp(pin, "held")
        jmp(x_dec, "release")[30]
        wrap()

    return program


def bolus_button() -> "PioProgram":
    """Return the program of the bolus button: raises flag 2 if the pin was low for 20 ms, after as long high (at 50 kHz)."""

    @rp2.asm_pio()
    def program() -> None:
        wrap_target()
        label("held")
        wait(1, pin, 0)
        set(x, 31)
        label("releasing")
        jmp(pin, "up")
        jmp("held")
        label("up")
        jmp(x_dec, "releasing")[30]
        label("idle")
        wait(0, pin, 0)
        set(x, 31)
        label("pressing")
        jmp(pin, "idle")
        jmp(x_dec, "pressing")[30]
        irq(2)
        wrap()

    return program
