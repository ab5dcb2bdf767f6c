"""`thecal flash` against a fake board: the order of its steps, and the result of a cable pulled at any of them."""

import io
import json
import sys
from pathlib import Path

import pytest

from pumpcore.flash import slots as identity
from pumpcore.wire import record_types
from support.host.fake_board import PROMPT, UNIQUE_ID, FakeBoard
from support.host.flash_scene import CHANGED, MPY, built, flash, lies_whole, matches, writes
from thecal.errors import Failed, LinkLost

pytestmark = pytest.mark.usefixtures("elsewhere")


# --- the order of the steps


def test_a_fresh_board_is_flashed_in_order(board):
    report = flash(board)
    log = board.log
    assert log[0] == "survey"
    copies = [entry for entry in log if entry.startswith("cp ")]
    folders = ("/app", "/app/wire", "/app/wire/handlers", "/hal", "/lib", "/lib/adafruit_motor", "/marks", "/store")
    assert [entry for entry in log if entry.startswith("mkdir")] == [f"mkdir {path}" for path in folders]
    assert list(dict.fromkeys(copies))[-4:] == ["cp /store/journal", "cp /store/bench.a", "cp /marks/bench", "cp /manifest.new"]
    assert log[-2:] == ["rename /manifest.new /manifest", "reset"]
    assert max(map(log.index, (entry for entry in log if "mkdir" in entry))) < log.index(copies[0])
    assert report["copied"] == 5
    assert report["release"] == built().release == board.release
    assert report["bench"] == "tmc2209-peristaltic01"
    assert matches(board) and board.alarms == []


def test_a_pump_is_saved_released_written_and_read_back_in_order(pump):
    flash(pump, built(pump=CHANGED))
    log = pump.log
    order = ["read events", "read faults", "maintenance", "survey", "fetch /store/bench.a", "remove /manifest", "cp /app/pump.mpy.new",
             "rename /app/pump.mpy.new /app/pump.mpy", "cp /manifest.new", "rename /manifest.new /manifest", "reset"]
    assert [log.index(entry) for entry in order] == sorted(log.index(entry) for entry in order)
    assert {entry for entry in log if entry.startswith("cp ")} == {"cp /app/pump.mpy.new", "cp /manifest.new"}
    assert pump.release == built(pump=CHANGED).release


def test_flashed_again_nothing_is_written(pump):
    before = pump.files.all()
    report = flash(pump)
    assert not report.get("copied") and report["unchanged"] == 5 and not report["bench_written"]
    assert writes(pump) == []
    assert pump.files.all() == before


def test_the_identity_of_the_journal_is_drawn_once_and_kept(pump, tmp_path):
    given = pump.files.read(identity.IDENTITY_PATH)
    flash(pump, built(pump=CHANGED))
    assert pump.files.read(identity.IDENTITY_PATH) == given and identity.unpack_identity(given)[0] != bytes(16)
    with FakeBoard(tmp_path / "other") as other:
        flash(other)
        assert other.files.read(identity.IDENTITY_PATH) != given


@pytest.mark.parametrize(("held", "boots"), [(None, 1), (identity.pack_identity(bytes(16), 16_384), 16_384)])
def test_a_pump_of_older_firmware_gets_an_identity_at_the_next_flash(pump, held, boots):
    pump.files.place(identity.IDENTITY_PATH).unlink()
    if held:
        pump.files.place(identity.IDENTITY_PATH).write_bytes(held)
    flash(pump)
    found, stored = identity.unpack_identity(pump.files.read(identity.IDENTITY_PATH))
    assert found != bytes(16) and stored == boots


def test_a_damaged_identity_is_left_to_the_pump(pump):
    pump.files.place(identity.IDENTITY_PATH).write_bytes(b"x")
    flash(pump, built(pump=CHANGED))
    assert pump.files.read(identity.IDENTITY_PATH) == b"x"


