"""Read the flash at power-up: powered-on time, the rolling windows, the uncertain part of the last lease."""

import struct

from app.records.journal import BLOCK_BYTES, FOLDER, MOST_IN_SEGMENT, SEGMENT_BYTES, Journal, Ring, Segment, load_gaps
from pumpcore.faults import faults
from pumpcore.flash import ledger, slots
from pumpcore.limits.ceilings import Windows
from pumpcore.orders.bolus import Doses
from pumpcore.units import S_PER_MINUTE, const
from pumpcore.wire import records

if 0:  # for the type checker alone
    from app.types import Alarms, Clock, Flash, LedgerFiles, Lost, Steps, Store

_TOTALS = const((7, 72))  # that of a protocol begins like the other
# (code, format) of records
_TOTAL = records.FORMATS["total"]
_DOSE = records.FORMATS["dose"]
_ALARM = records.FORMATS["alarm"]
_BOOT = records.FORMATS["boot"]
_OLD_BOOT = const(1)
_GAP = records.FORMATS["journal_gap"]
_ENDED = records.FORMATS["bolus_ended"][0]
_DEMAND = records.PURPOSES.index("demand")
_DOSE_BYTES = records.SHORTEST_BYTES + struct.calcsize(_DOSE[1])
_DAY_S = const(86_400)
_MOST_GAPS = const(8)
_PRESENT_S = const(1 << 62)  # later than any second; boot.py replaces it by the present one
# Records with the pump's position, by their number.
_PLACES = {records.FORMATS[name][0]: name for name in ("total", "started", "stopped", "paused", "unpaused", "protocol_total")}
_STALE_S = const(120)
_AT_ONCE = const(16)  # totals: a chip takes 0.3 to 1 ms for each


def open_journal(flash: "Flash", clock: "Clock", buffer: bytearray | None = None) -> Journal:
    """Return the journal on this flash. `buffer`: room for one segment, until `built`."""
    broken = False
    try:
        flash.make_folder(FOLDER)
    except OSError:
        broken = True
    names = _names_in(flash)  # once for both rings: listing the folder takes a chip 30 ms
    journal = Journal(flash, clock, _ring(flash, "e", 32, names, buffer), _ring(flash, "f", 4, names, buffer))
    journal.broken = broken
    return journal


def open_ring(flash: "Flash", letter: str, segments: int) -> Ring:
    """Return one ring of this flash."""
    return _ring(flash, letter, segments, _names_in(flash), None)


def _ring(flash: "Flash", letter: str, segments: int, names: "list[str]", buffer: bytearray | None) -> Ring:
    ring = Ring(flash, letter, segments, _segments_in(names, letter), buffer)
    ring.newest_bytes = _find_end(ring)
    return ring


def _names_in(flash: "Flash") -> "list[str]":
    """Return the names in the journal's folder; [] if it is no folder: then no record can be written, which raises an alarm."""
    try:
        return flash.names(FOLDER)
    except OSError:
        return []


def _segments_in(names: list, letter: str) -> list:
    """Return the first numbers of a ring's segments, from the names in the journal's folder."""
    found = [first for first in [_number_in(name, letter) for name in names if name[:1] == letter] if first]
    found.sort()
    return found


def _number_in(name: str, letter: str) -> int:
    """Return the sequence number in a segment's file name; 0 if it is no segment of this ring."""
    try:
        first = int(name[1:], 16)
    except ValueError:
        return 0
    return first if first > 0 and name == "%s%08x" % (letter, first) else 0


def _all_whole(data: memoryview, first: int) -> list:
    """Return the offset of each of these whole records from number `first` on; [] if there is anything else."""
    starts = records.record_starts(data)
    if not starts or starts[-1] + data[starts[-1]] != len(data):
        return []
    if records.sequence_of(data) != first or records.sequence_of(data, starts[-1]) != first + len(starts) - 1:
        return []
    return starts


class Walked:
    """The offset of each record of an undamaged segment of this size."""

    def __init__(self, first: int, size_bytes: int, starts: list[int]) -> None:
        self.first = first
        self.size_bytes = size_bytes
        self.starts = starts


