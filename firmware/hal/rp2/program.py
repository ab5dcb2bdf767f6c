"""What the CPU has to know of a generator's PIO program (programs.py) while it runs."""

if 0:  # for the type checker alone
    from hal.ports import PioProgram


class Program:
    """A generator's program, and the numbers of those instructions that tell its state, counted from its begin.

    `again`: where a repetition begins. `check`: the look at the pad, which jumps to `target` when the pad is high; `go` follows
    when the pad is on. `high` to `low`: the pulse of this repetition has been made and Y still counts it. `overhead_cycles`:
    what an item takes besides its x.
    """

    def __init__(self, program: "PioProgram", marks: tuple[int, int, int, int, int, int], overhead_cycles: int) -> None:
        self.program = program
        self.again, self.check, self.target, self.go, self.high, self.low = marks
        self.overhead_cycles = overhead_cycles

    def made(self, pc: int, repeats: int, y: int) -> int:
        """How many of a word's pulses were made, from the machine's program counter and Y; the word is the last one pulled."""
        if pc == 0:
            return repeats
        if pc < self.again:
            return 0
        if self.high <= pc <= self.low:
            return repeats - y
        return repeats - 1 - y
