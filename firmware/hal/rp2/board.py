"""The board: every part, built so that nothing moves."""

from micropython import const

from hal.absent import BoardState, NoButtons, NoGuard, NoStepper, NoSupply
from hal.rp2 import feed, imports, pio
from hal.rp2.clock import Clock
from hal.rp2.flash import BoardFlash
from hal.rp2.guard import Buttons, Guard
from hal.rp2.link import Link
from hal.rp2.signals import Buzzer, Led
from hal.rp2.stepper import Stepper
from hal.rp2.system import System, Watchdog

if 0:  # for the type checker alone
    from hal.ports import BenchFacts, MotorButtons, MotorGuard, MotorStepper, RotorSensor, Supply

_TARGET = const("rp2")


class Board:
    """The board. Before `attach` no pin is driven, and the motor parts refuse to move."""

    def __init__(self) -> None:
        pio.stop_all()
        pio.release_pins()
        feed.reserve()
        self.system = System()
        self.clock = Clock()
        self.link = Link()
        self.flash = BoardFlash()
        imports.PACK.hold()
        self.watchdog = Watchdog()
        self.stepper: "MotorStepper" = NoStepper()
        self.guard: "MotorGuard" = NoGuard()
        self.buttons: "MotorButtons" = NoButtons()
        self.supply: "Supply" = NoSupply()
        self.sensor: "RotorSensor | None" = None
        self.buzzer = Buzzer()
        self.led = Led()
        self.state = BoardState()

    def attach(self, bench: "BenchFacts | None") -> bool:
        """Build what the bench describes, disabled. Return True if there is a motor: not for None or a bench of another target.

        A stop button held now asks for maintenance: the link is then closed and the program ends.
        """
        has_motor = bench is not None and bench.target == _TARGET
        if has_motor:
            pins = bench.pins
            self._attach_motor(bench, pins["enable"])
            self.buzzer = Buzzer(pins.get("buzzer"))
            self.led = Led(pins.get("led"))
            if "motor_supply" in pins:
                self._attach_supply(bench)
            if bench.clock_chip:
                self._attach_clock(pins["clock_sda"], pins["clock_scl"])
            if bench.sensor_hz:
                from hal.rp2.as5600 import As5600

                self.sensor = As5600(pins["sensor_sda"], pins["sensor_scl"], bench.sensor_hz)
            self.system.maintenance_requested = self.system.maintenance_requested or self.buttons.held()
        self.link.closed = self.system.maintenance_requested
        return has_motor

    def _attach_motor(self, bench: "BenchFacts", enable: int) -> None:
        """Build the guard first: from then on the enable line is driven, and off. The modules that only build parts are freed."""
        from hal.rp2 import motors

        self.guard = Guard(motors.counted_pin(bench), enable, bench.disabled_level)
        self.buttons = Buttons(bench.pins["stop_button"], enable, bench.disabled_level, bench.pins.get("bolus_button"))
        self.stepper = Stepper(motors.generator(bench), self.guard, bench.max_rate_hz, bench.wake_us)
        self.link.alert = self.alert
        library = motors.stepper.__name__
        self.system.forget(motors.__name__, library, library.partition(".")[0])

    def _attach_clock(self, sda: int, scl: int) -> None:
        """Use the chip only if it answers; otherwise the time is unknown until somebody sets it."""
        from hal.rp2.clock import Ds3231

        try:
            self.clock.attach(Ds3231(sda, scl))
        except OSError:
            self.clock.has_chip = False

    def _attach_supply(self, bench: "BenchFacts") -> None:
        from hal.rp2.signals import Supply

        self.supply = Supply(bench.pins["motor_supply"], bench.supply_full_scale_mv, bench.supply_low_mv, bench.supply_high_mv)

    def alert(self) -> bool:
        """Return True for what cannot wait: a button, the guard, or an enabled motor whose supply is outside its limits."""
        return self.buttons.alert() or (self.stepper.enabled and self.supply.amiss() != "")

    def look(self) -> BoardState:
        """Return the state at this moment, for every turn of the loop; always the same object.

        A stop button held since before a start cuts the line without a new press: that counts as a stop as well.
        """
        state = self.state
        state.steps_done, state.guard_count, state.underruns, state.tripped = self.stepper.look()
        state.stop_pressed = self.buttons.stop_pressed() or (state.tripped and self.buttons.held())
        return state

    def cut(self) -> None:
        """Switch the enable line off and hold it off until `restore`: for a stop seen in the middle of a flash write."""
        self.guard.cut(True)

    def restore(self) -> None:
        """Allow the enable line again, after the stop was carried out."""
        self.guard.cut(False)

    def make_safe(self) -> None:
        """Disable and halt the motor for good, switch DMA and PIO off. Works in every state, even half built."""
        try:
            self.flash.listen(None)
            self.stepper.enable(False)
            self.stepper.halt()
            self.stepper.close()
        finally:
            pio.stop_all()
            self.stepper = NoStepper()

    def hand_over(self) -> None:
        """End the program and leave a normal prompt: Ctrl-C works, files are visible."""
        self.link.release()
        imports.unmount()
        if not self.watchdog.started():
            self.system.ended()
