"""One PIO state machine by its registers: `StateMachine.exec("text")` takes 3.8 ms and `restart()` keeps what is in the FIFO."""

import rp2
from machine import mem32

from hal.rp2 import registers as reg

if 0:  # for the type checker alone
    from hal.ports import PioProgram

FIFO_WORDS = 4
_FIRST_OFFSET = 1  # where MicroPython notes in a program at which address it lies in PIO 0; PIO 1 follows


class Machine:
    """State machine `number` (0 to 7) with `program`; `options` are those of rp2.StateMachine. Off until `run(True)`."""

    def __init__(self, number: int, program: "PioProgram", options: dict) -> None:
        self.sm = rp2.StateMachine(number, program, **options)
        block, index = number >> 2, number & 3
        self.request = 8 * block + index  # of DMA, when there is room for a word
        self.origin = program[_FIRST_OFFSET + block]
        self._level_shift = 8 * index
        self._stalled = 1 << (reg.TXSTALL_SHIFT + index)
        # Whole addresses: such numbers are made in the heap, and an addition in every access would make another one.
        base = reg.PIO0 + block * reg.PIO_BLOCK_BYTES
        own = base + reg.PIO_SM0 + index * reg.PIO_SM_BYTES
        self._pc = own + reg.SM_ADDR
        self._instruction = own + reg.SM_INSTR
        self._input = base + reg.PIO_TXF0 + 4 * index
        self._output = base + reg.PIO_RXF0 + 4 * index
        self._levels = base + reg.PIO_FLEVEL
        self._stalls = base + reg.PIO_FDEBUG
        self._flags = base + reg.PIO_IRQ
        self._memory = base + reg.PIO_INSTR_MEM0 + 4 * self.origin

    def run(self, on: bool) -> None:
        """Goes on where it is, or stands still from the next cycle on."""
        self.sm.active(on)

    def restart(self) -> None:
        """To the program's begin, without delay, ISR and stall; FIFO, X, Y and OSR stay."""
        self.sm.restart()
        self.execute(reg.JMP | self.origin)

    def execute(self, instruction: int) -> None:
        """One instruction at once, running or not; its place in the program stays."""
        mem32[self._instruction] = instruction

    def put(self, word: int) -> None:
        """Into the FIFO; lost when that is full."""
        mem32[self._input] = word

    def level(self) -> int:
        """Words in the FIFO that the program has not pulled."""
        return mem32[self._levels] >> self._level_shift & 15

    def pc(self) -> int:
        """The next instruction, counted from the program's begin."""
        return (mem32[self._pc] & 31) - self.origin

    def read(self, to_isr: int) -> int:
        """A register, u32; `to_isr` is the instruction that copies it. ISR is lost."""
        mem32[self._instruction] = to_isr
        mem32[self._instruction] = reg.PUSH_NOBLOCK
        return mem32[self._output]

    def load(self, word: int, from_osr: int) -> None:
        """Sets a register while the machine stands still and its FIFO is empty; `from_osr` is the instruction that copies it."""
        self.put(word)
        self.execute(reg.PULL_NOBLOCK)
        self.execute(from_osr)

    def drain(self) -> None:
        """Empties the FIFO while the machine stands still. OSError when it can't be emptied."""
        for _ in range(self.level()):
            self.execute(reg.PULL_NOBLOCK)
        if self.level():
            raise OSError("a word stays in the PIO's FIFO")

    def rewrite(self, address: int, instruction: int) -> None:
        """Replaces an instruction of the program."""
        mem32[self._memory + 4 * address] = instruction

    def stalled(self) -> bool:
        """Whether the program has waited for a word since `forget_stall`."""
        return bool(mem32[self._stalls] & self._stalled)

    def forget_stall(self) -> None:
        mem32[self._stalls] = self._stalled

    def flags(self) -> int:
        """The block's interrupt flags; `irq().flags()` of MicroPython is right for machine 0 alone."""
        return mem32[self._flags]

    def clear_flags(self, mask: int) -> None:
        mem32[self._flags] = mask
