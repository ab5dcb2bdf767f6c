"""The journal on this computer: read once, in slices; kept in files; never mixed with another pump's."""

from pathlib import Path

import pytest

from pumpcore.wire import records
from support.host.fake_pump import FakePump
from thecal.pump.client import Client
from thecal.web.journal_file import KEPT_BYTES, RingFile, folder_of, whole
from thecal.web.journal_reader import JournalReader

HELLO = {"unique_id": "0" * 16, "journal_identity": "ab"}


@pytest.fixture(autouse=True)
def runtime(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("THECAL_RUNTIME", str(tmp_path))
    return tmp_path


def record(sequence: int, utc_s: int = 0, boot: int = 1) -> bytes:
    return records.encode_record("maintenance", (boot, sequence, sequence * 1000, utc_s), (0,))


def status(events: int, faults: int = 0) -> dict:
    return {"events_sequence": events, "faults_sequence": faults}


def read(reader: JournalReader, pump: FakePump, events: int) -> int:
    """Read everything; return the number of questions."""
    count = 0
    with Client(pump.port_url) as client:
        while reader.wants(status(events)):
            reader.read_slice(client)
            count += 1
            assert count < 50
    return count


def test_what_was_read_is_not_asked_for_again_not_even_after_a_restart() -> None:
    with FakePump() as pump:
        first = JournalReader(HELLO)
        assert first.wants(status(300)) and first.done_permille == 0
        assert read(first, pump, 300) > 0
        assert (first.complete, first.done_permille, len(first.rings["events"].rows(1))) == (True, 1000, 300)
        again = JournalReader(HELLO)
        pump.journal += [record(number) for number in range(301, 304)]
        pump.executed.clear()
        assert read(again, pump, 303) <= 3
        assert [one["sequence"] for one in again.rings["events"].rows(1)] == list(range(1, 304))


def test_a_slice_asks_for_a_few_blocks() -> None:
    with FakePump() as pump, Client(pump.port_url) as client:
        reader = JournalReader(HELLO)
        reader.wants(status(300))
        reader.read_slice(client)
        assert 0 < len(reader.rings["events"].rows(1)) < 300


def test_another_journal_with_the_same_numbers_replaces_the_known_one() -> None:
    with FakePump() as pump:
        read(JournalReader(HELLO), pump, 300)
        pump.journal = [record(number, 1_796_000_000) for number in range(1, 401)]
        again = JournalReader(HELLO)
        read(again, pump, 400)
        assert {one["utc_s"] for one in again.rings["events"].rows(1)} == {1_796_000_000}


def test_a_journal_that_begins_anew_replaces_the_known_one() -> None:
    with FakePump() as pump:
        reader = JournalReader(HELLO)
        read(reader, pump, 300)
        pump.journal = pump.journal[:5]
        read(reader, pump, 5)
        assert len(reader.rings["events"].rows(1)) == 5


def test_each_journal_has_its_own_file() -> None:
    assert len({folder_of("ab", ""), folder_of("ab", "01"), folder_of("cd", "01")}) == 3


@pytest.mark.parametrize("unique_id", ["", "../x", "a/b", "A" * 65, "ab\n"])
def test_a_name_from_the_pump_can_t_leave_the_folder(unique_id: str) -> None:
    assert folder_of(unique_id, "") is None
    kept = RingFile("events", None)
    kept.add(record(1))
    assert len(kept.rows(1)) == 1


@pytest.mark.parametrize("cut", range(1, 40, 3))
def test_a_torn_end_is_dropped_and_read_again(runtime: Path, cut: int) -> None:
    first = RingFile("events", runtime)
    first.add(b"".join(map(record, range(1, 11))))
    file = runtime / "events.records"
    file.write_bytes(file.read_bytes()[:-cut])
    again = RingFile("events", runtime)
    assert again.next_sequence == len(again.rows(1)) + 1 < 11
    again.add(b"".join(map(record, range(1, 11))))
    assert RingFile("events", runtime).rows(1) == again.rows(1) and len(again.rows(1)) == 10


def test_a_file_of_other_bytes_is_forgotten(runtime: Path) -> None:
    (runtime / "events.records").write_bytes(b"\x00\xff" * 5000)
    assert RingFile("events", runtime).next_sequence == 0


def test_the_oldest_records_leave_a_file_that_is_too_long(runtime: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("thecal.web.journal_file.MOST_BYTES", 1000)
    monkeypatch.setattr("thecal.web.journal_file.KEPT_BYTES", 500)
    RingFile("events", runtime).add(b"".join(map(record, range(1, 101))))
    again = RingFile("events", runtime)
    assert again.next_sequence == 101 and 0 < len(again.raw) <= 500
    assert (runtime / "events.records").stat().st_size == len(again.raw)
    assert KEPT_BYTES > 1_000_000


def test_a_disk_that_can_t_be_written_costs_nothing_but_the_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ring = RingFile("events", tmp_path / "file" / "folder")
    ring.add(record(1))
    assert len(ring.rows(1)) == 1


def test_rows_from_a_time_on_include_those_before_the_clock_was_set() -> None:
    ring = RingFile("events", None)
    ring.add(record(1, 100) + record(2) + record(3) + record(4, 200) + record(5, 300))
    assert [one["sequence"] for one in ring.rows(1, 150)] == [2, 3, 4, 5]
    assert [one["sequence"] for one in ring.rows(1)] == [1, 2, 3, 4, 5]


def test_whole_records_end_where_the_numbers_do_not_ascend() -> None:
    assert len(list(whole(record(1) + record(3) + record(3) + record(4)))) == 2
