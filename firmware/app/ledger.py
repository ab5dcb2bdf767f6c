"""The ledger in flash: three small files in rotation, each one whole record; the newest valid one counts."""

from pumpcore import ledger

FOLDER = "/ledger"
FILES = 3


class LedgerFiles:
    """Writes and recovers LedgerRecords. `record` is the one last written or found; OSError passes through."""

    def __init__(self, flash: object) -> None:
        self._flash = flash
        flash.make_folder(FOLDER)
        self.damaged = 0
        self.record = self._recover()

    def _recover(self) -> ledger.LedgerRecord:
        newest = None
        for number in range(FILES):
            path = self._path(number)
            image = self._flash.read(path) if self._flash.exists(path) else b""
            if not image:  # not there, or created by a write that a cut ended
                continue
            try:
                found = ledger.unpack(image)
            except ValueError:
                self.damaged += 1
                continue
            if newest is None or found.sequence > newest.sequence:
                newest = found
        return newest or ledger.LedgerRecord()

    def lost(self) -> bool:
        """Whether files are there and none of them is valid."""
        return self.damaged > 0 and self.record.sequence == 0

    def write(self, record: ledger.LedgerRecord) -> None:
        """Makes `record` the newest; durable when it returns."""
        record.sequence = self.record.sequence + 1
        self._flash.write(self._path(record.sequence % FILES), ledger.pack(record))
        self.record = record

    def _path(self, number: int) -> str:
        return "%s/%d" % (FOLDER, number)
