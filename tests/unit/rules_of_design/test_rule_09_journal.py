"""R9: a change is in the journal before it happens; stop and safe state act first; nothing is lost silently."""

import itertools

import pytest

import app.records.journal
from app.startup.recovery import open_ring
from pumpcore.program import packing as programs
from pumpcore.wire import record_types, records
from support.programs import MONDAY_UTC_S, constant
from support.pump.running import UnitPump, again

pytestmark = pytest.mark.rule("R9")


def all_in_flash(pump: UnitPump) -> list:
    """Return the events that are on flash now, whatever the firmware remembers."""
    found = []
    for segment in open_ring(pump.board.flash, "e", 32).segments():
        found = record_types.decode(segment.data)[0] + found
    return found


def in_flash(pump: UnitPump) -> list:
    """Return their names."""
    return [record.name for record in all_in_flash(pump)]


def spy(target: object, name: str, note: object) -> None:
    """Call `note()` before each call of `target.name`."""
    inner = getattr(target, name)

    def noting(*args: object) -> object:
        note()
        return inner(*args)

    setattr(target, name, noting)


def failing(*_: object) -> None:
    raise OSError(5, "flash")


def test_a_start_is_journaled_before_the_motor_is_energised() -> None:
    pump, seen = UnitPump.ready(constant(36_000_000)), []
    spy(pump.board.stepper, "enable", lambda: seen.append(in_flash(pump)[-1]))
    pump.call("start")
    assert seen == ["started"]


def test_a_program_is_journaled_before_it_is_stored() -> None:
    pump, seen = UnitPump.ready(constant(1_000)), []
    spy(pump.pump.setup.store, "save", lambda: seen.append(in_flash(pump).count("program_activated")))
    pump.upload(constant(2_000))
    assert seen == [2]


def test_the_clock_is_journaled_before_it_is_set() -> None:
    pump, seen = UnitPump.ready(constant(1_000)), []
    spy(pump.board.clock, "set_utc_s", lambda: seen.append(in_flash(pump)[-1]))
    pump.call("clock.set", utc_s=MONDAY_UTC_S + 600, offset_s=0)
    assert seen == ["clock_set"]


def test_a_bolus_is_journaled_before_its_first_lease() -> None:
    pump, seen = UnitPump.running(constant(0)), []
    pump.advance(10)
    spy(pump.pump.delivery.orders, "order", lambda: seen.append(in_flash(pump)[-1]))
    pump.order(60_000, 4_000_000)
    assert seen == ["bolus_ordered"]


def test_nothing_starts_when_it_can_not_be_journaled() -> None:
    pump = UnitPump.ready(constant(36_000_000))
    pump.board.flash.fail = True
    pump.ask("start")
    for _ in range(5):
        pump.pump.turn()
    assert not pump.board.stepper.enabled
    assert pump.plant_steps() == 0


@pytest.mark.parametrize("how", ["failing", "missing"])
def test_a_stop_works_with_a_broken_flash(how: str) -> None:
    pump = UnitPump.running(constant(36_000_000))
    pump.advance(10)
    if how == "failing":
        pump.board.flash.fail = True
    else:
        for name in ("read", "write", "append", "names", "exists"):
            setattr(pump.board.flash, name, failing)
        pump.pump.journal.rings["events"].file = None
    pump.board.link.incoming = b"stop\n"
    pump.pump.turn()
    assert not pump.board.stepper.enabled
    assert pump.board.stepper.queued_us() == 0


def test_a_stop_halts_before_it_writes() -> None:
    pump, seen = UnitPump.running(constant(36_000_000)), []
    pump.advance(10)
    spy(pump.pump.journal.rings["events"], "append", lambda: seen.append(pump.board.stepper.enabled))
    pump.line(b"stop\n")
    assert seen
    assert not any(seen)
    assert pump.records("stopped")[-1]["delivered_steps"] == pump.plant_steps()


def check_contiguous(pump: UnitPump) -> None:
    for ring in ("events", "faults"):
        numbers = [record.sequence for record in pump.journal(ring)]
        assert all(after == before + 1 for before, after in itertools.pairwise(numbers)), numbers


