"""The types of objects that pumpcore receives, for the type checker alone: none of this is on a pump.

A file imports from here below `if 0:`, which every compiler leaves out, and writes the name in quotes.
"""

from collections.abc import Callable as Callable
from collections.abc import Iterable as Iterable
from collections.abc import Iterator as Iterator
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias, TypeVar
from typing import Protocol as Interface

from pumpcore.faults.faults import Refusal as Refusal
from pumpcore.fluid.front import Crossing as Crossing
from pumpcore.fluid.front import Line as Line
from pumpcore.limits.ceilings import Ceilings as Ceilings
from pumpcore.motion.dose import Calibration
from pumpcore.program.plan import Program as Program
from pumpcore.program.protocol import Protocol as Protocol
from pumpcore.program.settings import Settings as Settings

# A number, text, bytes, or a tuple of them.
Constant = TypeVar("Constant")

# What JSON decodes to.
Json: TypeAlias = str | int | float | bool | Sequence[Json] | Mapping[str, Json] | None
# A line that was received; a long one with a program in pieces.
Received: TypeAlias = bytes | list[bytes]
# (name, mass_ng, volume_nl): a drug and its concentration.
Drug: TypeAlias = tuple[str, int, int]

class Method(NamedTuple):
    """A row of pumpcore.wire.messages.METHODS: a method's parameters, whether it changes anything, the role that it needs."""

    params: dict[str, tuple]
    changes: bool
    role: str

# Each drug that a program puts into the line, the leading one first.
Content: TypeAlias = tuple[Drug, ...]

class Entries(Interface):
    """(minute of the week, rate_nl), sorted: a list, or a pumpcore.program.plan.PackedEntries."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: int, /) -> tuple[int, int]: ...
    def __iter__(self) -> Iterator[tuple[int, int]]: ...

class Rows(Interface):
    """Rows of three numbers: a list, or a pumpcore.program.protocol.Packed."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: int, /) -> tuple[int, int, int]: ...
    def __iter__(self) -> Iterator[tuple[int, int, int]]: ...

class Ahead(Interface):
    """Seconds of a stage: how many are left of it, and the sum of the rates of the next ones."""

    left_s: int
    def nl_s(self, duration_s: int, /) -> int: ...

# (seconds, rate at its begin, rate at its end)
Stages: TypeAlias = Rows
# [challenge in hex, uptime in ms when it was issued, whether it is unused].
Challenge: TypeAlias = list
# (first stage, number of stages, times; 0 = for ever)
Loops: TypeAlias = Rows
# The drugs beside the first.
Drugs: TypeAlias = Sequence[Drug]

# What the bins of a turn cost, in grains (pumpcore.motion.rotor): a list, an array, or a view of packed bytes.
Prices: TypeAlias = Sequence[int]
# (steps, duration_us): the generator makes one after the other.
Items: TypeAlias = list[tuple[int, int]]
# The values of a record, in the order of pumpcore.wire.record_types.
Payload: TypeAlias = tuple[int | bytes, ...]

class MotorFacts(Interface):
    """How fast the motor of a bench may step."""

    max_rate_hz: int
    start_rate_hz: int
    acceleration_hz_per_s: int

class BenchLimits(MotorFacts, Interface):
    """The ceilings and the motor of a bench, for checking a program."""

    rate_nl: int
    rate_seconds_s: int
    hour_nl: int
    day_nl: int

class BenchFacts(BenchLimits, Interface):
    """Everything that a bench file gives: a pumpcore.bench.bench.Bench, or its attributes without the code that checked them."""

    name: str
    target: str
    clock_chip: bool
    driver: str
    kind: str
    disabled_level: int
    microsteps: int
    coil_style: str
    forward: bool
    wake_us: int
    supply_full_scale_mv: int
    supply_low_mv: int
    supply_high_mv: int
    pins: dict[str, int]
    calibration: Calibration
    turns: int
    turns_steps: int
    sensor_hz: int
    sensor_forward: bool

class Judged(Interface):
    """What limits an order: the active program, its ceilings, and the calibration in force."""

    program: Program
    ceilings: Ceilings
    calibration: Calibration


class Reader(Interface):
    """An open file that is read in parts."""

    def seek(self, offset: int, whence: int = 0, /) -> int: ...
    def readinto(self, buffer: bytearray | memoryview, /) -> int: ...