def _find_end(ring: Ring) -> int:
    """Find the last whole record of a ring: set its next number and last boot, return the bytes of its newest segment.

    After damage a new segment begins, with a number that no lost record can have had.
    """
    behind, size_bytes = 0, 0
    for first in reversed(ring.firsts[:]):
        data = ring.read_whole(first)
        if not data and data is not None and not ring.next_sequence:  # created by a write that a power cut ended
            ring.flash.remove(ring.path(first))
            ring.firsts.pop()
            behind = first
            continue
        starts = _all_whole(data, first) if data else []
        after, boot = (first + len(starts), records.boot_of(data, starts[-1])) if starts else _damaged_end(first, data)
        if not ring.next_sequence:
            ring.next_sequence = behind or after
            size_bytes = len(data) if starts and ring.next_sequence == after else SEGMENT_BYTES
            ring.newest = Walked(first, len(data), starts) if starts else ring.newest
        if boot >= 0:
            ring.last_boot = boot
            return size_bytes
    ring.next_sequence = ring.next_sequence or behind or 1
    return size_bytes


def _damaged_end(first: int, data: memoryview | None) -> tuple:
    """Return (number after all that a damaged segment can have held, boot of its last whole record or -1)."""
    if not data:
        return first + MOST_IN_SEGMENT, -1
    gaps = load_gaps()
    starts = gaps.whole_records(data, first, records.HIGHEST_SEQUENCE + 1)
    return gaps.next_after(data, starts, first), records.boot_of(data, starts[-1]) if starts else -1


def _lacks_oldest(ring: Ring) -> bool:
    """Return True if the first segments are gone although the ring was never full.

    Only a full ring drops its oldest one, or a power cut while it rotates.
    """
    return ring.first_sequence() > 1 and len(ring.firsts) < ring.most_segments - 1


class Gap:
    """A gap in a ring: the first and the last lost number."""

    def __init__(self, ring: str, first: int, last: int) -> None:
        self.ring = ring
        self.first = first
        self.last = last

    def spans(self, other: "Gap") -> bool:
        """Return True if `other` lies within this gap."""
        return self.ring == other.ring and self.first <= other.first and other.last <= self.last


class Losses:
    """Records that are missing in what power-up reads of the journal."""

    def __init__(self) -> None:
        self.gaps: list[Gap] = []
        self.known: list[Gap] = []
        self.behind = 0  # what `totals` has read begins with this number; 0: nothing, -1: all

    def look(self, name: str, segment: Segment, starts: list[int]) -> "list[Lost]":
        """Add the gaps of a segment, and note those that its `journal_gap` records already name. Return what `lost_in` returns."""
        data = segment.data
        for at in starts:
            if data[at + 1] == _GAP[0]:
                self.known.append(Gap(name, *struct.unpack(_GAP[1], records.payload_at(data, at))))
        if starts and len(starts) == segment.behind - segment.first:
            return []
        from pumpcore.wire import gaps

        lost = gaps.lost_in(data, starts, segment.first, segment.behind)
        self.gaps.extend([Gap(name, one.first, one.last) for one in lost])
        return lost

    def look_at_oldest(self, name: str, ring: Ring) -> None:
        """Add a gap if the oldest segments are missing."""
        if _lacks_oldest(ring):
            self.gaps.append(Gap(name, 1, ring.first_sequence() - 1))

    def news(self) -> list[Gap]:
        """Return the gaps that are not journaled yet, each once; one that spans them all if a ring has more than 8."""
        known, found = self.known, []
        for name in ("events", "faults"):
            new = [gap for gap in self.gaps if gap.ring == name and not any([one.spans(gap) for one in known])]
            if len(new) > _MOST_GAPS:
                new = [Gap(name, min([gap.first for gap in new]), max([gap.last for gap in new]))]
            new.sort(key=lambda found: found.first)
            found.extend(new)
        known.extend(found)
        return found


