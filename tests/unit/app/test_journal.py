"""The journal in flash: durable, without gaps, honest about losses, and never in the way of a stop."""

import itertools

import pytest

from app.records.journal import SEGMENT_BYTES
from app.startup.recovery import open_journal
from pumpcore.program import packing
from pumpcore.wire import messages, record_types, records
from pumpcore.wire import messages as frame
from support.programs import MONDAY_UTC_S, constant, resuming
from support.pump.running import Watched, power_cut, ready, running


def sequences(pump: Watched, ring: str = "events") -> list:
    return [record.sequence for record in pump.journal(ring)]


@pytest.mark.rule("R9")
def test_a_short_life_is_told_in_order_with_times_and_boots() -> None:
    pump = running(constant(900_000))
    pump.advance(400)
    pump.call("stop")
    again = power_cut(pump, 10)
    again.advance(1)
    told = again.journal()
    assert [record.name for record in told] == ["boot", "program_activated", "started", "entry", "total", "stopped", "boot"]
    assert [record.sequence for record in told] == list(range(1, 8))
    assert [record.boot for record in told] == [1] * 6 + [2]
    assert all(before.utc_s <= after.utc_s for before, after in itertools.pairwise(told))
    assert told[0].utc_s == MONDAY_UTC_S and told[5].uptime_ms == pytest.approx(400_050, abs=5)
    assert told[5].fields["delivered_steps"] == told[6].fields["leased_steps"]


@pytest.mark.rule("R9")
def test_what_the_pump_does_is_in_the_flash_before_it_happens() -> None:
    pump = ready(constant(3_600_000))
    flash, seen = pump.board.flash, {}
    queue, enable = pump.board.stepper.queue, pump.board.stepper.enable

    def noted(name: str) -> None:
        seen.setdefault(name, b"".join(flash.read("/journal/" + file) for file in flash.names("/journal")))

    pump.board.stepper.enable = lambda on: (noted("enabled"), enable(on))
    pump.board.stepper.queue = lambda steps, duration_us: (noted("queued"), queue(steps, duration_us))
    pump.call("start")
    pump.advance(5)
    for moment in ("enabled", "queued"):
        assert "started" in [record.name for record in record_types.decode(seen[moment])[0]]


def test_totals_come_every_five_minutes_running_or_not() -> None:
    pump = running(constant(900_000))
    pump.advance(1_000)
    pump.call("stop")
    pump.advance(1_000)
    totals = [record for record in pump.journal() if record.name == "total"]
    assert [round(record.uptime_ms / 1000) for record in totals] == [300, 600, 900, 1200, 1500, 1800]
    for record in totals:
        row = record.fields
        assert row["delivered_steps"] <= row["ordered_steps"] <= row["leased_steps"] and row["powered_on_s"] == record.uptime_ms // 1000


@pytest.mark.rule("R9")
def test_a_full_ring_loses_its_oldest_and_says_from_where_it_can_be_read() -> None:
    pump = ready()
    ring = pump.pump.journal.rings["faults"]
    for count in range(4_000):
        pump.pump.journal.append("alarm", (609, 0, count), "faults")
    assert len(pump.board.flash.names("/journal")) == 1 + 4
    answer = pump.call("journal.read", ring="faults", from_sequence=1)
    assert answer["first_sequence"] == ring.first_sequence() > 1 and answer["last_sequence"] == 4_000
    told = pump.journal("faults")
    assert len(told) >= 1_000
    assert [record.sequence for record in told] == list(range(answer["first_sequence"], 4_001))
    assert all(record.fields["count"] == record.sequence - 1 for record in told)
    again = Watched(pump.image())
    assert sequences(again, "faults") == [record.sequence for record in told]


def test_the_next_boot_appends_behind_the_last_record() -> None:
    pump = ready()
    for boot in range(2, 6):
        pump = Watched(pump.image())
        pump.advance(0.1)
        assert pump.call("status")["boot"] == boot and sequences(pump) == list(range(1, boot + 1))


