"""Counters that could wrap: boots and tokens at 65,536, sequence numbers at 2^32, uptime at 2^48 ms, UTC at 2^32 s; the identity."""

import pytest

from app.records.journal import NUMBERS_END, Ring
from app.startup import recovery
from app.wire.tokens import MOST_TOKENS, Tokens
from pumpcore.faults.faults import Refusal
from pumpcore.flash import slots
from pumpcore.wire import records
from support.programs import MONDAY_UTC_S, constant
from support.pump.flash import Chip, Flash
from support.pump.running import Watched, blank_image, running

IDENTITY = bytes(range(16))


def with_files(**files: bytes) -> bytes:
    """Return a commissioned flash with these files: `store_journal` is /store/journal."""
    chip = Chip(blank_image())
    flash = Flash(chip)
    flash.make_folder("/journal")
    for name, data in files.items():
        flash.write("/" + name.replace("_", "/"), data)
    return bytes(chip.buffer)


def journal_at(boot: int, first: int = 1) -> bytes:
    """Return a segment that begins with this sequence number, of a boot numbered by older firmware."""
    old = records.encode_record("boot", (boot, first, 0, 0), (0, bytes(8), bytes(8), 0, 0, 0, 0, boot, bytes(16)))
    return old + records.encode_record("total", (boot, first + 1, 1_000, 0), (0, 0, 0, 1))


@pytest.mark.rule("R8")
@pytest.mark.parametrize("stored", [False, True])
def test_boots_count_on_past_65536_and_no_token_comes_again(stored: bool) -> None:
    files = {"store_journal": slots.pack_identity(IDENTITY, 60_000)} if stored else {}
    image, seen, boots = with_files(journal_e00000001=journal_at(65_533), **files), set(), []
    for _ in range(6):
        pump = Watched(image, MONDAY_UTC_S)
        pump.advance(0.1)
        boots.append(pump.call("status")["boot"])
        seen.update(pump.token() for _ in range(50))
        assert pump.records("boot")[-1]["boot_number"] == boots[-1]
        assert pump.records("boot")[-1]["journal_identity"] == (IDENTITY if stored else bytes(16)) and pump.alarms() == []
        image = pump.image()
    assert boots == list(range(65_534, 65_540)) and len(seen) == 300
    assert [record.boot for record in pump.journal() if record.name == "boot"][-6:] == [65_534, 65_535, 0, 1, 2, 3]


