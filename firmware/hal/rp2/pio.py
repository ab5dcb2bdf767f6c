"""PIO state machines by their registers, and the way to silence everything that runs without the CPU."""

import rp2
from machine import mem32
from micropython import const

if 0:  # for the type checker alone
    from hal.ports import PioProgram

# --- registers ---------------------------------------------------------------------------------------------------------------
# Addresses and instructions of the RP2040 without a name in MicroPython (RP2040 datasheet, sections 2.19, 2.5, 3.7, 4.7).

# PIO: the registers of a block, and those of a state machine from its own base.
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

# Watchdog registers survive every reset except the loss of power. 4 to 7 belong to the boot code.
WATCHDOG_REASON = const(0x40058008)
WATCHDOG_SCRATCH0 = const(0x4005800C)
BITTEN = const(1)


# --- pio ---------------------------------------------------------------------------------------------------------------------
# By registers, because `StateMachine.exec("text")` takes 3.8 ms and `restart()` keeps the FIFO's content.

FIFO_WORDS = const(4)
_FIRST_OFFSET = const(1)  # MicroPython stores here the program's address in PIO 0; PIO 1 follows


class Machine:
    """State machine `number` (0 to 7) with `program`; `options` are those of rp2.StateMachine. Off until `run(True)`."""

    def __init__(self, number: int, program: "PioProgram", config: dict) -> None:
        self.sm = rp2.StateMachine(number, program, **config)
        block, index = number >> 2, number & 3
        self.request = 8 * block + index  # DMA request while the FIFO has room
        self.origin = program[_FIRST_OFFSET + block]
        self.shift = 8 * index
        self._stalled = 1 << (TXSTALL_SHIFT + index)
        # Whole addresses: such numbers lie in the heap, and an addition in every access would allocate another.
        base = PIO0 + block * PIO_BLOCK_BYTES
        own = base + PIO_SM0 + index * PIO_SM_BYTES
        self._pc = own + SM_ADDR
        self.instruction = own + SM_INSTR
        self.input = base + PIO_TXF0 + 4 * index
        self._output = base + PIO_RXF0 + 4 * index
        self._levels = base + PIO_FLEVEL
        self._stalls = base + PIO_FDEBUG
        self._flags = base + PIO_IRQ
        self._memory = base + PIO_INSTR_MEM0 + 4 * self.origin

    def run(self, on: bool) -> None:
        """Go on from here, or stand still from the next cycle on."""
        self.sm.active(on)

    def restart(self) -> None:
        """Go to the program's beginning, without delay, ISR and stall. FIFO, X, Y and OSR stay."""
        self.sm.restart()
        self.execute(JMP | self.origin)

    def execute(self, instruction: int) -> None:
        """Execute one instruction at once, running or not. The place in the program stays."""
        mem32[self.instruction] = instruction

    def put(self, value: int) -> None:
        """Put a word into the FIFO; it is lost if the FIFO is full."""
        mem32[self.input] = value

    def level(self) -> int:
        """Return how many words of the FIFO the program has not pulled."""
        return mem32[self._levels] >> self.shift & 15

    def pc(self) -> int:
        """Return the next instruction, counted from the program's beginning."""
        return (mem32[self._pc] & 31) - self.origin

    def read(self, to_isr: int) -> int:
        """Return a register, u32. `to_isr` is the instruction that copies it. ISR is lost."""
        mem32[self.instruction] = to_isr
        mem32[self.instruction] = PUSH_NOBLOCK
        return mem32[self._output]

    def load(self, value: int, from_osr: int) -> None:
        """Set a register; the machine must stand still with an empty FIFO. `from_osr` is the instruction that copies it."""
        self.put(value)
        self.execute(PULL_NOBLOCK)
        self.execute(from_osr)

    def drain(self) -> None:
        """Empty the FIFO; the machine must stand still. Raises OSError if that fails."""
        for _ in range(self.level()):
            self.execute(PULL_NOBLOCK)
        if self.level():
            raise OSError("a word stays in the PIO's FIFO")

    def rewrite(self, address: int, instruction: int) -> None:
        """Replace an instruction of the program."""
        mem32[self._memory + 4 * address] = instruction

    def stalled(self) -> bool:
        """Return True if the program has waited for a word since `forget_stall`."""
        return bool(mem32[self._stalls] & self._stalled)

    def forget_stall(self) -> None:
        """Clear the flag of `stalled`."""
        mem32[self._stalls] = self._stalled

    def flags(self) -> int:
        """Return the block's interrupt flags; MicroPython's `irq().flags()` is right for machine 0 only."""
        return mem32[self._flags]

    def clear_flags(self, flags: int) -> None:
        """Clear the interrupt flags of `flags`."""
        mem32[self._flags] = flags


# --- silence -----------------------------------------------------------------------------------------------------------------
# PIO and DMA survive Ctrl-C, exceptions and soft resets and go on alone, but nothing may step before the firmware says so.


def stop_all() -> None:
    """Stop both PIO blocks and all DMA channels. Pins keep their levels. Works in any state."""
    for block in (0, 1):
        mem32[PIO0 + block * PIO_BLOCK_BYTES + PIO_CTRL] = 0
    for channel in range(DMA_CHANNELS):
        mem32[DMA + channel * DMA_CHANNEL_BYTES + DMA_AL1_CTRL] = 0
    mem32[DMA + DMA_CHAN_ABORT] = (1 << DMA_CHANNELS) - 1


def release_pins() -> None:
    """Release every pin that PIO drove, so that the resistor at the enable line disables the driver. Remove the PIO programs."""
    for pin in range(PINS):
        control = IO_BANK0_CTRL + pin * IO_BANK0_BYTES
        if mem32[control] & FUNCTION_MASK in FUNCTION_PIO:
            mem32[control] = FUNCTION_NONE
    for block in (0, 1):
        rp2.PIO(block).remove_program()
