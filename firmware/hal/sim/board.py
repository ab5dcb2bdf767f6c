"""The simulated board: every part, built so that nothing moves."""

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


class SimulatedFlash(Flash):
    """The littlefs of the simulator."""

    def listen(self, look: "EraseListener | None") -> None:
        """Do nothing: a simulated erase takes no time."""


# --- watchdog ----------------------------------------------------------------------------------------------------------------


class Watchdog:
    """The simulated watchdog: it resets the board if it is not fed in time."""
    def __init__(self, board: panel.Device, pulses: panel.Pulses) -> None:
        self.board = board
        self._pulses = pulses

    def start(self, timeout_ms: int) -> None:
        """Start it with 1 to 8388 ms; it cannot be stopped again. Raises OSError beyond that."""
        self.board.order(b"W" + struct.pack("<I", timeout_ms))

    def feed(self) -> None:
        """Feed it with the next wait: time passes only there."""
        self._pulses.feeds = True


# --- board -------------------------------------------------------------------------------------------------------------------


class Board:
    """The simulated board, built from its device files."""
    def __init__(self) -> None:
        device = panel.Device("/dev/board")
        facts = device.facts()
        pulses = panel.Pulses()
        self.look = pulses.look  # once per turn of the loop
        self.system = System(device, facts)
        self.clock = Clock(panel.Device("/dev/rtc") if facts["clock_chip"] else None, pulses)
        self.link = Link(pulses)
        self.flash = SimulatedFlash()
        self.stepper: "ports.Stepper" = Stepper(pulses, facts["max_rate_hz"])
        self.guard: "ports.Guard" = Guard(pulses, panel.Device("/dev/guard"))
        self.watchdog = Watchdog(device, pulses)
        self.buttons = Buttons(pulses, device)
        self.supply: "ports.Supply" = Supply(pulses, panel.Device("/dev/supply")) if facts["motor_supply"] else NoSupply()
        self.sensor: "ports.RotorSensor | None" = None
        self.buzzer = Buzzer(device)
        self.led = Led(device)

    def attach(self, bench: "ports.BenchFacts | None") -> bool:
        """Use the rig, which exists from the start. Without a bench (None) the motor parts refuse to move."""
        if bench is None:
            self.stepper = NoStepper()
            self.guard = NoGuard()
        elif bench.sensor_hz:
            from hal.sim.as5600 import As5600

            self.sensor = As5600()
        return bench is not None

    def cut(self) -> None:
        """End the motion at once. Nothing calls it here: a simulated erase takes no time."""
        self.make_safe()

    def restore(self) -> None:
        """Do nothing: no line is held off."""

    def make_safe(self) -> None:
        """Halt and disable the motor, in any state."""
        self.stepper.halt()
        self.stepper.enable(False)

    def hand_over(self) -> None:
        """Do nothing: there is no prompt."""
