"""Handlers of alarms, ack and maintenance."""

from app.pump import Pump
from app.records.journal import JournalError
from app.wire import session
from pumpcore.faults import faults
from pumpcore.faults.faults import Refusal
from pumpcore.flash import ledger

# --- alarms ------------------------------------------------------------------------------------------------------------------


def alarms(pump: Pump, params: dict) -> dict:
    """Return the active faults, lowest number first, with text, what to do, and how often each came."""
    active = [faults.by_number(number) for number in pump.alarms.active()]
    told = session.fault_words(pump.board.system, [fault.name for fault in active])
    counts = pump.alarms.counts()
    return {"alarms": [_row(fault, words, counts[fault.number]) for fault, words in zip(active, told)]}


def _row(fault: faults.Fault, told: "tuple[str, str]", count: int) -> dict:
    text, remedy = told
    return {"fault": fault.number, "name": fault.name, "severity": fault.severity, "text": text, "do": remedy, "count": count}


# --- ack ---------------------------------------------------------------------------------------------------------------------


def ack(pump: Pump, params: dict) -> dict:
    """Acknowledge one fault, journaled first. Refusals `not_active_alarm`, `alarm_stays`."""
    if params["fault"] in [faults.by_name("ledger_" + what).number for what in ("failed", "damaged", "behind")] and pump.idle():
        _settle_ledger(pump)
    if params["fault"] == faults.by_name("journal_identity").number:
        _keep_identity(pump)
    if params["fault"] == faults.by_name("reservoir_damaged").number and "reservoir" in pump.setup.damaged:
        _forget_tank(pump)
    if params["fault"] == faults.by_name("reservoir_empty").number:
        _check_refilled(pump)
    pump.alarms.acknowledge(params["fault"])
    if pump.idle() and pump.selftest.done:
        pump.delivery.motion.rebase(pump.delivery.motion.delivered_steps())
    return {"alarms": pump.alarms.active()}


def _settle_ledger(pump: Pump) -> None:
    """Write what could not be written when the pump stopped, or was lost: after a reset it must not look like a running pump."""
    try:
        pump.delivery.leases.close(pump.book.record(ledger.IDLE, 0), pump.position_steps())
    except OSError:
        raise Refusal("alarm_stays", asked=faults.by_name("ledger_failed").number)


def _keep_identity(pump: Pump) -> None:
    """Store the identity of the newest boot record again. Refusal `alarm_stays`."""
    try:
        pump.journal.keep_boots(True)
    except JournalError:
        raise Refusal("alarm_stays", asked=faults.by_name("journal_identity").number)


def _forget_tank(pump: Pump) -> None:
    """Forget the reservoir. A program that watches it starts only after a refill."""
    pump.setup.store.save("reservoir", b"")
    pump.setup.damaged.remove("reservoir")


def _check_refilled(pump: Pump) -> None:
    tank, settings = pump.setup.tank, pump.setup.reservoir_settings()
    if tank is not None and settings is not None and pump.position_steps() >= tank.position_at(settings.empty_nl):
        raise Refusal("alarm_stays", asked=faults.by_name("reservoir_empty").number)


# --- maintenance -------------------------------------------------------------------------------------------------------------


def maintenance(pump: Pump, params: dict) -> dict:
    """Prepare the board for deploying; the reset follows the reply. Refusal `not_stopped`.

    After the reset neither watchdog nor pump runs.
    """
    if not pump.idle():
        raise Refusal("not_stopped", state=pump.state())
    pump.journal.append("maintenance", (0,))
    pump.board.system.request_maintenance()
    pump.reset_wanted = True
    return {"state": "maintenance"}
