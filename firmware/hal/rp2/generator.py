"""The step generator: a state machine of PIO 0, its feed, and the count of what it has made, from its own registers only."""

from micropython import const

from hal.rp2 import words
from hal.rp2.feed import Feed
from hal.rp2.pio import JMP, JMP_PIN, MOV_ISR_OSR, MOV_ISR_Y, MOV_PINS_ISR, MOV_PINS_NULL, Machine
from hal.rp2.words import WORDS, steps_in

if 0:  # for the type checker alone
    from hal.ports import PioProgram

# --- program -----------------------------------------------------------------------------------------------------------------
# What the CPU has to know of a generator's PIO program (programs.py) while it runs.


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


# --- generator ---------------------------------------------------------------------------------------------------------------

_GENERATOR_NUMBER = const(0)
_ALL_OFF = MOV_PINS_NULL


class Generator:
    """`options` are the pins, as rp2.StateMachine wants them. `cycle`: patterns of the coils, () for a step and direction driver."""

    def __init__(self, program: Program, options: dict, cycle: tuple[int, ...] = ()) -> None:
        self.machine = Machine(_GENERATOR_NUMBER, program.program, options)
        self.feed = Feed(self.machine)
        self._program = program
        self.overhead_cycles = program.overhead_cycles
        self._cycle = cycle
        self._counted = 0  # pulses of all words before `_current`
        self._current = 0  # index of the last word that was pulled
        self._pulled_any = False
        self._room = 0  # words that may be written for certain: those before have been counted
        self._runs = False
        self._prepare()

    def encode(self, steps: int, cycles: int) -> None:
        """Writes an item's words behind the others. ValueError when it can't be made or the ring has no room."""
        feed, most = self.feed, words.most_words(steps, cycles)
        if most > self._room:
            pulled = feed.pulled()
            self._count_until(pulled)
            self._room = feed.room(pulled)
            if most > self._room:
                raise ValueError("more than the queue holds")
        behind = words.encode(feed.words, feed.end, steps, cycles, self.overhead_cycles)
        self._room -= behind - feed.end & (WORDS - 1)
        feed.end = behind

    def send(self) -> None:
        """Everything encoded goes to the hardware; the generator begins if it stood still."""
        self.feed.send()
        if not self._runs:
            self._runs = True
            self.machine.run(True)

    def at_rest(self) -> bool:
        """Whether everything that was sent has been made. False for ever when the enable line stopped the generator."""
        return self._rests(self.feed.pulled())

    def _rests(self, pulled: int) -> bool:
        return not self._runs or (pulled == self.feed.sent and self.machine.pc() == 0)

    def bounds(self) -> tuple[int, int]:
        """(least, most) pulses made until now, as closely as can be told while the generator runs: to a word."""
        pulled = self.feed.pulled()
        most = self._count_until(pulled)
        return (most if self._rests(pulled) else self._counted), most

    def _count_until(self, pulled: int) -> int:
        """Counts the words that were pulled before the last one, so that they may be overwritten; returns the count with that."""
        if pulled == self._current and not self._pulled_any:
            return self._counted
        self._pulled_any = True
        last = pulled - 1 & (WORDS - 1)
        self._counted += steps_in(self.feed.words, self._current, last)
        self._current = last
        return self._counted + steps_in(self.feed.words, last, pulled)

    def halt(self) -> int:
        """Stops within a microsecond of the first instruction and drops the queue; returns all pulses ever made, exactly."""
        machine = self.machine
        machine.run(False)
        pulled = self.feed.stop()
        pc, y = machine.pc(), machine.read(MOV_ISR_Y)
        machine.execute(_ALL_OFF)
        self._counted = self._made_until(pulled, pc, y)
        machine.drain()
        self.look_at_pad(True)
        self._runs = self._pulled_any = False
        self.feed.clear()
        self._current = self._room = 0
        self._prepare()
        return self._counted

    def _made_until(self, pulled: int, pc: int, y: int) -> int:
        repeats = self._count_until(pulled) - self._counted  # of the last word; none for a dwell
        return self._counted + (self._program.made(pc, repeats, y) if repeats else 0)

    def _prepare(self) -> None:
        """At the program's begin with empty registers; the coils' patterns turned to where the motor stands."""
        self.machine.restart()
        if self._cycle:
            self.machine.load(_turned(self._cycle, self._counted), MOV_ISR_OSR)

    def energise(self) -> None:
        """Holds the rotor where it stands; on a step and direction driver the driver does that."""
        if self._cycle:
            self.machine.execute(MOV_PINS_ISR)

    def look_at_pad(self, on: bool) -> None:
        """Whether the enable line stops the generator. Only the self test, whose motor is disabled, steps without looking."""
        program = self._program
        instruction = JMP_PIN | program.target if on else JMP | program.go
        self.machine.rewrite(program.check, instruction + self.machine.origin)


def _turned(cycle: tuple[int, ...], steps: int) -> int:
    """Eight patterns of four bits; the lowest is the one that the motor has after `steps`, the others follow it."""
    ring = 0
    for place in range(8):
        ring |= cycle[(steps + place - 1) % len(cycle)] << 4 * place
    return ring
