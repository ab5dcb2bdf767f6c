"""A damaged journal: whole records stay readable, lost ones are reported as gaps, no number is reused, no limit is loosened."""

import io
import itertools
import random
from collections.abc import Iterable
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.records.journal import BLOCK_BYTES, SEGMENT_BYTES
from pumpcore.wire import records
from support.programs import MONDAY_UTC_S, constant, with_settings
from support.pump.flash import Chip, Flash
from support.pump.running import Watched, running
from support.some import some_of

DEMAND = {"demand_on": 1, "demand_nl": 60_000, "demand_s": 60, "lockout_s": 90, "demand_per_day": 5, "bolus_day_nl": 500_000}
PATHS = {"events": "/journal/e00000001", "faults": "/journal/f00000001"}


class Life:
    """A stopped pump with four demand boluses and a manual one in its journal, and the true facts about them."""

    def __init__(self) -> None:
        pump = running(with_settings(constant(900_000), **DEMAND))
        self.unused = pump.token()
        for _ in range(4):
            pump.board.buttons.bolus = True
            pump.advance(100)
        self.token = pump.order(60_000, 10_000_000)
        pump.advance(60)
        pump.board.buttons.stop = True
        pump.advance(1)
        pump.call("ack", fault=609)
        pump.advance(1)
        self.image, self.utc_s = pump.image(), pump.board.clock.utc_s()
        self.journal = {ring: told(pump, ring) for ring in PATHS}
        self.segments = {ring: pump.board.flash.read(path) for ring, path in PATHS.items()}
        self.bolus = pump.bolus(self.token)
        self.demands, self.sum_nl = counted(pump)

    def boot(self, changed: dict) -> Watched:
        """Boot the pump with other content in some of its files; None: no such file."""
        chip = Chip(self.image)
        flash = Flash(chip)
        for path, data in changed.items():
            flash.remove(path) if data is None else flash.write(path, data)
        pump = Watched(bytes(chip.buffer), self.utc_s + 10)
        pump.advance(0.1)
        return pump


@cache
def life() -> Life:
    return Life()


def told(pump: Watched, ring: str) -> dict:
    return {record.sequence: (record.name, record.fields) for record in pump.journal(ring)}


def counted(pump: Watched) -> tuple:
    therapy = pump.call("status")["therapy"]
    return therapy["demands_in_day"], therapy["boluses_in_day_nl"]


def check(pump: Watched, lost: dict) -> None:
    """Check a boot. Only the numbers in `lost`, by ring, may be missing; nothing is given twice, no limit is loosened."""
    before = life()
    assert "journal_damaged" in pump.alarms() and pump.fault("start") == "alarm_active"
    for ring, numbers in lost.items():
        now, then = told(pump, ring), before.journal[ring]
        new = [number for number in now if number not in then]
        assert not new or min(new) > max(then)
        assert all(now.get(number, row) == row for number, row in then.items())
        assert set(then) - set(now) <= set(numbers)
        gaps = {(row["first_sequence"], row["last_sequence"]) for row in pump.records("journal_gap", ring=ring)}
        for number in set(then) - set(now):
            assert any(first <= number <= last for first, last in gaps)
    assert pump.bolus(before.token)["state"] in ("done", "forgotten")
    assert pump.bolus(before.unused)["state"] in ("never_ordered", "forgotten")
    demands, sum_nl = counted(pump)
    assert demands >= before.demands and sum_nl >= before.sum_nl


def flipped(data: bytes, *bits: int) -> bytes:
    changed = bytearray(data)
    for bit in bits:
        changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def numbers_at(data: bytes, offsets: Iterable[int]) -> list:
    """Return the numbers of the records that contain these bytes."""
    starts = records.record_starts(data)
    return [records.sequence_of(data, max(at for at in starts if at <= offset)) for offset in offsets]


@pytest.mark.rule("R5")
@pytest.mark.rule("R8")
@pytest.mark.rule("R9")
@pytest.mark.parametrize(("ring", "stride"), [("events", 61), ("faults", 7)])
def test_one_flipped_bit_loses_the_record_it_is_in_and_no_other(ring: str, stride: int) -> None:
    data = life().segments[ring]
    for at in range(0, len(data), stride):
        pump = life().boot({PATHS[ring]: flipped(data, at * 8 + at % 8)})
        lost = numbers_at(data, [at])
        check(pump, {"events": [], "faults": [], ring: lost})
        again = Watched(pump.image(), life().utc_s + 20)
        again.advance(0.1)
        check(again, {"events": [], "faults": [], ring: lost})
        assert len(again.records("journal_gap", ring=ring)) == 1  # it is journaled once