@pytest.mark.rule("R9")
@pytest.mark.parametrize("cut", [1, 5, 17, 40])
def test_a_tail_that_is_no_whole_record_is_damage_and_its_number_is_not_used_again(cut: int) -> None:
    """littlefs keeps whole files, so a cut leaves no half record."""
    pump = ready()
    for _ in range(10):
        pump.pump.journal.append("total", (0, 0, 0, 0))
    flash = pump.board.flash
    data = flash.read("/journal/e00000001")
    flash.write("/journal/e00000001", data[:-cut])
    again = Watched(pump.image())
    again.advance(0.1)
    numbers = sequences(again)
    assert numbers[:10] == list(range(1, 11)) and numbers[10] > 11 and again.journal()[10].name == "boot"
    assert again.alarms() == ["journal_damaged"]
    assert again.records("journal_gap") == [{"first_sequence": 11, "last_sequence": numbers[10] - 1}]
    assert flash.read("/journal/e00000001") == data[:-cut] and "e%08x" % numbers[10] in again.board.flash.names("/journal")


@pytest.mark.rule("R9")
@pytest.mark.parametrize("value", [0, 1, 255])
def test_a_damaged_record_in_the_middle_is_a_gap_that_is_told(value: int) -> None:
    pump = ready()
    for _ in range(1_000):
        pump.pump.journal.append("total", (0, 0, 0, 0))
    flash = pump.board.flash
    second = flash.names("/journal")[1]
    data = bytearray(flash.read("/journal/" + second))
    at = 0
    for _ in range(5):
        at += data[at]
    data[at] = value
    flash.write("/journal/" + second, bytes(data))
    numbers = sequences(pump)
    lost = int(second[1:], 16) + 5
    assert numbers == [*range(1, lost), *range(lost + 1, 1_002)]
    answer = pump.call("journal.read", ring="events", from_sequence=lost)
    assert answer["first_sequence"] == lost + 1
    again = Watched(pump.image())
    again.advance(0.1)
    assert sequences(again) == [*numbers, 1_002, 1_003] and again.alarms() == ["journal_damaged"]
    assert again.records("journal_gap") == [{"first_sequence": lost, "last_sequence": lost}]


def test_segments_hold_whole_records_and_no_more_than_their_size() -> None:
    pump = ready()
    for _ in range(1_000):
        pump.pump.journal.append("total", (0, 0, 0, 0))
    flash = pump.board.flash
    for name in flash.names("/journal"):
        data = flash.read("/journal/" + name)
        assert len(data) <= SEGMENT_BYTES and record_types.decode(data)[1] == b""
        assert records.sequence_of(data) == int(name[1:], 16)


# --- a flash that fails -------------------------------------------------------------------------------------------------------


@pytest.mark.rule("R6")
def test_a_start_that_can_t_be_journaled_does_not_happen() -> None:
    pump = ready(constant(900_000))
    pump.board.flash.fail = True
    pump.call("start")
    pump.advance(10)
    assert pump.plant_steps() == 0 and pump.state() == "alarm" and pump.alarms() == ["journal_failed"]


@pytest.mark.rule("R6")
@pytest.mark.rule("R9")
def test_a_flash_that_fails_while_running_ends_in_the_safe_state() -> None:
    pump = running(constant(900_000))
    pump.advance(30)
    pump.board.flash.fail = True
    pump.advance(70)
    status = pump.call("status")
    assert status["state"] == "alarm" and not pump.board.stepper.enabled
    assert set(pump.alarms()) <= {"ledger_failed", "journal_failed"} and "ledger_failed" in pump.alarms()
    assert pump.fault("start") == "alarm_active"
    before = pump.plant_steps()
    pump.advance(60)
    assert pump.plant_steps() == before


@pytest.mark.rule("R9")
def test_stop_works_with_a_broken_flash_and_is_told_when_it_works_again() -> None:
    pump = running(constant(900_000))
    pump.advance(10)
    pump.board.flash.fail = True
    answer = pump.call("stop")
    assert answer["delivered_steps"] == pump.plant_steps() and not pump.board.stepper.enabled
    pump.advance(400)
    assert pump.plant_steps() == answer["delivered_steps"] and "journal_failed" in pump.alarms()
    assert pump.fault("ack", fault=603) in ("alarm_stays", "journal_failed")
    pump.board.flash.fail = False
    pump.advance(10)
    for number in pump.call("status")["alarms"]:
        pump.call("ack", fault=number)
    assert (603, 0) in [(row["fault"], row["change"]) for row in pump.records("alarm", ring="faults")]
    numbers = sequences(pump)
    assert numbers == list(range(1, len(numbers) + 1))
    pump.call("start")
    pump.advance(5)
    assert pump.state() == "running"


