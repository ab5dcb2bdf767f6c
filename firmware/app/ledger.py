"""The ledger in flash: three small files in rotation, each one whole record; the newest valid one counts."""

import errno

from pumpcore import ledger

if 0:  # for the type checker alone
    from app.types import Flash

FILES = 3
PATHS = ("/ledger/0", "/ledger/1", "/ledger/2")
_MOST_STEPS = 1 << 62  # centuries: no pump has made them


class LedgerFiles:
    """Writes and recovers LedgerRecords. `record` is the one last written or found; OSError passes through.

    `damaged`: a file is invalid, or is not the one that must lie beside the newest. `failed`: there is no folder to write to.
    `behind`: the record was older than the journal (`advance`). `stopped`: the journal has the end of its last lease. While the ledger
    is not `sound` its files stay as they were found, until somebody acknowledges.
    """

    def __init__(self, flash: "Flash") -> None:
        self._flash = flash
        self.damaged = self.behind = self.failed = self.stopped = False
        try:
            flash.make_folder("/ledger")
        except OSError:
            self.failed = True
        self.record = self._recover()

    def _recover(self) -> ledger.LedgerRecord:
        found = [self._valid(number) for number in range(FILES)]
        newest = None
        for record in found:
            if record is not None and (newest is None or record.sequence > newest.sequence):
                newest = record
        if newest is None:
            return ledger.LedgerRecord()
        for sequence in range(max(1, newest.sequence - FILES + 1), newest.sequence):  # each was written where the rotation has it
            record = found[sequence % FILES]
            if record is None or record.sequence != sequence:
                self.damaged = True
        return newest

    def _valid(self, number: int) -> ledger.LedgerRecord | None:
        """None when it is not there, or created by a write that a cut ended, or damaged."""
        try:
            image = self._flash.read(PATHS[number])
            record = ledger.unpack(image) if image else None
            if record is None or record.leased_steps < _MOST_STEPS:
                return record
            self.damaged = True
        except OSError as error:
            self.damaged = self.damaged or error.errno != errno.ENOENT
        except ValueError:
            self.damaged = True
        return None

    def advance(self, position_steps: int) -> None:
        """The record is older than what the journal says was delivered: the larger position counts, and nothing is open."""
        self.behind = True
        record = self.record
        record.leased_steps = record.confirmed_steps = max(record.leased_steps, position_steps)

    def sound(self) -> bool:
        return not self.damaged and not self.behind

    def renew(self, record: ledger.LedgerRecord) -> None:
        """Makes `record` the newest, and writes it until no damaged file is left; OSError when one stays."""
        for _ in range(FILES):
            self.write(record)
            self.damaged = self.behind = False
            self._recover()
            if not self.damaged:
                return
        raise OSError(errno.EIO)

    def vouch(self, powered_on_s: int, events_sequence: int) -> None:
        """Writes the record of a stopped pump again, for what the journal holds by now."""
        record = ledger.unpack(ledger.pack(self.record))
        record.powered_on_s, record.events_sequence = powered_on_s, events_sequence
        self.write(record)

    def write(self, record: ledger.LedgerRecord) -> None:
        """Makes `record` the newest; durable when it returns."""
        record.sequence = self.record.sequence + 1
        self._flash.write(PATHS[record.sequence % FILES], ledger.pack(record))
        self.record = record
