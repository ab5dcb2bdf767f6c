"""The simulated board: builds every part in a state in which nothing moves."""

from hal.absent import Guard as NoGuard
from hal.absent import Stepper as NoStepper
from hal.absent import Supply as NoSupply
from hal.sim import panel
from hal.sim.buttons import Buttons, Buzzer, Led
from hal.sim.clock import Clock
from hal.sim.flash import SimulatedFlash
from hal.sim.guard import Guard
from hal.sim.link import Link
from hal.sim.stepper import Stepper
from hal.sim.supply import Supply
from hal.sim.system import System
from hal.sim.watchdog import Watchdog

if 0:  # for the type checker alone
    from hal import ports


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
