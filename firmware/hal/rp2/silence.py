"""Nothing may step before the firmware says so: PIO and DMA survive Ctrl-C, exceptions and soft resets and go on by themselves."""

import rp2
from machine import mem32

from hal.rp2 import registers as reg


def stop_all() -> None:
    """Both PIO blocks and all DMA channels stand still; pins keep their levels. Works in any state."""
    for block in (0, 1):
        mem32[reg.PIO0 + block * reg.PIO_BLOCK_BYTES + reg.PIO_CTRL] = 0
    for channel in range(reg.DMA_CHANNELS):
        mem32[reg.DMA + channel * reg.DMA_CHANNEL_BYTES + reg.DMA_AL1_CTRL] = 0
    mem32[reg.DMA + reg.DMA_CHAN_ABORT] = (1 << reg.DMA_CHANNELS) - 1


def release_pins() -> None:
    """What PIO drove is let go, so that the resistor at the driver's enable line disables it; the PIO programs are forgotten."""
    for pin in range(reg.PINS):
        control = reg.IO_BANK0_CTRL + pin * reg.IO_BANK0_BYTES
        if mem32[control] & reg.FUNCTION_MASK in reg.FUNCTION_PIO:
            mem32[control] = reg.FUNCTION_NONE
    for block in (0, 1):
        rp2.PIO(block).remove_program()
