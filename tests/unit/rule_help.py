"""Shared by the tests of the rules: a running pump, a look after every turn, and the plant's own count."""

from collections.abc import Callable

from app.delivery.leases import LedgerFiles
from pump import BENCH, MONDAY_UTC_S, UnitPump, blank_image
from pumpcore.faults import faults
from pumpcore.flash.ledger import LedgerRecord
from pumpcore.program import packing


def bench_with(**ceilings: int) -> dict:
    """Return the unit tests' bench with other ceilings."""
    return BENCH | {"ceilings": BENCH["ceilings"] | ceilings}


def ready(new: packing.Program, bench: dict = BENCH, utc_s: int = MONDAY_UTC_S) -> UnitPump:
    """Return a pump after its self test, with `new` active."""
    pump = UnitPump(blank_image(bench), utc_s)
    pump.advance(1)
    pump.upload(new)
    return pump


def started(new: packing.Program, bench: dict = BENCH, utc_s: int = MONDAY_UTC_S) -> UnitPump:
    """Return a pump that runs `new`."""
    pump = ready(new, bench, utc_s)
    pump.call("start")
    return pump


def again(pump: UnitPump, off_s: int = 0) -> UnitPump:
    """Return the same flash, powered again after `off_s`, after the self test."""
    utc_s = pump.board.clock.utc_s()
    booted = UnitPump(pump.image(), utc_s + off_s if utc_s else 0)
    booted.advance(0.05)
    return booted


def each_turn(pump: UnitPump, duration_s: float, look: Callable[[], None]) -> None:
    """Let time pass and call the check after every turn of the loop."""
    link, clock = pump.board.link, pump.board.clock
    link.horizon_us = clock.now_us + round(duration_s * 1_000_000)
    while clock.now_us < link.horizon_us:
        pump.pump.turn()
        look()


def plant_steps(pump: UnitPump) -> int:
    """Return the steps since power-up while the motor was energised, that is without the self test."""
    test = pump.pump.selftest
    return pump.board.guard.count() - test._steps * test.done


def queued_steps(pump: UnitPump) -> int:
    """Return the steps made, plus those that the generator already has and will make by itself."""
    stepper = pump.board.stepper
    return plant_steps(pump) + sum(item[2] for item in stepper._items) - (stepper._made() - stepper._base)


def on_flash(pump: UnitPump) -> LedgerRecord:
    """Return the ledger as the next boot would find it."""
    return LedgerFiles(pump.board.flash).record


def number(name: str) -> int:
    return faults.by_name(name).number


def refused(reply: dict) -> str:
    """Return the fault's name of a reply. Raises AssertionError if it was not refused."""
    assert "error" in reply, reply
    return reply["error"]["data"]["fault"]


def order(pump: UnitPump, volume_nl: int, rate_nl: int) -> str:
    """Order a bolus; return its token."""
    token = pump.call("bolus.token")["token"]
    pump.call("bolus.start", token=token, volume_nl=volume_nl, rate_nl=rate_nl)
    return token


def records_of(pump: UnitPump, name: str) -> list:
    """Return the payloads of every record of `name`, oldest first."""
    return [record.fields for record in pump.journal() if record.name == name]
