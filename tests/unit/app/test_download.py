"""Downloading a journal from the app on CPython: several blocks for one question, whatever the flash contains."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.delivery import delivery
from pumpcore.wire import messages, record_types
from pumpcore.wire import messages as frame
from support.programs import constant, resuming
from support.pump.running import Watched, running
from support.pump.served import Served
from thecal.history.download import download
from thecal.history.rows import as_csv, as_json_lines, table, with_gaps
from thecal.history.saved import load
from thecal.pump.client import Client

LONG = 800  # records: a little more than two segments


@pytest.fixture
def served() -> Iterator[Served]:
    served = Served()
    for count in range(1, LONG):  # the first one is the boot's
        served.pump.pump.journal.append("total", (count, 0, 0, 0))
    served.start()
    yield served
    served.close()


def damage(pump: Watched, segment: int, record: int, offset: int, value: int) -> int:
    """Change a byte of a record in a segment: its sequence number."""
    flash = pump.board.flash
    names = [name for name in flash.names("/journal") if name[0] == "e"]
    data = bytearray(flash.read("/journal/" + names[segment]))
    at = 0
    for _ in range(record):
        at += data[at]
    assert data[at + offset] != value
    data[at + offset] = value
    flash.write("/journal/" + names[segment], bytes(data))
    return int(names[segment][1:], 16) + record


def test_all_records_come_once_in_blocks_that_are_full(served: Served) -> None:
    with Client("socket://" + served.address) as client:
        blocks = list(client.journal_blocks("events"))
    assert [record.sequence for record in record_types.decode(b"".join(raw for _, raw in blocks))[0]] == list(range(1, LONG + 1))
    assert all(len(raw) > 3_800 for _, raw in blocks[:-1])  # a segment's end does not end a block


@pytest.mark.rule("R9")
@pytest.mark.parametrize(("record", "offset", "value"), [(5, 0, 0), (5, 0, 255), (5, 0, 49), (100, 20, 255), (0, 4, 255), (0, 0, 21)])
def test_a_damaged_record_is_a_gap_that_the_client_tells(served: Served, record: int, offset: int, value: int) -> None:
    lost = damage(served.pump, 1, record, offset, value)
    with Client("socket://" + served.address) as client:
        numbers = [one.sequence for _, decoded in client.journal("events") for one in decoded]
        raw = b"".join(block for _, block in client.journal_blocks("events"))
    assert numbers == [*range(1, lost), *range(lost + 1, LONG + 1)]
    assert [one.sequence for one in record_types.decode(raw)[0]] == numbers


def question(blocks: int) -> bytes:
    return frame.encode(messages.request("00000000000000aa", "journal.read", {"ring": "events", "from_sequence": 0, "blocks": blocks}))


def downloading(pump: Watched, block_ms: int) -> list:
    """Ask for everything, each block taking so long. Return the blocks that each turn of the loop sent."""
    link, clock, sent = pump.board.link, pump.board.clock, [0]
    write = link.write

    def slowly(data: bytes) -> None:
        write(data)
        if len(data) > 1_000:
            sent[-1] += 1
            clock.now_us += block_ms * 1_000

    link.write, link.incoming, turns = slowly, question(64), []
    while not turns or sent[-1]:
        sent.append(0)
        pump.pump.turn()
        turns.append(sent[-1])
    return turns


@pytest.mark.rule("R1")
def test_a_download_is_interrupted_when_the_queue_has_to_be_fed() -> None:
    pump = running(resuming(constant(900_000)))
    for count in range(LONG):
        pump.pump.journal.append("total", (count, 0, 0, 0))
    pump.advance(0.1)
    least_us, look = [delivery.LOW_WATER_MS * 1_000], pump.pump.delivery.tick

    def looked(now_ms: int) -> bool:
        wrote = look(now_ms)
        least_us.append(pump.board.stepper.queued_us())
        return wrote

    pump.pump.delivery.tick = looked
    turns = downloading(pump, 600)
    assert sum(turns) == 10 and max(turns) <= 8
    assert min(least_us) > (delivery.LOW_WATER_MS - 1_300) * 1_000 and pump.state() == "running" and pump.alarms() == []


@pytest.mark.rule("R1")
def test_a_download_is_interrupted_by_what_has_to_be_looked_at_at_once() -> None:
    pump = running(constant(900_000))
    for count in range(LONG):
        pump.pump.journal.append("total", (count, 0, 0, 0))
    pump.board.link.alert = lambda: True
    assert max(downloading(pump, 1)) == 1


def test_a_question_that_ends_the_wait_is_answered_before_the_next_look() -> None:
    pump = running(constant(900_000))
    pump.advance(0.1)
    link, order = pump.board.link, []
    link.wait = lambda timeout_ms: (setattr(link, "incoming", b"status\n"), True)[1]
    link.write = lambda data: order.append("answer")
    look = pump.pump.supervisor.tick
    pump.pump.supervisor.tick = lambda now_ms: (order.append("look"), look(now_ms))
    pump.pump.turn()
    assert order == ["look", "answer"]


@pytest.mark.rule("R9")
@pytest.mark.parametrize("where", ["first", "middle", "last", "block"])
def test_a_gap_is_a_row_of_what_is_printed_and_saved(served: Served, where: str, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    record = {"first": 0, "middle": 17, "last": 0, "block": 0}[where]
    lost = damage(served.pump, 1, record, 30, 254)
    last = lost
    if where == "block":
        flash = served.pump.board.flash
        path = "/journal/" + [name for name in flash.names("/journal") if name[0] == "e"][1]
        data = flash.read(path)
        flash.write(path, bytes(4096) + data[4096:])
        last = lost + 4096 // 50
    raw = tmp_path / "events.raw"
    with Client("socket://" + served.address) as client:
        content = bytearray()
        rows = download(client, "events", raw=content)
        raw.write_bytes(content)
    assert f"{lost}" in capsys.readouterr().err
    gaps = [row for row in with_gaps(rows) if row["event"] == "gap"]
    assert [(row["sequence"], row["first_sequence"], row["last_sequence"]) for row in gaps] == [(lost, lost, last)]
    assert "damaged or missing" in next(row[4] for row in table(with_gaps(rows)) if row[3] == "gap")
    saved = tmp_path / "events.jsonl"
    saved.write_text(as_json_lines(with_gaps(rows)))
    assert load([saved]).events == rows
    assert load([raw]).events == rows
    assert str(lost) in as_csv(with_gaps(rows))