def totals(journal: Journal, found: list[tuple[int, int]], doses: Doses, losses: Losses) -> "Steps":
    """Fill `found` with (powered_on_s, leased_steps) of the `total` records of at least the last 24 powered-on hours, oldest first, and
    `doses`, also with those that may have been in lost records. It begins before `lost.behind`, a part of a segment at each step, the
    newest first. A walk that waits holds the buffer: to go on much later, begin another one."""
    ring = journal.rings["events"]
    for one in ring.segments(losses.behind):
        yield
        data, segment, starts = one.data, [], ring.starts(one.first, one.behind, one.data)
        yield
        for at in starts:
            if data[at + 1] in _TOTALS:
                segment.append(_total_at(data, at))
            elif data[at + 1] == _DOSE[0]:
                _, purpose, volume_nl, _, start_s = struct.unpack(_DOSE[1], records.payload_at(data, at))
                doses.add(start_s, volume_nl, purpose == _DEMAND)
        for lost in losses.look("events", one, starts):
            if _may_hold_dose(lost):
                later = [_total_at(data, at) for at in starts[lost.before :] if data[at + 1] in _TOTALS] + found
                doses.lose(later[0][0] if later else _PRESENT_S)
        found[:0] = segment
        if found and found[-1][0] - found[0][0] > _DAY_S:
            break
        losses.behind = one.first
        yield
    else:
        if _lacks_oldest(ring):
            doses.lose(found[0][0] if found else _PRESENT_S)
    losses.look_at_oldest("events", ring)
    losses.behind = -1


def _total_at(data: bytes | memoryview, at: int) -> tuple[int, int]:
    _, _, leased_steps, powered_on_s = struct.unpack_from(_TOTAL[1], data, at + records.HEAD_BYTES)
    return powered_on_s, leased_steps


def _may_hold_dose(lost: "Lost") -> bool:
    """Return True if one of the lost records may have been a `dose`."""
    others = lost.last - lost.first
    spare_bytes = lost.size_bytes - _DOSE_BYTES - others * records.SHORTEST_BYTES
    return lost.size_bytes < 0 or (spare_bytes >= 0 if others else spare_bytes == 0)


def identify(journal: Journal, flash: "Flash") -> bool:
    """Read the journal's identity. If it is damaged or missing, return False and use that of the newest boot record."""
    try:
        image = flash.read(slots.IDENTITY_PATH)
    except OSError:
        image = b""
    try:
        journal.identify(*slots.unpack_identity(image))
        return True
    except ValueError:
        identity, boots = _identity_told(journal.rings["events"])
        journal.identify(identity, boots)
        return not image and not any(identity)  # a pump that was commissioned without an identity


def _identity_told(ring: Ring) -> tuple[bytes, int]:
    """Return (identity, boots) of the newest boot record. A segment that begins within the last boot has none and is skipped."""
    for one in ring.segments():
        data = one.data
        if records.whole_bytes(data) and records.boot_of(data) == ring.last_boot and data[1] not in (_BOOT[0], _OLD_BOOT):
            continue
        for at in reversed(ring.starts(one.first, one.behind, data)):
            if data[at + 1] == _BOOT[0]:
                values = struct.unpack(_BOOT[1], records.payload_at(data, at))
                return values[-1], values[-2]
            if data[at + 1] == _OLD_BOOT:
                return slots.NO_IDENTITY, 0
    return slots.NO_IDENTITY, 0


def powered_on_s(record: ledger.LedgerRecord, history: list[tuple[int, int]]) -> int:
    """Return the latest powered-on time on flash."""
    return max(record.powered_on_s, history[-1][0] if history else 0)


