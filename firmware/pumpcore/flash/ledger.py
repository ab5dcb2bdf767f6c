"""The ledger's record: authorised (leased), confirmed and uncertain steps; absolute, u64.

Remainders and `until_utc_s` belong to the *end* of the lease: after a reset the open part counts as delivered, so the plan continues from
there. `ahead_steps`: by how much the lease books more than the plan needs until then. `confirmed_steps`: what the guard had counted when
the record was written. `program_digest` names program and calibration together (`app.programs.setup.Setup.plan_key`), because the
remainder belongs to both.
"""

import binascii
import struct

from pumpcore.units import const

IDLE = const(0)
RUNNING = const(1)
RESUMING = const(2)
ALONE = const(3)  # ALONE: a bolus without a program
RESUMES_KEPT = const(3)

# By magic. TLG1 is of a firmware without therapy modes and lacks the last five fields. TLG2 keeps 16 bits of the boot and lacks
# `events_sequence`: the newest record of the ring of events when it was written (0: unknown). TLG3 lacks `protocol_s`: the second of a
# protocol at the end of the lease, below 0 before its start.
_FORMATS = {
    b"TLG4": "<4sIIBBQQQIIIHIQQ8sQIBIIqIII", b"TLG3": "<4sIIBBQQQIIIHIQQ8sQIBIIIII", b"TLG2": "<4sIHBBQQQIIIHIQQ8sQIBIIII",
    b"TLG1": "<4sIHBBQQQIIIHIQQ8sIII",
}
_LEDGER_MAGIC = const(b"TLG4")
FIELDS = const((
    "sequence", "boot", "state", "lease_s", "leased_steps", "confirmed_steps", "uncertain_steps", "powered_on_s",
    "until_utc_s", "bolus_steps", "entry", "ahead_steps", "basal_remainder", "bolus_token",
    "program_digest", "extended_token", "extended_steps", "temporary", "demand_s",
    "events_sequence", "protocol_s",
))
# How a temporary rate compared with the basal when the lease was written.
NONE = const(0)
RAISED = const(1)
LOWERED = const(2)


class LedgerRecord:
    """One record: attributes named by FIELDS, and `resumes_s`, the powered-on times of the last three resumes (0 = none)."""

    def __init__(self) -> None:
        self.sequence = 0
        self.boot = 0
        self.state = IDLE
        self.lease_s = 0
        self.leased_steps = 0
        self.confirmed_steps = 0
        self.uncertain_steps = 0
        self.powered_on_s = 0
        self.until_utc_s = 0
        self.bolus_steps = 0
        self.entry = 0
        self.ahead_steps = 0
        self.basal_remainder = 0
        self.bolus_token = 0
        self.program_digest = bytes(8)
        self.extended_token = 0
        self.extended_steps = 0
        self.temporary = NONE
        self.demand_s = 0
        self.events_sequence = 0
        self.protocol_s = 0
        self.resumes_s = [0] * RESUMES_KEPT

    def open_steps(self) -> int:
        """Return the steps that would be uncertain if the power failed now."""
        return self.leased_steps - self.confirmed_steps


def pack_record(record: LedgerRecord) -> bytes:
    """Return the record's bytes with a CRC-32: at most 480 B, so that they lie inline in the file system's metadata."""
    one = record  # By name: a look-up by text takes five times as long, and this runs at every lease.
    body = struct.pack(
        _FORMATS[_LEDGER_MAGIC], _LEDGER_MAGIC, one.sequence, one.boot, one.state, one.lease_s, one.leased_steps, one.confirmed_steps,
        one.uncertain_steps, one.powered_on_s, one.until_utc_s, one.bolus_steps, one.entry, one.ahead_steps, one.basal_remainder,
        one.bolus_token, one.program_digest, one.extended_token, one.extended_steps, one.temporary, one.demand_s, one.events_sequence,
        one.protocol_s, *one.resumes_s)
    return body + struct.pack("<I", binascii.crc32(body))


def unpack_record(packed: bytes) -> LedgerRecord:
    """Return the record of `packed`. Raises ValueError if it is cut short, damaged or inconsistent."""
    layout = _FORMATS.get(bytes(packed[:4]), "")
    if not layout or len(packed) != struct.calcsize(layout) + 4:
        raise ValueError("not a ledger record")
    if struct.unpack("<I", packed[-4:])[0] != binascii.crc32(packed[:-4]):
        raise ValueError("ledger record is damaged")
    values = struct.unpack(layout, packed[:-4])[1:]
    record = LedgerRecord()
    for name, value in zip(FIELDS, values[:-RESUMES_KEPT]):
        setattr(record, name, value)
    record.resumes_s = list(values[-RESUMES_KEPT:])
    if record.confirmed_steps > record.leased_steps:
        raise ValueError("ledger record delivered more than was leased")
    return record
