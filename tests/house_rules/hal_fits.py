"""Each hal, and the unit tests' board, has the interface that app needs. Nothing here runs: firmware_types.py checks the types."""

import hal.rp2.board
import hal.rp2.clock
import hal.rp2.flash
import hal.rp2.guard
import hal.rp2.link
import hal.rp2.signals
import hal.rp2.stepper
import hal.rp2.system
import hal.sim.board
import hal.sim.clock
import hal.sim.link
import hal.sim.motor
import hal.sim.panel
import hal.sim.system
import hal.vfs
from hal import absent, ports
from support.pump import board, flash


def boards(rp2: hal.rp2.board.Board, sim: hal.sim.board.Board, rig: board.Board) -> list[ports.Board]:
    return [rp2, sim, rig]


def boards_of_main(rp2: hal.rp2.board.Board, sim: hal.sim.board.Board) -> list[ports.MainBoard]:
    return [rp2, sim]


def clocks(rp2: hal.rp2.clock.Clock, sim: hal.sim.clock.Clock, rig: board.Clock) -> list[ports.Clock]:
    return [rp2, sim, rig]


def links(rp2: hal.rp2.link.Link, sim: hal.sim.link.Link, rig: board.Link) -> list[ports.Link]:
    return [rp2, sim, rig]


def flashes(rp2: hal.rp2.flash.BoardFlash, sim: hal.sim.board.SimulatedFlash, rig: flash.Flash) -> list[ports.Flash]:
    return [rp2, sim, rig]


def handles(both: hal.vfs.AppendHandle, rig: flash.Handle) -> list[ports.Appender]:
    return [both, rig]


def watchdogs(rp2: hal.rp2.system.Watchdog, sim: hal.sim.board.Watchdog, rig: board.Watchdog) -> list[ports.Watchdog]:
    return [rp2, sim, rig]


def steppers(rp2: hal.rp2.stepper.Stepper, sim: hal.sim.motor.Stepper, none: absent.NoStepper, rig: board.Stepper) -> list[ports.Stepper]:
    return [rp2, sim, none, rig]


def guards(rp2: hal.rp2.guard.Guard, sim: hal.sim.motor.Guard, none: absent.NoGuard, rig: board.Guard) -> list[ports.Guard]:
    return [rp2, sim, none, rig]


def buttons(
    rp2: hal.rp2.guard.Buttons, sim: hal.sim.panel.Buttons, none: absent.NoButtons, rig: board.Buttons
) -> list[ports.Buttons]:
    return [rp2, sim, none, rig]


def supplies(rp2: hal.rp2.signals.Supply, sim: hal.sim.motor.Supply, none: absent.NoSupply, rig: board.Supply) -> list[ports.Supply]:
    return [rp2, sim, none, rig]


def buzzers(rp2: hal.rp2.signals.Buzzer, sim: hal.sim.panel.Buzzer, rig: board.Buzzer) -> list[ports.Buzzer]:
    return [rp2, sim, rig]


def leds(rp2: hal.rp2.signals.Led, sim: hal.sim.panel.Led) -> list[ports.Led]:
    return [rp2, sim]


def systems(rp2: hal.rp2.system.System, sim: hal.sim.system.System, rig: board.System) -> list[ports.System]:
    return [rp2, sim, rig]


def motor_parts(
    guard: hal.rp2.guard.Guard, stepper: hal.rp2.stepper.Stepper, its: hal.rp2.guard.Buttons
) -> tuple[ports.MotorGuard, ports.MotorStepper, ports.MotorButtons]:
    return guard, stepper, its


def no_motor_parts() -> tuple[ports.MotorGuard, ports.MotorStepper, ports.MotorButtons]:
    return absent.NoGuard(), absent.NoStepper(), absent.NoButtons()