def rebuild_windows(windows: Windows, history: list[tuple[int, int]], position_steps: int, second_s: int) -> "Steps":
    """Fill empty windows from flash, a part at each step, so that nothing drops out too early: steps between two totals count at the later
    one, steps before the first total of a short history at that total, steps since the last one now."""
    before = 0
    history.append((second_s, position_steps))
    for number, (at_s, leased_steps) in enumerate(history):
        windows.add(max(0, leased_steps - before), max(0, windows.minute - at_s // S_PER_MINUTE))
        before = leased_steps
        if number % _AT_ONCE == 0:
            yield


def has_ended(journal: Journal, token: bytes) -> bool:
    """Return True if the journal has the end of this token's bolus: then that is the last record with the token."""
    from app.records import naming

    ring, buffer = journal.rings["events"], bytearray(BLOCK_BYTES)
    named: list[int]
    behind, named = ring.next_sequence, []
    first = naming.before(ring, behind)
    while first and not named:
        named = [raw[1] for raw in naming.naming(ring, first, behind, token, buffer) if records.payload_at(raw, 0)[:8] == token]
        behind, first = first, naming.before(ring, first)
    ring.let_go()
    return _ENDED in named


def open_alarms(journal: Journal, lost: Losses, alarms: "Alarms") -> "Steps":
    """Restore the alarms not yet acknowledged, from the ring of faults, but for those that power-up looks for itself; in parts."""
    newest: "dict[int, tuple[int, int]]" = {}
    ring = journal.rings["faults"]
    for one in ring.segments():
        yield
        starts = ring.starts(one.first, one.behind, one.data)
        yield
        lost.look("faults", one, starts)
        segment = _alarms_in(one.data, starts)
        for number in segment:
            if number not in newest:
                newest[number] = segment[number]
    lost.look_at_oldest("faults", ring)
    acknowledged = records.ALARM_CHANGES.index("acknowledged")
    for number in sorted(newest):
        if newest[number][0] != acknowledged and _outlives_reset(number):
            alarms.restore(number, newest[number][1])


def _alarms_in(data: bytes | memoryview, starts: list[int]) -> dict[int, tuple[int, int]]:
    """Return {fault number: (change, count)} of the last record of each in a segment.

    Decoded one at a time: a full decoded segment exceeds a chip's memory.
    """
    found = {}
    for at in starts:
        if data[at + 1] == _ALARM[0]:
            number, change, count = struct.unpack_from(_ALARM[1], data, at + records.HEAD_BYTES)
            found[number] = (change, count)
    return found


def _outlives_reset(number: int) -> bool:
    try:
        fault = faults.by_number(number)
    except KeyError:  # of another firmware
        return False
    return fault.severity == faults.ALARM and fault.name not in faults.FOUND_AT_POWER_UP


def compare(files: "LedgerFiles", journal: Journal) -> None:
    """Compare the ledger with the journal, which has the position every 5 minutes; the larger position counts.

    A running pump writes the ledger once a minute, except while it pauses at a ceiling. `files.stopped`: the journal has the end of the
    last lease, so nothing resumes; a power cut between the two writes of a stop leaves this state too.
    """
    position_steps, at_s, last = _newest(journal, files.record.state != ledger.IDLE)
    record = files.record
    runs = record.state in (ledger.RUNNING, ledger.ALONE)
    stale = runs and last != "paused" and at_s > record.powered_on_s + _STALE_S
    files.stopped = last == "stopped"
    if position_steps > record.leased_steps or stale:
        files.advance(position_steps)


def miss(files: "LedgerFiles", journal: Journal, store: "Store") -> None:
    """Detect that the whole journal is gone: every change is journaled before it is stored, so a stored image proves that it existed.

    If the ledger is gone too, nothing says what it held.
    """
    rings = journal.rings.values()
    images = ("program", "calibration", "offset", "rotor")
    if any([ring.next_sequence > 1 for ring in rings]) or not any([store.holds(name) for name in images]):
        return
    files.damaged = files.damaged or not files.record.sequence
    for ring in rings:
        ring.skip(0)


def _newest(journal: Journal, known: bool) -> tuple[int, int, str]:
    """Return (largest position, latest powered-on second, name of the last record that begins or ends motion) of the newest segment.

    With `known` it also reads the segment before, if the newest one does not have all. The name is "" if there is none.
    """
    from pumpcore.wire import record_types  # not at the top: imports there become a part of boot's file on a chip

    position_steps, at_s, last, placed, segments = 0, 0, "", False, 0
    ring = journal.rings["events"]
    for one in ring.segments():
        data = one.data
        for at in reversed(ring.starts(one.first, one.behind, data)):
            name = _PLACES.get(data[at + 1])
            if name is None or (name.endswith("total") and placed):
                continue
            fields = record_types.decode(data[at : at + data[at]])[0][0].fields
            position_steps = max(position_steps, fields.get("delivered_steps", 0), fields.get("position_steps", 0))
            at_s = max(at_s, fields.get("powered_on_s", 0))
            placed = placed or "powered_on_s" in fields
            last = last or (name if not name.endswith("total") else "")
            if last and placed:
                return position_steps, at_s, last
        segments += 1
        if segments > known:
            break
    return position_steps, at_s, last
