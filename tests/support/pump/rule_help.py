"""What the tests of the rules share: a running pump, a look at it after every turn, and the plant's own count."""

from collections.abc import Callable

from app.leases import LedgerFiles
from pumpcore import faults, program
from pumpcore.ledger import LedgerRecord
from support.pump.unit_pump import BENCH, MONDAY_UTC_S, UnitPump, blank_image


def bench_with(**ceilings: int) -> dict:
    """The bench of the unit tests with other ceilings."""
    return BENCH | {"ceilings": BENCH["ceilings"] | ceilings}


def ready(new: program.Program, bench: dict = BENCH, utc_s: int = MONDAY_UTC_S) -> UnitPump:
    """A pump behind its self test, with `new` active."""
    pump = UnitPump(blank_image(bench), utc_s)
    pump.advance(1)
    pump.upload(new)
    return pump


def started(new: program.Program, bench: dict = BENCH, utc_s: int = MONDAY_UTC_S) -> UnitPump:
    """A pump that runs `new`."""
    pump = ready(new, bench, utc_s)
    pump.call("start")
    return pump


def again(pump: UnitPump, off_s: int = 0) -> UnitPump:
    """The same flash after the power was cut and came back `off_s` later, behind the self test."""
    utc_s = pump.board.clock.utc_s()
    booted = UnitPump(pump.image(), utc_s + off_s if utc_s else 0)
    booted.advance(0.05)
    return booted


def each_turn(pump: UnitPump, duration_s: float, look: Callable[[], None]) -> None:
    """Lets time pass and looks after every turn of the loop."""
    link, clock = pump.board.link, pump.board.clock
    link.horizon_us = clock.now_us + round(duration_s * 1_000_000)
    while clock.now_us < link.horizon_us:
        pump.pump.turn()
        look()


def plant_steps(pump: UnitPump) -> int:
    """Steps that the motor made since power-up while it was energised: what came out, without those of the self test."""
    test = pump.pump.selftest
    return pump.board.guard.count() - test._steps * test.done


def queued_steps(pump: UnitPump) -> int:
    """Steps made and steps that the generator has been given and will make by itself."""
    stepper = pump.board.stepper
    return plant_steps(pump) + sum(item[2] for item in stepper._items) - (stepper._made() - stepper._base)


def on_flash(pump: UnitPump) -> LedgerRecord:
    """The ledger as the next boot would find it."""
    return LedgerFiles(pump.board.flash).record


def number(name: str) -> int:
    return faults.by_name(name).number


def refused(reply: dict) -> str:
    """The fault's name of a reply; AssertionError when it was not refused."""
    assert "error" in reply, reply
    return reply["error"]["data"]["fault"]


def order(pump: UnitPump, volume_nl: int, rate_nl: int) -> str:
    """Orders a bolus; returns its token."""
    token = pump.call("bolus.token")["token"]
    pump.call("bolus.start", token=token, volume_nl=volume_nl, rate_nl=rate_nl)
    return token


def records_of(pump: UnitPump, name: str) -> list:
    """The payloads of every record of `name`, oldest first."""
    return [record.fields for record in pump.journal() if record.name == name]
