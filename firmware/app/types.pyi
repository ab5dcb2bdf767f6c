"""The types of app by one name each, for the type checker alone: none of this is on a pump.

A file of app imports from here, below `if 0:`, what it does not import at run time, and writes the name in quotes.
"""

from collections.abc import Callable, Generator
from collections.abc import Iterator as Iterator
from types import ModuleType as ModuleType
from typing import NotRequired, Protocol, TypeAlias, TypedDict

from app.delivery.basal import Basal as Basal
from app.delivery.basal import NoBasal as NoBasal
from app.delivery.course import Course as Course
from app.delivery.delivery import Delivery as Delivery
from app.delivery.law import Law as Law
from app.delivery.leases import Book as Book
from app.delivery.leases import Leases as Leases
from app.delivery.leases import LedgerFiles as LedgerFiles
from app.delivery.motion import Motion as Motion
from app.delivery.motion import SelfTest as SelfTest
from app.delivery.orders import Orders as Orders
from app.delivery.orders import Overlay as Overlay
from app.delivery.parts import Marks as Marks
from app.delivery.span import Span as Span
from app.delivery.watch import Watch as Watch
from app.programs.lines import Bridge as Bridge
from app.programs.lines import Change as Change
from app.programs.setup import Setup as Setup
from app.programs.setup import Staged as Staged
from app.pump import Pump as Pump
from app.records.alarms import Alarms as Alarms
from app.records.alarms import Presses as Presses
from app.records.alarms import Reporter as Reporter
from app.records.journal import Journal as Journal
from app.records.journal import Ring as Ring
from app.records.store import Store as Store
from app.records.wall import WallClock as WallClock
from app.startup.boot import Resume as Resume
from app.startup.recovery import Walked as Walked
from app.supervisor import Supervisor as Supervisor
from app.wire.handlers.table import Loader as Loader
from app.wire.session import Bulk as Bulk
from app.wire.session import Session as Session
from app.wire.tokens import Signatures as Signatures
from app.wire.tokens import Tokens as Tokens
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
from hal.ports import RotorSensor as RotorSensor
from hal.ports import Stepper as Stepper
from hal.ports import System as System
from hal.ports import Watchdog as Watchdog
from pumpcore.flash.ledger import LedgerRecord as LedgerRecord
from pumpcore.fluid.front import Crossing as Crossing
from pumpcore.fluid.front import Line as Line
from pumpcore.fluid.reservoir import Reservoir as Reservoir
from pumpcore.limits.ceilings import Ceilings as Ceilings
from pumpcore.limits.ceilings import Windows as Windows
from pumpcore.motion.dose import Calibration as Calibration
from pumpcore.motion.dose import Validity as Validity
from pumpcore.motion.profile import Train as Train
from pumpcore.motion.rotor import Path as Path
from pumpcore.orders.bolus import Bolus as Bolus
from pumpcore.orders.bolus import Doses as Doses
from pumpcore.orders.bolus import Temporary as Temporary
from pumpcore.program.plan import Program as Program
from pumpcore.program.schedule import Week as Week
from pumpcore.program.settings import Settings as Settings
from pumpcore.shapes import Challenge as Challenge
from pumpcore.shapes import Content as Content
from pumpcore.shapes import Entries as Entries
from pumpcore.shapes import Items as Items
from pumpcore.shapes import Json as Json
from pumpcore.shapes import Payload as Payload
from pumpcore.shapes import Received as Received
from pumpcore.wire.gaps import Lost as Lost
from pumpcore.wire.record_types import Record as Record

# Replaces the program's rates for a time.
Overlaying: TypeAlias = Temporary | Bridge
# A result, or its JSON in one or several parts, or with raw bytes.
Answer: TypeAlias = dict[str, Json] | bytes | list[bytes] | Bulk
Handler: TypeAlias = Callable[[Pump, dict], Answer]
# Writes a record: Reporter.post, Reporter.settle.
Post: TypeAlias = Callable[[str, Payload], None]
# Alarms.clear_name, Reporter.clear.
Clear: TypeAlias = Callable[[str], None]
# Pump.stop.
Stop: TypeAlias = Callable[[str], int]
Steps: TypeAlias = Generator[None, None, None]
# Board.attach.
# Uses the stored bytes.
Take: TypeAlias = Callable[[Setup, bytes], None]
# A row of Session's memory: identity, CRC-32 of the body, the line that answered.
Remembered: TypeAlias = tuple[bytes, int, bytes]

class Gaps(Protocol):
    """The functions of pumpcore.wire.gaps, which is loaded only after damage."""

    def whole_records(self, data: bytes | memoryview, first: int, behind: int) -> list[int]: ...
    def next_after(self, data: bytes | memoryview, starts: list[int], first: int) -> int: ...

class Reading(TypedDict):
    """Parameters of journal.read; `goes_on` if the pump itself asks for the next block."""

    ring: str
    from_sequence: int
    blocks: int
    goes_on: NotRequired[int]

class Reason(TypedDict):
    """Parameters of reservoir.acknowledge."""

    reason: str