def test_the_journal_and_the_store_are_saved_whole_before_the_first_write(pump, tmp_path):
    pump.files.place("/ledger").mkdir()
    pump.files.place("/ledger/1").write_bytes(b"lease")
    report = flash(pump, built(pump=CHANGED))
    folder = Path(report["backup"])
    assert folder.parent == tmp_path / "backups" / UNIQUE_ID
    assert (folder / "events.journal").read_bytes() == b"".join(pump.journal)
    assert len(record_types.decode((folder / "events.journal").read_bytes())[0]) == 300
    assert (folder / "faults.journal").read_bytes() == b""
    assert (folder / "ledger" / "1").read_bytes() == b"lease"
    assert (folder / "store" / "bench.a").read_bytes() == pump.files.read("/store/bench.a")
    assert json.loads((folder / "pump.json").read_text())["hello"]["unique_id"] == UNIQUE_ID
    first_write = pump.log.index(writes(pump)[0])
    assert max(index for index, entry in enumerate(pump.log) if entry.split()[0] in ("read", "fetch")) < first_write


def test_a_pump_at_its_prompt_has_its_journal_saved_as_files(pump, tmp_path):
    pump.files.place("/journal").mkdir()
    pump.files.place("/journal/e00000001").write_bytes(b"records")
    pump.foreign = b">>> "
    report = flash(pump, built(pump=CHANGED))
    assert (tmp_path / report["backup"] / "journal" / "e00000001").read_bytes() == b"records"
    assert "fetch /journal/e00000001" in pump.log and "maintenance" not in pump.log


# --- a pulled cable


def test_pulled_at_any_moment_nothing_matches_until_a_whole_firmware_lies_there(tmp_path):
    """The cable is pulled at every change of the flash in turn; then the board starts, and is flashed again."""
    new = built(pump=MPY + b"longer than before", hello=MPY + b"x")
    moments = 0
    while True:
        moments += 1
        with FakeBoard(tmp_path / f"board{moments}") as board:
            flash(board)
            board.files.place("/app/old.mpy").write_bytes(b"stray")
            board.log.clear()
            board.pull_after = moments
            try:
                flash(board, new)
                break
            except LinkLost:
                pass
            changed = bool(writes(board))
            renamed = any(entry.startswith("rename") for entry in board.log)
            assert renamed or lies_whole(board)  # the old firmware stays whole until the new one has arrived
            board.pull_after = None
            board.boot_up()
            assert matches(board) == (not changed or (lies_whole(board, new) and "rename /manifest.new /manifest" in board.log))
            assert matches(board) or board.alarms
            flash(board, new)
            assert matches(board) and lies_whole(board, new) and not board.files.exists("/app/old.mpy")
    assert moments > 10


def test_a_first_flash_that_is_cut_leaves_a_board_that_is_no_pump_or_incomplete(tmp_path):
    for moments in range(2, 46, 3):
        with FakeBoard(tmp_path / f"board{moments}") as board:
            board.pull_after = moments
            try:
                flash(board)
                break
            except LinkLost:
                board.boot_up()
                assert not matches(board) or lies_whole(board)
    else:
        pytest.fail("the flash had no end")


def test_after_a_cut_the_words_say_what_the_pump_is_now(pump, capsys):
    pump.pull_after = 8
    with pytest.raises(LinkLost, match="silent"):
        flash(pump, built(pump=CHANGED))
    assert "remove /manifest" in pump.log
    assert "reports firmware_incomplete and delivers nothing" in capsys.readouterr().err


# --- a pump without a firmware that is fit to run


