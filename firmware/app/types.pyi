"""The types of app by one name each, for the type checker alone: nothing of this is on a pump.

A file of app imports from here, below `if 0:`, what it does not import when it runs, and writes the name in quotes.
"""

from collections.abc import Callable
from collections.abc import Iterator as Iterator
from types import ModuleType as ModuleType
from typing import NotRequired, Protocol, TypeAlias, TypedDict

from app.lines import Bridge
from app.pump import Pump
from app.setup import Setup
from app.span import Span
from hal.ports import Appender as Appender
from hal.ports import BenchFacts as BenchFacts
from hal.ports import Board as Board
from hal.ports import BoardState as BoardState
from hal.ports import Buzzer as Buzzer
from hal.ports import Clock as Clock
from hal.ports import Flash as Flash
from hal.ports import Guard as Guard
from hal.ports import Link as Link
from hal.ports import Reader as Reader
from hal.ports import Stepper as Stepper
from hal.ports import System as System
from hal.ports import Watchdog as Watchdog
from pumpcore.bolus import Temporary
from pumpcore.shapes import Content as Content
from pumpcore.shapes import Entries as Entries
from pumpcore.shapes import Items as Items
from pumpcore.shapes import Json as Json
from pumpcore.shapes import Payload as Payload

# What stands in the place of the program's rates for a time.
Overlaying: TypeAlias = Temporary | Bridge
# A result, its JSON in one or several parts, or of a bulk answer: (JSON, raw bytes, parameters of the next answer or None).
Answer: TypeAlias = dict[str, Json] | bytes | list[bytes] | tuple[bytes, bytes | memoryview, dict[str, str | int] | None]
Handler: TypeAlias = Callable[[Pump, dict], Answer]
# Writes a record: Reporter.post, Reporter.settle.
Post: TypeAlias = Callable[[str, Payload], None]
# Delivery._mark: a record that is written when the pump second of the span has come.
Mark: TypeAlias = Callable[[Span, str, tuple], None]
# Alarms.clear_name, Reporter.clear.
Clear: TypeAlias = Callable[[str], None]
# Pump.stop.
Stop: TypeAlias = Callable[[str], int]
# Board.attach.
Attach: TypeAlias = Callable[[BenchFacts | None], bool]
# Takes over what is stored.
Take: TypeAlias = Callable[[Setup, bytes], None]
# A row of Session's memory: identity, CRC-32 of the body, the line that answered.
Remembered: TypeAlias = tuple[bytes, int, bytes]

class Gaps(Protocol):
    """The functions of pumpcore.wire.gaps, which is loaded when damage is met."""

    def whole_records(self, data: bytes | memoryview, first: int, behind: int) -> list[int]: ...
    def next_after(self, data: bytes | memoryview, starts: list[int], first: int) -> int: ...

class Reading(TypedDict):
    """Parameters of journal.read; `goes_on` when it is the pump that asks for the next block."""

    ring: str
    from_sequence: int
    blocks: int
    goes_on: NotRequired[int]

class Reason(TypedDict):
    """Parameters of reservoir.acknowledge."""

    reason: str