def test_sequence_numbers_have_no_gap_across_a_failure_and_a_reset() -> None:
    pump = UnitPump.running(constant(36_000_000))
    pump.call("stop")
    pump.board.flash.fail = True
    pump.ask("clock.set", utc_s=MONDAY_UTC_S + 60, offset_s=0)
    pump.board.flash.fail = False
    pump.call("clock.set", utc_s=MONDAY_UTC_S + 60, offset_s=0)
    numbers = [record.sequence for record in all_in_flash(pump)]
    assert numbers == list(range(1, len(numbers) + 1))
    pump = again(pump)
    check_contiguous(pump)
    names = [record.name for record in pump.journal()]
    assert names.count("boot") == 2
    assert names.count("clock_set") == 1


def half() -> UnitPump:
    """Return a stopped pump whose journal ends in half a record."""
    pump = UnitPump.running(constant(36_000_000))
    pump.call("stop")
    ring = pump.pump.journal.rings["events"]
    handle = pump.board.flash.append(ring.path(ring.firsts[-1]))
    handle.write(b"\x30\x05half a record")
    handle.flush()
    return pump


def test_records_behind_half_a_record_begin_a_new_segment() -> None:
    pump = half()
    before = in_flash(pump)
    second = again(pump)
    assert in_flash(second) == [*before, "boot", "journal_gap"]
    assert in_flash(again(second)) == [*before, "boot", "journal_gap", "boot"]


def test_the_number_of_half_a_record_is_a_gap_that_is_told_once() -> None:
    pump = half()
    before = pump.journal()[-1].sequence
    third = again(again(pump))
    gap, boot = third.journal()[-2:]
    assert (gap.name, boot.name) == ("journal_gap", "boot") and gap.fields == {"first_sequence": before + 1, "last_sequence": before + 1}
    assert gap.sequence == before + 3 and boot.sequence == before + 4
    assert third.pump.alarms.active() == [670]


def test_a_record_with_a_wrong_bit_is_no_record() -> None:
    whole = records.encode_record("total", (1, 7, 300_000, MONDAY_UTC_S), (1, 2, 3, 4))
    assert records.whole_bytes(whole) == len(whole)
    for bit in range(8, 8 * len(whole)):
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        assert records.whole_bytes(bytes(damaged)) == 0


def test_records_that_are_gone_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    pump = UnitPump.ready(constant(1_000))
    monkeypatch.setattr(app.records.journal, "SEGMENT_BYTES", 512)
    ring = pump.pump.journal.rings["events"]
    ring.most_segments = 3
    for index in range(60):
        pump.call("clock.set", utc_s=MONDAY_UTC_S + 100 + index, offset_s=0)
    answer = pump.call("journal.read", ring="events", from_sequence=1)
    first = pump.journal()[0].sequence
    assert answer["first_sequence"] == first > 1
    check_contiguous(pump)


def test_a_damaged_program_is_not_what_was_journaled() -> None:
    """The journal names a program by the digest of exactly the bytes that run."""
    pump = UnitPump.ready(constant(1_000))
    digest = bytes(pump.records("program_activated")[-1]["digest"]).hex()
    assert digest == programs.digest(pump.pump.setup.packed) == pump.call("hello")["program_digest"]


def test_power_up_looks_through_the_newest_segment_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four parts of power-up need its record offsets, and each search takes a chip 15 ms."""
    pump = UnitPump.ready(constant(1_000))
    looked, look = [], records.record_starts
    monkeypatch.setattr(records, "record_starts", lambda data: looked.append(len(data)) or look(data))
    ring = open_ring(pump.board.flash, "e", 32)
    newest, *_ = ring.segments()
    first, behind, data = newest.first, newest.behind, newest.data
    starts = ring.starts(first, behind, data)
    assert looked == [len(data)] and starts == look(data) and len(starts) == behind - first
    assert ring.starts(first, behind + 1, data) and len(looked) == 2, "a record is missing: it is looked at anew"
