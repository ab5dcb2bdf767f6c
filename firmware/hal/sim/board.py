"""The simulated board: builds every part in a state in which nothing moves."""

import struct

from hal.absent import NoGuard, NoStepper, NoSupply
from hal.sim import panel
from hal.sim.clock import Clock
from hal.sim.link import Link
from hal.sim.motor import Guard, Stepper, Supply
from hal.sim.panel import Buttons, Buzzer, Led
from hal.sim.system import System
from hal.vfs import Flash

if 0:  # for the type checker alone
    from hal import ports
    from hal.ports import EraseListener

# --- flash -------------------------------------------------------------------------------------------------------------------
# The littlefs of the simulator: only its free space is asked for in another way than on the board.


class SimulatedFlash(Flash):
    def __init__(self, device: panel.Device) -> None:
        self._device = device

    def listen(self, look: "EraseListener | None") -> None:
        """Nobody has to look: a simulated erase takes no time."""

    def free_bytes(self) -> int:
        return self._device.answer_u64()


# --- watchdog ----------------------------------------------------------------------------------------------------------------
# The chip's watchdog: resets the board when nobody feeds it.


class Watchdog:
    def __init__(self, board: panel.Device, pulses: panel.Pulses) -> None:
        self._board = board
        self._pulses = pulses

    def start(self, timeout_ms: int) -> None:
        """1 to 8388 ms; can't be stopped again. OSError beyond that."""
        self._board.order(b"W" + struct.pack("<I", timeout_ms))

    def feed(self) -> None:
        """Goes with the next wait: time passes nowhere else."""
        self._pulses.feeds = True


# --- board -------------------------------------------------------------------------------------------------------------------


class Board:
    def __init__(self) -> None:
        device = panel.Device("/dev/board")
        facts = device.facts()
        pulses = panel.Pulses()
        self.look = pulses.look  # for every turn of the loop
        self.system = System(device, facts)
        self.clock = Clock(panel.Device("/dev/rtc") if facts["clock_chip"] else None, pulses)
        self.link = Link(pulses)
        self.flash = SimulatedFlash(panel.Device("/dev/flash"))
        self.stepper: "ports.Stepper" = Stepper(pulses, facts["max_rate_hz"])
        self.guard: "ports.Guard" = Guard(pulses, panel.Device("/dev/guard"))
        self.watchdog = Watchdog(device, pulses)
        self.buttons = Buttons(pulses, device)
        self.supply: "ports.Supply" = Supply(pulses, panel.Device("/dev/supply")) if facts["motor_supply"] else NoSupply()
        self.buzzer = Buzzer(device)
        self.led = Led(device)

    def attach(self, bench: "ports.BenchFacts | None") -> bool:
        """The simulated rig is there from the start; without a bench (None) nothing may use its motor."""
        if bench is None:
            self.stepper = NoStepper()
            self.guard = NoGuard()
        return bench is not None

    def cut(self) -> None:
        """Ends the motion at once. Nothing calls it here: a simulated erase takes no time."""
        self.make_safe()

    def restore(self) -> None:
        """Nothing is held off."""

    def make_safe(self) -> None:
        """Motor halted and disabled, in any state."""
        self.stepper.halt()
        self.stepper.enable(False)

    def hand_over(self) -> None:
        """Nothing: there is no prompt."""
