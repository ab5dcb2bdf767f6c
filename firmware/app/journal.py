"""The append-only log in flash: two rings, events and faults.

A record is on flash when `append` returns. `post` keeps it in memory until the loop has a turn for it, for records
that only report; those of what is about to happen are appended.
"""

import binascii

from app.ring import FOLDER, Ring, names_in

if 0:  # for the type checker alone
    from app.types import Clock, Flash, LedgerRecord, Payload

MOST_POSTED = 64
# From there on an alarm forbids therapy at power-up: long before a number would come again.
NUMBERS_END = (1 << 32) - (1 << 24)
BOOTS_END = (1 << 23) - (1 << 16)  # a token has 23 bits for it
_BOOTS_KEPT = 1 << 14


class JournalError(Exception):
    """The flash refused a record."""


class Journal:
    """Both rings, the boot number and the stamp of each record. `identity` is what `pumpcore.journal_identity` keeps, 32 hex digits,
    "" for a pump that was never given one."""

    def __init__(self, flash: "Flash", clock: "Clock", buffer: bytearray | None = None) -> None:
        """`buffer`: room for one segment, until `built`."""
        self.broken = False
        try:
            flash.make_folder(FOLDER)
        except OSError:
            self.broken = True
        self._flash = flash
        self._clock = clock
        names = names_in(flash)
        self.rings = {"events": Ring(flash, "e", 32, buffer, names), "faults": Ring(flash, "f", 4, buffer, names)}
        events, faults = self.rings["events"], self.rings["faults"]
        self.boot = (events.last_boot if events.last_boot >= 0 else faults.last_boot) + 1 or 1
        self.identity = ""
        self._boots = 0
        self.posted: "list[tuple[str, str, tuple[int, int, int], Payload]]" = []
        self.lost = 0

    def built(self) -> None:
        """Power-up has read what it needs: gives the buffer back."""
        for ring in self.rings.values():
            ring.buffer = ring.newest = None

    def identify(self, identity: bytes, boots: int) -> None:
        """Takes over the stored identity, and the upper bits of the boot number by a boot that is not long ago; 0: there are none."""
        self.identity = binascii.hexlify(identity).decode() if any(identity) else ""
        self._boots = boots
        if boots:
            behind = (boots - self.boot + 1) & 0xFFFF
            self.boot = boots - (behind if behind < 0x8000 else behind - 0x10000) + 1

    def keep_boots(self, always: bool = False) -> None:
        """Stores where the boot numbers stand, once in 16,384 boots. JournalError when the flash refuses."""
        if not always and self.boot - self._boots < _BOOTS_KEPT:
            return
        from pumpcore import journal_identity

        try:
            self._flash.write(journal_identity.PATH, journal_identity.pack(self.identity_bytes(), self.boot))
        except OSError as error:
            raise JournalError(str(error))

    def identity_bytes(self) -> bytes:
        return binascii.unhexlify(self.identity or "0" * 32)

    def ends(self) -> bool:
        """Whether sequence or boot numbers come near their end."""
        return self.boot >= BOOTS_END or any([ring.next_sequence >= NUMBERS_END for ring in self.rings.values()])

    def catch_up(self, record: "LedgerRecord") -> None:
        """Every boot is journaled in `events` before anything else is written, and a ledger record says what was journaled. So events that
        have no boot beside alarms or a ledger, or fewer records than a ledger knows of, have lost the newest ones."""
        events, faults = self.rings["events"], self.rings["faults"]
        known = record.events_sequence
        alone = events.last_boot < 0 and (faults.last_boot >= 0 or record.sequence > 0)
        if alone or known >= events.next_sequence:
            events.skip(known)
            if faults.last_boot < 0:  # nothing says that they are whole
                faults.skip(0)
            self.boot = max(self.boot, record.boot + 1)

    def append(self, name: str, values: "Payload", ring: str = "events") -> None:
        """One record of `name`, durable when this returns; JournalError when the flash refuses."""
        stamp = (self.boot, self._clock.uptime_ms(), self._clock.utc_s())
        self._write(ring, name, stamp, values)

    def _write(self, ring: str, name: str, stamp: tuple[int, int, int], values: "Payload") -> None:
        try:
            self.rings[ring].append(name, stamp, values)
            self.broken = False
        except OSError as error:
            self.broken = True
            self._give_up(ring)
            raise JournalError(str(error))

    def _give_up(self, ring: str) -> None:
        """Closes the failed file; that may fail as well, and is then no news."""
        try:
            self.rings[ring].give_up_segment()
        except OSError:
            self.broken = True

    def post(self, name: str, values: "Payload", ring: str = "events") -> None:
        """Keeps a record, stamped now, for the next free turn of the loop. With a broken flash only the newest are kept;
        `lost` counts the others."""
        if len(self.posted) >= MOST_POSTED:
            self.posted.pop(0)
            self.lost += 1
        self.posted.append((ring, name, (self.boot, self._clock.uptime_ms(), self._clock.utc_s()), values))

    def write_posted(self) -> None:
        """Writes the oldest posted record; JournalError when the flash refuses, the record is kept."""
        if self.posted:
            self._write(*self.posted[0])
            self.posted.pop(0)
