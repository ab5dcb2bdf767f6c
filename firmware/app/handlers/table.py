"""Which function answers which method."""

from app.handlers import (
    ack,
    alarms,
    bolus_cancel,
    bolus_start,
    bolus_status,
    bolus_token,
    clock_set,
    hello,
    journal_read,
    maintenance,
    program_activate,
    program_read,
    program_stage,
    start,
    status,
    stop,
)

HANDLERS = {
    "hello": hello.hello,
    "status": status.status,
    "clock.set": clock_set.clock_set,
    "program.stage": program_stage.program_stage,
    "program.activate": program_activate.program_activate,
    "program.read": program_read.program_read,
    "start": start.start,
    "stop": stop.stop,
    "bolus.token": bolus_token.bolus_token,
    "bolus.start": bolus_start.bolus_start,
    "bolus.status": bolus_status.bolus_status,
    "bolus.cancel": bolus_cancel.bolus_cancel,
    "alarms": alarms.alarms,
    "ack": ack.ack,
    "journal.read": journal_read.journal_read,
    "maintenance": maintenance.maintenance,
}