@pytest.mark.rule("R9")
@settings(max_examples=20, deadline=None)
@given(st.sampled_from(["events", "faults"]), st.lists(st.integers(0, 1 << 20), min_size=2, max_size=5))
def test_several_flipped_bits_lose_their_records_and_no_others(ring: str, bits: list) -> None:
    data = life().segments[ring]
    bits = sorted({bit % (8 * len(data)) for bit in bits})
    lost = numbers_at(data, [bit // 8 for bit in bits])
    check(life().boot({PATHS[ring]: flipped(data, *bits)}), {"events": [], "faults": [], ring: lost})


@pytest.mark.rule("R9")
@pytest.mark.parametrize("ring", sorted(PATHS))
@pytest.mark.parametrize("value", [0x00, 0xFF, None])
def test_a_stretch_of_other_bytes_is_one_gap(ring: str, value: int | None) -> None:
    data, chance = life().segments[ring], random.Random(1)
    size = len(data)
    for begin, end in ((0, 30), (0, size), (size // 3, size // 2), (size - 40, size)):
        other = bytes(chance.randrange(256) if value is None else value for _ in range(begin, end))
        pump = life().boot({PATHS[ring]: data[:begin] + other + data[end:]})
        check(pump, {"events": [], "faults": [], ring: numbers_at(data, range(begin, end))})


@cache
def many() -> tuple:
    """Return a pump with four segments of events: its image, its numbers and its segments."""
    pump = running(with_settings(constant(900_000), **DEMAND))
    pump.call("stop")
    for _ in range(1_200):
        pump.pump.journal.append("total", (0, 0, pump.pump.position_steps(), pump.pump.book.powered_on_s()))
    names = [name for name in pump.board.flash.names("/journal") if name[0] == "e"]
    return pump.image(), sorted(told(pump, "events")), names


@pytest.mark.rule("R9")
@pytest.mark.parametrize("which", some_of([0, 1, 2, 3], 2))
@pytest.mark.parametrize("what", ["missing", "empty", "zeroed", "block", "folder", "renamed up", "renamed down", "garbage beside it"])
def test_a_segment_that_is_gone_is_a_gap_and_no_number_comes_again(which: int, what: str) -> None:
    image, numbers, names = many()
    chip = Chip(image)
    flash = Flash(chip)
    path, first = "/journal/" + names[which], int(names[which][1:], 16)
    data = flash.read(path)
    if what == "block":
        flash.write(path, data[:4096] + bytes(4096) + data[8192:])
    elif what in ("empty", "zeroed"):
        flash.write(path, b"" if what == "empty" else bytes(len(data)))
    else:
        flash.remove(path)
    if what == "folder":
        flash.fs.mkdir(path)
    if what.startswith("renamed"):
        flash.write("/journal/e%08x" % (first + (2 if what == "renamed up" else -2 if first > 2 else 9_999)), data)
    if what == "garbage beside it":
        for name in ("e0000000g", "e1", "garbage", "e000000010", "E00000001", "e-0000001"):
            flash.write("/journal/" + name, data)
    newest = which == len(names) - 1
    pump = Watched(bytes(chip.buffer), MONDAY_UTC_S)
    pump.advance(0.1)
    now = told(pump, "events")
    behind = int(names[which + 1][1:], 16) if not newest else numbers[-1] + 1
    kept = [number for number in numbers if not first - 2 <= number < behind + 2]
    assert set(kept) <= set(now)
    if not (newest and what in ("missing", "empty", "garbage beside it")):  # only the ledger shows these losses
        assert [number for number in now if number > numbers[-1]] and not [n for n in now if n not in numbers and n <= numbers[-1]]
        assert "journal_damaged" in pump.alarms()


@pytest.mark.rule("R9")
@pytest.mark.parametrize("gone", ["all", "events", "newest"])
def test_a_journal_that_is_older_than_the_ledger_is_a_gap_and_no_number_comes_again(gone: str) -> None:
    """The ledger is in another folder, so damage that loses or rolls back the journal leaves it."""
    first = running(with_settings(constant(900_000), **DEMAND))
    made = first.order(60_000, 10_000_000)
    first.advance(100)
    pump = Watched(first.image(), MONDAY_UTC_S + 200)
    pump.advance(1)
    pump.pump.journal.rings["events"].give_up_segment()
    pump.call("start")
    pump.advance(400)
    last = pump.pump.journal.rings["events"].next_sequence - 1
    flash = pump.board.flash
    for name in flash.names("/journal"):
        if gone == "all" or (name[0] == "e" and (gone == "events" or name != "e00000001")):
            flash.remove("/journal/" + name)
    if gone != "all":
        flash.write("/journal/e00000001", first.board.flash.read("/journal/e00000001"))
    again = Watched(pump.image(), MONDAY_UTC_S + 800)
    again.advance(0.1)
    assert "journal_damaged" in again.alarms() and again.pump.journal.boot == 3
    boot = [record for record in again.journal() if record.name == "boot"][-1]
    assert boot.sequence > last and boot.boot == 3
    assert counted(again)[0] == DEMAND["demand_per_day"]
    assert again.bolus(made)["state"] == ("forgotten" if gone == "all" else "done")
    assert again.bolus("%016x" % (2 << 48))["state"] == "forgotten"


@pytest.mark.rule("R5")
@pytest.mark.rule("R8")
def test_limits_count_as_reached_until_no_lost_bolus_can_be_of_the_last_day() -> None:
    data = life().segments["events"]
    (dose,) = [at for at in records.record_starts(data) if data[at + 1] == records.FORMATS["dose"][0]][2:3]
    pump = life().boot({PATHS["events"]: flipped(data, 8 * dose + 200)})
    assert counted(pump) == (DEMAND["demand_per_day"], DEMAND["bolus_day_nl"])
    pump.call("ack", fault=670)
    pump.advance(0.1)
    pump.call("start")
    pump.advance(300)
    assert pump.fault("bolus.demand", token=pump.token()) == "demand_count"
    assert pump.fault("bolus.start", token=pump.token(), volume_nl=60_000, rate_nl=10_000_000) == "bolus_day"
    pump = Watched(pump.image(), MONDAY_UTC_S + 2_000)
    pump.advance(60)
    assert counted(pump) == (DEMAND["demand_per_day"], DEMAND["bolus_day_nl"]) and pump.alarms() == ["power_lost", "not_resumed"]
    pump.pump.book.base_s += 86_400
    assert counted(pump) == (0, 0)


@pytest.mark.rule("R5")
def test_a_lost_record_that_is_no_bolus_bars_none() -> None:
    data = life().segments["events"]
    (total,) = [at for at in records.record_starts(data) if data[at + 1] == records.FORMATS["total"][0]][:1]
    pump = life().boot({PATHS["events"]: flipped(data, 8 * total + 200)})
    assert pump.alarms() == ["journal_damaged"] and counted(pump) == (life().demands, life().sum_nl)


@pytest.mark.rule("R9")
def test_an_alarm_that_is_acknowledged_does_not_come_again_but_new_damage_does() -> None:
    data = life().segments["events"]
    pump = life().boot({PATHS["events"]: flipped(data, 8 * 200)})
    pump.call("ack", fault=670)
    pump.advance(0.1)
    again = Watched(pump.image(), MONDAY_UTC_S)
    again.advance(0.1)
    assert again.alarms() == []
    flash = again.board.flash
    flash.write(PATHS["events"], flipped(flash.read(PATHS["events"]), 8 * 1000))
    third = Watched(again.image(), MONDAY_UTC_S)
    third.advance(0.1)
    assert third.alarms() == ["journal_damaged"]
    assert len(third.records("journal_gap")) == 2


@pytest.mark.parametrize("damaged_at", [None, 30])
def test_power_up_reads_every_segment_into_one_piece_of_memory(monkeypatch: pytest.MonkeyPatch, damaged_at: int | None) -> None:
    """A half-started chip has no second piece of 16 KiB: power-up ended in a MemoryError."""
    pieces, whole, read = [], [], Flash.read

    class Reader(io.BytesIO):
        def readinto(self, buffer: bytearray | memoryview) -> int:
            pieces.append(buffer)
            return super().readinto(buffer)

    def noted(flash: Flash, path: str) -> bytes:
        whole.extend([path] if path.startswith("/journal/") else [])
        return read(flash, path)

    files = segments()
    changed = {}
    if damaged_at is not None:
        changed = {path: data[:damaged_at] + bytes([data[damaged_at] ^ 1]) + data[damaged_at + 1 :] for path, data in files}
    monkeypatch.setattr(Flash, "open", lambda flash, path: Reader(read(flash, path)))
    monkeypatch.setattr(Flash, "read", noted)
    life().boot(changed)
    large = [piece for piece in pieces if len(piece) > BLOCK_BYTES]
    assert len(large) > 2 and {len(piece) for piece in large} == {SEGMENT_BYTES}
    others = [one is not other for one, other in itertools.pairwise(large)]
    assert sum(others) <= 1  # the piece of power-up is given back before the first answer; the check after it has one of its own
    assert not whole


def segments() -> list[tuple[str, bytes]]:
    return [(path, life().segments[ring]) for ring, path in PATHS.items()]
