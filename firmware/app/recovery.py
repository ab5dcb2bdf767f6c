"""What the flash tells at power-up: powered-on time, the rolling windows, the part of the last lease that is uncertain."""

import struct

from app.journal import Journal
from pumpcore import faults, ledger
from pumpcore.ceilings import DAY_BUCKETS, Windows
from pumpcore.doses import Doses
from pumpcore.units import S_PER_MINUTE
from pumpcore.wire import records

_TOTAL, _TOTAL_FORMAT = records.FORMATS["total"]
_DOSE, _DOSE_FORMAT = records.FORMATS["dose"]
_ALARM, _ALARM_FORMAT = records.FORMATS["alarm"]
_ENDED = records.FORMATS["bolus_ended"][0]
_DEMAND = records.PURPOSES.index("demand")
_DAY_S = DAY_BUCKETS * S_PER_MINUTE


def totals(journal: Journal, doses: Doses | None = None) -> list:
    """[(powered_on_s, leased_steps)] of the `total` records of at least the last 24 powered-on hours, oldest first; what was
    ordered in them goes into `doses`."""
    found = []
    for data in journal.rings["events"].backwards():
        segment = []
        for at in records.record_starts(data):
            if data[at + 1] == _TOTAL:
                _, _, leased_steps, powered_on_s = struct.unpack(_TOTAL_FORMAT, records.payload_at(data, at))
                segment.append((powered_on_s, leased_steps))
            elif data[at + 1] == _DOSE and doses is not None:
                _, purpose, volume_nl, _, start_s = struct.unpack(_DOSE_FORMAT, records.payload_at(data, at))
                doses.add(start_s, volume_nl, purpose == _DEMAND)
        found = segment + found
        if found and found[-1][0] - found[0][0] > _DAY_S:
            break
    return found


def powered_on_s(record: ledger.LedgerRecord, history: list) -> int:
    """The latest powered-on time that is on flash."""
    return max(record.powered_on_s, history[-1][0] if history else 0)


def rebuild_windows(history: list, record: ledger.LedgerRecord, now_s: int) -> Windows:
    """The windows as far as the flash knows. What lies between two totals counts in the bucket of the later one, what was
    leased before the first of a history that is younger than the windows in the first's, and what was leased since the
    last one counts now: nothing falls out of a window too early."""
    windows = Windows(now_s // S_PER_MINUTE)
    before = 0
    for at_s, leased_steps in history + [(now_s, record.leased_steps)]:
        windows.add(max(0, leased_steps - before), max(0, windows.minute - at_s // S_PER_MINUTE))
        before = leased_steps
    return windows


def has_ended(journal: Journal, token: bytes) -> bool:
    """Whether the end of this token's bolus is in the journal: then it is the last record that names the token."""
    for data in journal.rings["events"].backwards():
        if token in data:
            return _ENDED in [data[at + 1] for at in records.record_starts(data) if records.payload_at(data, at)[:8] == token]
    return False


def open_alarms(journal: Journal) -> list:
    """[(fault number, count)] of the alarms that nobody has acknowledged yet, as the faults ring tells: a reset does not
    end them. Those that power-up finds by itself are left to it."""
    newest = {}
    for data in journal.rings["faults"].backwards():
        segment = _alarms_in(data)
        for number in segment:
            if number not in newest:
                newest[number] = segment[number]
    acknowledged = records.ALARM_CHANGES.index("acknowledged")
    return [(number, newest[number][1]) for number in sorted(newest)
            if newest[number][0] != acknowledged and _outlives_reset(number)]


def _alarms_in(data: bytes) -> dict:
    """{fault number: (change, count)} of the last record of each in a segment; one at a time: decoded, a full segment takes more
    memory than a chip has."""
    found = {}
    for at in records.record_starts(data):
        if data[at + 1] == _ALARM:
            number, change, count = struct.unpack(_ALARM_FORMAT, records.payload_at(data, at))
            found[number] = (change, count)
    return found


def _outlives_reset(number: int) -> bool:
    try:
        fault = faults.by_number(number)
    except KeyError:  # of another firmware
        return False
    return fault.severity == faults.ALARM and fault.name not in faults.FOUND_AT_POWER_UP
