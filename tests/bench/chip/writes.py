"""The pump's two longest writes, with its own code: a lease, and a journal record that opens a new segment."""

import time

from app.delivery.leases import LedgerFiles
from app.startup.recovery import open_journal
from hal.vfs import Flash
from pumpcore.flash.ledger import LedgerRecord


class Uptime:
    def uptime_ms(self) -> int:
        return time.ticks_ms()

    def utc_s(self) -> int:
        return 0


class Writes:
    def __init__(self) -> None:
        flash = Flash()
        self._journal = open_journal(flash, Uptime())
        self._files = LedgerFiles(flash)
        self._write_lease()

    def _write_lease(self) -> None:
        record = LedgerRecord()
        record.leased_steps = self._files.record.leased_steps + 1_700
        self._files.write(record)

    def both_us(self) -> tuple:
        """Return (lease, journal record with a new segment) in us, one right after the other."""
        self._journal.rings["events"].give_up_segment()
        begin_us = time.ticks_us()
        self._write_lease()
        between_us = time.ticks_us()
        self._journal.append("total", (1, 2, 3, 4))
        return time.ticks_diff(between_us, begin_us), time.ticks_diff(time.ticks_us(), between_us)