def test_segments_within_the_last_boot_are_not_looked_through_for_an_older_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Searching thirty segments record by record took a chip one more second at boot."""
    stamp, total = (7, 100, 2_000, 0), (0, 0, 0, 1)
    image = with_files(journal_e00000001=journal_at(7), journal_e00000064=records.encode_record("total", stamp, total))
    looked, starts = [], Ring.starts
    monkeypatch.setattr(Ring, "starts", lambda ring, first, *rest: looked.append(first) or starts(ring, first, *rest))
    assert recovery._identity_told(recovery.open_ring(Flash(Chip(image)), "e", 32)) == (bytes(16), 7)
    assert looked == [1]


@pytest.mark.rule("R8")
def test_a_token_of_a_boot_before_the_wrap_is_known_behind_it() -> None:
    pump = Watched(with_files(journal_e00000001=journal_at(65_533)), MONDAY_UTC_S)
    pump.advance(0.1)
    pump.upload(constant(3_600_000))
    pump.call("start")
    pump.advance(1)
    unused, made = pump.token(), pump.order(60_000, 10_000_000)
    pump.advance(60)
    for _ in range(4):
        pump = Watched(pump.image(), MONDAY_UTC_S + 100)
        pump.advance(0.1)
    assert pump.call("status")["boot"] == 65_538
    assert pump.bolus(made)["state"] == "done" and pump.bolus(unused)["state"] == "never_ordered"
    other = bytes.fromhex(unused)
    assert pump.bolus((bytes([0x81]) + other[1:]).hex())["state"] == "never_ordered"  # the whole journal is there


@pytest.mark.rule("R8")
def test_tokens_are_refused_before_one_comes_again() -> None:
    tokens = Tokens(70_000, 7)
    seen = {tokens.issue(0) for _ in range(66_000)}
    assert len(seen) == 66_000
    tokens.number = MOST_TOKENS - 1
    last = tokens.issue(0)
    assert len(last) == 16 and last not in seen
    with pytest.raises(Refusal) as caught:
        tokens.issue(0)
    assert caught.value.fault.name == "tokens_spent"
    assert Tokens(5, 7).issue(0) != Tokens(5 + (1 << 16), 7).issue(0)
    assert not {Tokens(boot, 7).issue(0) for boot in range(1 << 16, 1 << 17, 257)} & seen


@pytest.mark.rule("R9")
@pytest.mark.parametrize("ring", ["events", "faults"])
def test_the_end_of_the_sequence_numbers_is_an_alarm_long_before(ring: str) -> None:
    for first, alarmed in ((NUMBERS_END - 100, False), (NUMBERS_END, True)):
        pump = Watched(with_files(**{"journal_%s%08x" % (ring[0], first): journal_at(3, first)}), MONDAY_UTC_S)
        pump.advance(0.1)
        assert ("journal_numbers" in pump.alarms()) == alarmed
    assert pump.fault("start") == "alarm_active" and pump.fault("ack", fault=671) == "alarm_stays"


@pytest.mark.rule("R9")
def test_the_last_sequence_number_is_written_and_read_and_then_records_are_refused() -> None:
    last = records.HIGHEST_SEQUENCE - 1
    pump = Watched(with_files(**{"journal_e%08x" % (last - 20): journal_at(3, last - 20)}), MONDAY_UTC_S)
    pump.advance(0.1)
    for _ in range(30):
        pump.ask("clock.set", utc_s=MONDAY_UTC_S + 100, offset_s=0)
    assert [record.sequence for record in pump.journal()] == list(range(last - 20, last + 1))
    assert "journal_failed" in pump.alarms()
    answer = pump.call("journal.read", ring="events", from_sequence=last)
    assert answer["first_sequence"] == answer["last_sequence"] == last
    again = Watched(pump.image(), MONDAY_UTC_S)
    again.advance(0.1)
    assert [record.sequence for record in again.journal()] == list(range(last - 20, last + 1))
    assert {"journal_numbers", "journal_failed"} <= set(again.alarms())


@pytest.mark.rule("R11")
@pytest.mark.parametrize("utc_s", [(1 << 32) - 90_000, (1 << 32) - 86_430, (1 << 32) - 5, (1 << 32) + 1_000_000])
def test_a_clock_past_its_last_day_is_unknown(utc_s: int) -> None:
    pump = running(constant(900_000), utc_s)
    pump.advance(400)
    pump.call("stop")
    stamps = [record.utc_s for record in pump.journal()]
    known = [stamp for stamp in stamps if stamp]
    assert all(stamp >= utc_s for stamp in known) and known == sorted(known)
    told = pump.call("status")["utc_s"]
    assert told == (utc_s + 400 if utc_s == (1 << 32) - 90_000 else 0)
    assert pump.alarms() == []


def test_an_uptime_of_thousands_of_years_is_journaled() -> None:
    pump = running(constant(900_000), 0)
    pump.call("stop")
    pump.board.clock.now_us += (1 << 48) * 1_000
    pump.advance(400)
    assert pump.journal()[-1].uptime_ms == (1 << 48) - 1
    pump.call("status")


def test_the_identity_is_told_and_kept() -> None:
    image = with_files(store_journal=slots.pack_identity(IDENTITY, 0))
    for boot in (1, 2):
        pump = Watched(image, MONDAY_UTC_S)
        pump.advance(0.1)
        assert pump.call("hello")["journal_identity"] == IDENTITY.hex() and pump.call("status")["boot"] == boot
        image = pump.image()
    assert [row["journal_identity"] for row in pump.records("boot")] == [IDENTITY] * 2


def test_a_pump_without_an_identity_works_and_says_so() -> None:
    pump = running()
    assert pump.call("hello")["journal_identity"] == "" and pump.alarms() == []


@pytest.mark.parametrize("damage", ["flipped", "gone", "empty", "short"])
def test_a_damaged_identity_is_an_alarm_and_the_newest_boot_record_has_it(damage: str) -> None:
    packed = slots.pack_identity(IDENTITY, 70_000)
    pump = Watched(with_files(store_journal=packed, journal_e00000001=journal_at(70_010 & 0xFFFF)), MONDAY_UTC_S)
    pump.advance(0.1)
    flash = pump.board.flash
    if damage == "gone":
        flash.remove(slots.IDENTITY_PATH)
    else:
        flash.write(slots.IDENTITY_PATH, {"flipped": bytes([packed[0] ^ 1]) + packed[1:], "empty": b"", "short": packed[:-1]}[damage])
    again = Watched(pump.image(), MONDAY_UTC_S)
    again.advance(0.1)
    assert again.alarms() == ["journal_identity"] and again.fault("start") == "alarm_active"
    assert again.call("hello")["journal_identity"] == IDENTITY.hex() and again.call("status")["boot"] == 70_012
    again.call("ack", fault=672)
    third = Watched(again.image(), MONDAY_UTC_S)
    third.advance(0.1)
    assert third.alarms() == [] and third.call("status")["boot"] == 70_013
    assert third.call("hello")["journal_identity"] == IDENTITY.hex()