HOWS = {"removed": None, "empty": lambda data: b"", "half": lambda data: data[: len(data) // 2], "cut by one": lambda data: data[:-1]}


@pytest.mark.parametrize("how", HOWS)
def test_each_deployed_file_gone_or_cut_in_turn_is_mended_by_flashing_again(pump, how):
    pump.files.place("/journal").mkdir()
    pump.files.place("/journal/e00000001").write_bytes(b"records")
    for path in ("/manifest", *built().files):
        place = pump.files.place(path)
        data = place.read_bytes()
        place.unlink() if how == "removed" else place.write_bytes(HOWS[how](data))
        pump.boot_up()
        if path == "/main.py":
            pump.foreign, pump.unfit = PROMPT, False  # it does not even answer
        pump.log.clear()
        report = flash(pump)
        assert matches(pump) and lies_whole(pump) and pump.alarms == [], path
        assert ("maintenance" in pump.log) == (path != "/main.py")
        assert (Path(report["backup"]) / "journal" / "e00000001").read_bytes() == b"records"


def test_a_pump_that_is_not_fit_to_run_says_so_and_is_left_alone_by_a_dry_run(pump, capsys):
    pump.files.place("/app/pump.mpy").unlink()
    pump.boot_up()
    pump.log.clear()
    before = pump.files.all()
    report = flash(pump, dry_run=True, yes=False)
    assert pump.log == [] and pump.files.all() == before and len(report["files"]) == 5
    assert "delivers nothing: the firmware is not the one of its manifest" in capsys.readouterr().err


def test_a_no_gives_a_pump_that_is_not_fit_to_run_its_own_program_back(pump):
    pump.files.place("/app/pump.mpy").unlink()
    pump.boot_up()
    pump.log.clear()
    with pytest.raises(Failed, match="no answer on stdin"):
        flash(pump, yes=False)
    assert pump.log[-1] == "reset" and writes(pump) == [] and pump.unfit  # no prompt is left to read the input


def test_a_firmware_that_does_not_run_is_a_failure_with_its_cause(pump, monkeypatch):
    monkeypatch.setattr(pump, "boot_up", lambda: (setattr(pump, "foreign", None), setattr(pump, "unfit", True)))
    with pytest.raises(Failed, match="copied but does not run: the firmware is not the one"):
        flash(pump, built(pump=CHANGED))


# --- a pump that runs


def test_a_running_pump_is_not_touched_when_nobody_says_yes(pump):
    pump.state = "running"
    with pytest.raises(Failed, match="no answer on stdin"):
        flash(pump, yes=False)
    assert pump.log == [] and pump.state == "running"


def test_a_no_to_the_second_question_leaves_it_running_too(pump, monkeypatch):
    pump.state = "running"
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\nn\n"))
    with pytest.raises(Failed, match="not confirmed"):
        flash(pump, yes=False)
    assert pump.log == [] and pump.state == "running"


@pytest.mark.parametrize("state", ["running", "limited", "resuming"])
def test_a_pump_that_runs_is_stopped_first_when_that_was_confirmed(pump, monkeypatch, state):
    pump.state = state
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\ny\n"))
    flash(pump, yes=False)
    assert pump.log[:3] == ["stop", "read events", "read events"]


def test_a_stopped_pump_is_not_asked_to_stop(pump):
    flash(pump)
    assert "stop" not in pump.log


# --- a dry run


def test_a_dry_run_asks_a_pump_nothing_but_who_it_is(pump, capsys):
    before, asked = pump.files.all(), len(pump.executed)
    report = flash(pump, built(pump=CHANGED), dry_run=True, yes=False)
    assert set(pump.executed[asked:]) == {"hello", "status"}
    assert pump.files.all() == before and pump.log == []
    assert report["dry_run"] and len(report["files"]) == 5
    assert "thecal would compare 5 files" in capsys.readouterr().err


def test_a_dry_run_at_a_prompt_knows_the_files_and_writes_none(pump, capsys):
    pump.foreign = b">>> "
    before = pump.files.all()
    report = flash(pump, built(pump=CHANGED), dry_run=True, yes=False)
    assert report["copy"] == ["/app/pump.mpy"]
    assert pump.files.all() == before and pump.log == ["survey"]
    assert "copy" in capsys.readouterr().err


def test_what_does_not_answer_is_interrupted_only_after_a_yes(board):
    board.foreign = b""
    assert flash(board, dry_run=True, yes=False)["dry_run"]
    with pytest.raises(Failed, match="no answer on stdin"):
        flash(board, yes=False)
    assert board.log == []
    flash(board)
    assert matches(board)