@pytest.mark.rule("R9")
@pytest.mark.parametrize("method", ["bolus.start", "clock.set", "program.activate", "maintenance"])
def test_nothing_is_done_that_can_t_be_journaled(method: str) -> None:
    pump = running(constant(900_000)) if method == "bolus.start" else ready(constant(900_000))
    params = {
        "bolus.start": {"token": pump.token(), "volume_nl": 60_000, "rate_nl": 3_600_000},
        "clock.set": {"utc_s": MONDAY_UTC_S + 10, "offset_s": 0},
        "maintenance": {},
    }
    if method == "program.activate":
        packed = packing.pack(constant(1))
        params[method] = {"digest": pump.stage(packed)["digest"]}
    digest, utc_s = pump.call("status")["program_digest"], pump.board.clock.utc_s()
    pump.board.flash.fail = True
    assert pump.fault(method, **params[method]) == "journal_failed"
    assert (pump.pump.setup.digest, pump.board.clock.utc_s()) == (digest, utc_s)
    assert not pump.board.system.maintenance_requested and pump.pump.delivery.orders.bolus is None
    assert pump.state() == "alarm" and not pump.board.stepper.enabled


def test_a_flash_that_fails_for_long_keeps_the_newest_and_counts_the_others() -> None:
    pump = ready()
    pump.advance(1)
    pump.board.flash.fail = True
    for count in range(200):
        pump.pump.journal.post("total", (count, 0, 0, 0))
    pump.board.flash.fail = False
    pump.advance(1)
    kept = [row["ordered_steps"] for row in pump.records("total")]
    assert kept == list(range(200 - len(kept), 200)) and len(kept) >= 60
    assert pump.call("status")["counters"]["records_lost"] == 200 - len(kept)


def test_reading_never_disturbs_a_running_pump() -> None:
    pump = running(resuming(constant(900_000)))
    for _ in range(30):
        pump.advance(2.7)
        pump.journal()
    assert pump.state() == "running" and pump.alarms() == []


def test_a_journal_of_its_own_begins_at_one() -> None:
    pump = ready()
    other = open_journal(pump.board.flash, pump.board.clock)
    assert other.boot == 2 and other.rings["faults"].next_sequence == 1
    assert other.rings["faults"].first_sequence() == 1


# --- several blocks for one question ----------------------------------------------------------------------------------------


def filled(records_each: int) -> Watched:
    pump = ready()
    for count in range(records_each):
        pump.pump.journal.append("total", (count, 0, 0, 0))
    return pump


def blocks_in(said: bytes) -> list:
    """Return (result, raw) of every reply in a pump's output."""
    found = []
    while said:
        line, said = said.split(b"\n", 1)
        result = frame.decode(line)["result"]
        count = result.get("bytes", 0)
        found.append((result, said[:count]))
        said = said[count:]
    return found


def question(blocks: int, from_sequence: int = 0) -> bytes:
    params = {"ring": "events", "from_sequence": from_sequence, "blocks": blocks}
    return frame.encode(messages.request("00000000000000aa", "journal.read", params))


def test_one_question_brings_as_many_blocks_as_it_asks_for_and_no_more() -> None:
    pump = filled(400)
    for asked in (1, 2, 3):
        found = blocks_in(pump.line(question(asked)))
        assert [result["more"] for result, _ in found] == [True] * (asked - 1) + [False]
        assert all(frame.crc_text(raw).decode() == result["crc32"] for result, raw in found)
    whole = blocks_in(pump.line(question(64)))
    assert not whole[-1][0]["more"] and whole[-1][0]["next_sequence"] == whole[-1][0]["last_sequence"] + 1
    told = record_types.decode(b"".join(raw for _, raw in whole))[0]
    assert [record.sequence for record in told] == sequences(pump)
    assert blocks_in(pump.line(question(64, whole[-1][0]["next_sequence"])))[0][0]["bytes"] == 0


@pytest.mark.rule("R1")
def test_a_stop_passes_between_two_blocks_and_ends_them() -> None:
    pump = running()
    for count in range(400):
        pump.pump.journal.append("total", (count, 0, 0, 0))
    link, write = pump.board.link, pump.board.link.write
    link.outgoing, link.incoming = b"", question(64)

    def second_brings_a_stop(data: bytes) -> None:
        write(data)
        if link.outgoing.count(b"next_sequence") == 2 and b"next_sequence" in data:
            link.incoming = b"stop\n"

    link.write = second_brings_a_stop
    for _ in range(20):
        pump.pump.turn()
    found = blocks_in(link.outgoing)
    assert [result.get("bytes", 0) > 0 for result, _ in found] == [True, True, False]
    assert found[-1][0]["state"] == "stopped" and not pump.board.stepper.enabled
