"""`thecal flash --forget-key`: only at the prompt that the held stop button opens; nothing else on the board changes."""

import pytest

from pumpcore.flash import slots
from pumpcore.wire.signing import FORGET_PATH
from support.host.flash_scene import writes
from thecal.deploy import forgetting, marks
from thecal.errors import Failed, NoKey
from thecal.pump import keys
from thecal.pump.transport.ports import Candidate

pytestmark = pytest.mark.usefixtures("elsewhere")
ID = "e661a4d1c3257b2f"
HELD = keys.Held({"look": bytes(range(32))})


@pytest.fixture
def keyed(pump, monkeypatch):
    """Return a board with keys; its start removes them if the file asks for it, like the firmware."""
    for path, data in marks.marked(marks.slot_paths("keys")[0], slots.pack(1, bytes(range(96)))).items():
        pump.files.place(path).write_bytes(data)
    boot_up, hello_status = pump.boot_up, pump.do_status
    pump.obeys = True

    def started():
        if pump.obeys and pump.files.exists(FORGET_PATH):
            pump.files.place(FORGET_PATH).unlink()
            pump.files.place(marks.slot_paths("keys")[0]).unlink()
        boot_up()

    def status():
        return {**hello_status(), "keys": "set" if pump.files.exists(marks.slot_paths("keys")[0]) else "none"}

    pump.boot_up, pump.do_status = started, status
    keys.save(ID, HELD)
    pump.log.clear()
    return pump


def at_prompt(board):
    board.foreign = b">>> "


def forget(board, yes=True, dry_run=False):
    return forgetting.forget(Candidate(board.port_url, "named"), board.mpremote, yes, dry_run)


def test_at_the_prompt_one_file_is_written_and_the_pump_says_that_it_has_no_keys(keyed):
    at_prompt(keyed)
    report = forget(keyed)
    assert report["keys"] == "none" and report["unique_id"] == ID and not keys.holds(ID)
    assert {entry.split()[1] for entry in writes(keyed)} == {FORGET_PATH} and keyed.log[-1] == "reset"


@pytest.mark.rule("R10")
def test_a_pump_that_runs_is_left_alone_and_the_way_is_named(keyed):
    with pytest.raises(Failed, match="a pump runs on") as found:
        forget(keyed)
    assert "hold its stop button" in found.value.do and "thecal key forget" in found.value.do
    assert keyed.log == [] and keys.load(ID) == HELD


def test_a_no_and_a_dry_run_write_nothing(keyed):
    at_prompt(keyed)
    with pytest.raises(Failed, match="no answer on stdin"):
        forget(keyed, yes=False)
    assert forget(keyed, dry_run=True)["dry_run"] is True
    assert writes(keyed) == [] and keys.load(ID) == HELD


def test_a_board_without_keys_starts_again(pump):
    at_prompt(pump)
    with pytest.raises(Failed, match="has no keys; it starts again"):
        forget(pump)
    assert writes(pump) == [] and pump.log[-1] == "reset"


def test_an_older_firmware_that_keeps_them_is_named_and_this_computer_keeps_its_own(keyed):
    keyed.obeys = False
    at_prompt(keyed)
    with pytest.raises(Failed, match=r"still has its keys \(set\)"):
        forget(keyed)
    assert keys.load(ID) == HELD


def test_a_flash_needs_the_program_key_before_it_stops_or_saves_anything(keyed):
    from support.host.flash_scene import flash

    keyed.state = "running"
    with pytest.raises(NoKey, match="maintenance needs program") as found:
        flash(keyed)
    assert "hold its stop button while you plug it in" in found.value.do and keyed.log == [] and keyed.state == "running"


@pytest.mark.rule("R10")
def test_a_backup_never_holds_the_keys(keyed, tmp_path):
    from support.host.flash_scene import flash

    at_prompt(keyed)
    saved = flash(keyed)["saved_files"]
    assert "/store/bench.a" in saved and not any(path.startswith("/store/keys.") for path in saved)
    assert all(bytes(range(96)) not in file.read_bytes() for file in (tmp_path / "backups").rglob("*") if file.is_file())
    assert keyed.files.exists(marks.slot_paths("keys")[0])


def test_other_options_do_not_go_with_it(thecal_says):
    code, _, err = thecal_says("flash", "--forget-key", "--bench", "sim-clock")
    assert code == 2 and "--forget-key changes nothing but the keys" in err
