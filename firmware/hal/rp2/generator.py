"""The step generator: a state machine of PIO 0, its feed, and the count of its pulses, from its own registers only."""

from micropython import const

from hal.rp2 import words
from hal.rp2.feed import Feed
from hal.rp2.pio import JMP, JMP_PIN, MOV_ISR_OSR, MOV_ISR_Y, MOV_PINS_ISR, MOV_PINS_NULL, Machine
from hal.rp2.words import WORDS, steps_in

if 0:  # for the type checker alone
    from hal.ports import PioProgram

# --- program -----------------------------------------------------------------------------------------------------------------
# What the CPU must know about a running PIO program (programs.py).


class Program:
    """A generator's PIO program, and the instructions that show its state, numbered from its beginning.

    `again`: a repetition begins. `check`: reads the pad and jumps to `target` if it is high; `go` follows if the pad is on. `high` to
    `low`: the pulse of this repetition was made and Y still counts it. `overhead_cycles`: an item's time besides its x.
    """

    def __init__(self, program: "PioProgram", marks: tuple[int, int, int, int, int, int], overhead_cycles: int) -> None:
        self.program = program
        self.again, self.check, self.target, self.go, self.high, self.low = marks
        self.overhead_cycles = overhead_cycles

    def made(self, pc: int, count: int, y: int) -> int:
        """Return how many pulses of the last pulled word were made, from the program counter and Y."""
        if pc == 0:
            return count
        if pc < self.again:
            return 0
        if self.high <= pc <= self.low:
            return count - y
        return count - 1 - y


# --- generator ---------------------------------------------------------------------------------------------------------------

_GENERATOR_NUMBER = const(0)
_ALL_OFF = MOV_PINS_NULL


class Generator:
    """`options`: the pins, for rp2.StateMachine. `cycle`: patterns of the coils, () for a step and direction driver."""

    def __init__(self, program: Program, config: dict, cycle: tuple[int, ...] = ()) -> None:
        self.machine = Machine(_GENERATOR_NUMBER, program.program, config)
        self.feed = Feed(self.machine)
        self._program = program
        self.overhead_cycles = program.overhead_cycles
        self.cycle = cycle
        self.counted = 0  # pulses of all words before `current`
        self.current = 0  # index of the last word pulled
        self._pulled_any = False
        self.room = 0  # words that may surely be written: those before were counted
        self.runs = False
        self._prepare()

    def encode(self, steps: int, count: int) -> None:
        """Write an item's words after the others. Raises ValueError if it cannot be made or the ring has no room."""
        feed, most = self.feed, words.most_words(steps, count)
        if most > self.room:
            pulled = feed.pulled()
            self._count_until(pulled)
            self.room = feed.room(pulled)
            if most > self.room:
                raise ValueError("more than the queue holds")
        behind = words.encode(feed.words, feed.end, steps, count, self.overhead_cycles)
        self.room -= behind - feed.end & (WORDS - 1)
        feed.end = behind

    def send(self) -> None:
        """Hand everything encoded to the hardware; start the generator if it stood still."""
        self.feed.send()
        if not self.runs:
            self.runs = True
            self.machine.run(True)

    def at_rest(self) -> bool:
        """Return True if everything sent was made. Stays False after the enable line stopped the generator."""
        return self._rests(self.feed.pulled())

    def _rests(self, pulled: int) -> bool:
        return not self.runs or (pulled == self.feed.sent and self.machine.pc() == 0)

    def bounds(self) -> tuple[int, int]:
        """Return (least, most) pulses made until now. While the generator runs, the count is exact to a word."""
        pulled = self.feed.pulled()
        most = self._count_until(pulled)
        return (most if self._rests(pulled) else self.counted), most

    def _count_until(self, pulled: int) -> int:
        """Count the words pulled before the last one, so that they may be overwritten. Return the count including the last."""
        if pulled == self.current and not self._pulled_any:
            return self.counted
        self._pulled_any = True
        last = pulled - 1 & (WORDS - 1)
        self.counted += steps_in(self.feed.words, self.current, last)
        self.current = last
        return self.counted + steps_in(self.feed.words, last, pulled)

    def halt(self) -> int:
        """Stop within a microsecond and drop the queue. Return the exact number of pulses ever made."""
        machine = self.machine
        machine.run(False)
        pulled = self.feed.stop()
        pc, y = machine.pc(), machine.read(MOV_ISR_Y)
        machine.execute(_ALL_OFF)
        self.counted = self._made_until(pulled, pc, y)
        machine.drain()
        self.look_at_pad(True)
        self.runs = self._pulled_any = False
        self.feed.clear()
        self.current = self.room = 0
        self._prepare()
        return self.counted

    def _made_until(self, pulled: int, pc: int, y: int) -> int:
        repeats = self._count_until(pulled) - self.counted  # of the last word; 0 for a dwell
        return self.counted + (self._program.made(pc, repeats, y) if repeats else 0)

    def _prepare(self) -> None:
        """Go to the program's beginning with empty registers; turn the coil patterns to the motor's position."""
        self.machine.restart()
        if self.cycle:
            self.machine.load(_turned(self.cycle, self.counted), MOV_ISR_OSR)

    def energise(self) -> None:
        """Hold the rotor where it stands. A step and direction driver does that itself."""
        if self.cycle:
            self.machine.execute(MOV_PINS_ISR)

    def look_at_pad(self, on: bool) -> None:
        """Let the enable line stop the generator, or not: only the self test, with the motor disabled, steps without looking."""
        program = self._program
        instruction = JMP_PIN | program.target if on else JMP | program.go
        self.machine.rewrite(program.check, instruction + self.machine.origin)


def _turned(cycle: tuple[int, ...], steps: int) -> int:
    """Return eight patterns of four bits: the lowest is the motor's after `steps`, the others follow it."""
    ring = 0
    for place in range(8):
        ring |= cycle[(steps + place - 1) % len(cycle)] << 4 * place
    return ring
