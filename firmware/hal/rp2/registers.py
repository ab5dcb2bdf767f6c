"""Addresses and instructions of the RP2040 that MicroPython has no name for (RP2040 datasheet, sections 2.19, 2.5, 3.7, 4.7)."""

from micropython import const

# PIO: one block's registers, and those of one state machine behind its own base.
PIO0 = const(0x50200000)
PIO_BLOCK_BYTES = const(0x100000)
PIO_CTRL = const(0x00)
PIO_FDEBUG = const(0x08)
PIO_FLEVEL = const(0x0C)
PIO_TXF0 = const(0x10)
PIO_RXF0 = const(0x20)
PIO_IRQ = const(0x30)
PIO_INSTR_MEM0 = const(0x48)
PIO_SM0 = const(0xC8)
PIO_SM_BYTES = const(0x18)
SM_ADDR = const(0x0C)
SM_INSTR = const(0x10)
TXSTALL_SHIFT = const(24)

# PIO instructions without delay and side-set, as `rp2.asm_pio_encode` makes them.
JMP = const(0x0000)
JMP_PIN = const(0x00C0)
PUSH_NOBLOCK = const(0x8000)
PULL_NOBLOCK = const(0x8080)
MOV_PINS_NULL = const(0xA003)
MOV_PINS_ISR = const(0xA006)
MOV_X_OSR = const(0xA027)
MOV_Y_ONES = const(0xA04B)
MOV_ISR_X = const(0xA0C1)
MOV_ISR_Y = const(0xA0C2)
MOV_ISR_OSR = const(0xA0C7)
SET_PINS = const(0xE000)
SET_X_0 = const(0xE020)

# DMA
DMA = const(0x50000000)
DMA_CHANNELS = const(12)
DMA_CHANNEL_BYTES = const(0x40)
DMA_AL1_CTRL = const(0x10)
DMA_CHAN_ABORT = const(0x444)

# Pads: which block drives a pin.
IO_BANK0_CTRL = const(0x40014004)
IO_BANK0_BYTES = const(8)
FUNCTION_MASK = const(0x1F)
FUNCTION_PIO = (6, 7)
FUNCTION_NONE = const(0x1F)
PINS = const(30)

# Watchdog: survive every reset but the loss of power. 4 to 7 belong to the boot code.
WATCHDOG_REASON = const(0x40058008)
WATCHDOG_SCRATCH0 = const(0x4005800C)
BITTEN = const(1)
