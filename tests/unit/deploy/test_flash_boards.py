"""`thecal flash` against a fake board: which board, which bench, what is refused, what is left alone."""

import hashlib

import pytest

from pumpcore.bench import bench as benches
from pumpcore.flash import manifest, slots
from support.host.fake_board import UNIQUE_ID, FakeBoard
from support.host.flash_scene import BENCH, CHANGED, MPY, built, flash, matches, writes
from thecal.deploy import bench_slot, finding, marks, pack
from thecal.errors import BadInput, Failed, NoPump
from thecal.files.bench import payload, read_bench
from thecal.files.resources import hardware_folder
from thecal.pump.transport import registry
from thecal.pump.transport.ports import Candidate

pytestmark = pytest.mark.usefixtures("elsewhere")


# --- strays, and what is not ours


def test_strays_go_and_what_is_not_ours_stays(pump, capsys):
    for path in ("/app/pump.py", "/app/old/deep/x.py", "/lib/adafruit_motor/servo.py", "/boot.py", "/notes.txt", "/lib/other.py"):
        pump.files.place(path).parent.mkdir(parents=True, exist_ok=True)
        pump.files.place(path).write_bytes(b"x")
    pump.files.place("/journal").mkdir()
    pump.files.place("/journal/e00000001").write_bytes(b"records")
    assert not matches(pump)  # import would take the .py
    report = flash(pump)
    assert sorted(report["remove"]) == ["/app/old/deep/x.py", "/app/pump.py", "/lib/adafruit_motor/servo.py"]
    assert not pump.files.exists("/app/old")
    assert all(pump.files.exists(path) for path in ("/boot.py", "/notes.txt", "/lib/other.py", "/journal/e00000001"))
    assert report["left_alone"] == ["/boot.py", "/notes.txt"]
    assert "runs before the pump" in capsys.readouterr().err
    assert matches(pump)


def test_a_folder_that_would_be_imported_in_place_of_a_file_goes(pump):
    pump.files.place("/app/pump").mkdir()
    flash(pump)
    assert not pump.files.exists("/app/pump")


# --- the bench


def other_bench(state="CALIBRATED"):
    return {**BENCH, "calibration": {"volume_nl": 31_111, "steps": 3_200, "state": state}}


def held(board):
    return bench_slot.newest(board.files.all())


def test_without_a_named_bench_the_pump_keeps_its_own_with_its_calibration(board):
    flash(board, bench=other_bench())
    flash(board, built(pump=CHANGED), bench=None)
    assert benches.parse(held(board)[1]).calibration.volume_nl == 31_111


def test_another_bench_goes_into_the_other_slot_and_both_are_shown(board, capsys):
    flash(board, bench=other_bench())
    flash(board)
    assert held(board) == (2, payload(BENCH), "/store/bench.b")
    assert slots.unpack(board.files.read("/store/bench.a"))[1] == payload(other_bench())
    said = capsys.readouterr().err
    assert "31111 nl per 3200 steps, CALIBRATED" in said and "128000 nl per 3200 steps, UNCALIBRATED" in said
    flash(board, bench=other_bench())
    assert held(board)[0::2] == (3, "/store/bench.a")


def test_a_cut_in_the_bench_slot_leaves_the_old_bench(board):
    flash(board, bench=other_bench())
    board.files.place("/store/bench.b").write_bytes(slots.pack(2, payload(BENCH))[:-1])
    assert held(board)[0] == 1
    flash(board)
    assert held(board) == (2, payload(BENCH), "/store/bench.b")


def test_a_damaged_newest_bench_is_written_again_though_the_older_one_is_the_same(board):
    flash(board)
    flash(board, bench=other_bench())
    flash(board)
    board.files.place("/store/bench.a").write_bytes(slots.pack(3, payload(BENCH))[:-1])
    assert held(board) is None
    board.log.clear()
    report = flash(board)
    assert report["bench_written"] and held(board) == (4, payload(BENCH), "/store/bench.a")
    assert {entry for entry in writes(board) if entry.startswith("cp")} == {"cp /store/bench.a", "cp /marks/bench", "cp /manifest.new"}


def test_a_pump_of_a_firmware_without_marks_is_adopted_once(board):
    flash(board)
    program = slots.pack(7, b"a program")
    board.files.place("/store/program.b").write_bytes(program)
    for path in [path for path in board.files.all() if path.startswith("/marks/")]:
        board.files.place(path).unlink()
    flash(board)
    files = board.files.all()
    assert files["/marks/program"] == slots.pack_mark("program", 7, program) and held(board)[0] == 1
    assert marks.counting("program", files) == (7, b"a program", "/store/program.b")
    board.files.place("/store/program.b").write_bytes(b"damaged")
    flash(board)
    assert board.files.read("/marks/program") == files["/marks/program"] and marks.counting("program", board.files.all()) is None


def test_a_board_without_a_bench_needs_one(board):
    with pytest.raises(BadInput, match="no bench"):
        flash(board, bench=None)
    assert board.log == ["survey"]


def test_a_pump_whose_bench_is_damaged_needs_one_and_is_started_again(pump):
    pump.files.place("/store/bench.a").write_bytes(b"damaged")
    with pytest.raises(BadInput, match="no bench"):
        flash(pump, bench=None)
    assert pump.log[-1] == "reset" and writes(pump) == []


def test_a_bench_of_the_simulator_is_refused():
    with pytest.raises(BadInput, match="target sim"):
        bench_slot.require_for_board(read_bench(hardware_folder() / "sim-clock.toml"))


def test_a_bench_with_an_electrical_mistake_is_refused_before_anything_is_asked_or_written(board):
    motor = {**BENCH["motor"], "supply_full_scale_mv": 20_000}
    with pytest.raises(BadInput, match="the pump would misread its supply") as refusal:
        flash(board, bench={**BENCH, "motor": motor})
    assert refusal.value.exit_code == 2 and board.log == []


@pytest.mark.parametrize("missing", ["parts", "wiring"])
def test_a_bench_without_parts_or_wiring_is_refused(board, missing):
    with pytest.raises(BadInput, match=f"{missing}: Field required"):
        flash(board, bench={name: value for name, value in BENCH.items() if name != missing})
    assert board.log == []


# --- boards that can't have it


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"machine": "Raspberry Pi Pico 2 with RP2350"}, "RP2350"),
        ({"mpy": 0x1305}, "format 6, the board's MicroPython loads format 5"),
        ({"version": (1, 27, 0)}, "MicroPython 1.27.0, 1.28 or newer"),
    ],
)
def test_a_board_that_can_not_run_it_is_refused_before_anything_is_written(tmp_path, facts, words):
    with FakeBoard(tmp_path / "other", **facts) as board, pytest.raises(Failed, match=words):
        flash(board)
    assert board.log == ["survey"]


def test_a_simulated_pump_is_refused(pump):
    pump.facts["machine"] = "WASI with wasm"
    with pytest.raises(Failed, match="WASI") as refusal:
        flash(pump)
    assert "thecal sim --fresh" in refusal.value.do
    assert pump.log == []


def test_a_full_flash_is_refused_before_anything_is_written_and_the_pump_starts_again(pump):
    pump.files.free_bytes = 20_000
    with pytest.raises(Failed, match="bytes free"):
        flash(pump, built(pump=MPY + bytes(9000)))
    assert pump.log[-1] == "reset" and matches(pump)


def test_a_board_that_was_a_pump_and_is_empty_is_told(pump, capsys):
    for path in pump.files.all():
        pump.files.place(path).unlink()
    for folder in ("/store", "/marks", "/app/wire/handlers", "/app/wire", "/app", "/hal", "/lib/adafruit_motor", "/lib"):
        pump.files.place(folder).rmdir()
    pump.boot_up()
    with pytest.raises(Failed, match="no answer on stdin"):
        flash(pump, yes=False)
    said = capsys.readouterr().err
    assert "it was formatted" in said and "tmc2209-peristaltic01" in said
    assert pump.log == ["survey"]
    assert flash(pump)["was_formatted"]


def test_a_pump_that_says_something_else_afterwards_is_a_failure(pump, monkeypatch):
    monkeypatch.setattr(pump, "boot_up", lambda: (setattr(pump, "foreign", None), setattr(pump, "release", "0" * 64)))
    with pytest.raises(Failed, match="release 000000000000, sent"):
        flash(pump, built(pump=CHANGED))


def test_a_firmware_that_does_not_start_is_a_failure(pump, monkeypatch):
    monkeypatch.setattr(pump, "boot_up", lambda: None)
    with pytest.raises(Failed, match="does not start"):
        flash(pump, built(pump=CHANGED))


def test_a_crashed_pump_has_its_watchdog_ended_before_it_bites(board):
    flash(board)
    assert board.registers == {0x4005B000: 1 << 30}


# --- which board


def usb(monkeypatch, *boards):
    found = [Candidate(port_url, "usb", serial) for port_url, serial in boards]
    monkeypatch.setattr(finding, "usb_boards", lambda: found)


def test_the_only_board_is_chosen(monkeypatch):
    usb(monkeypatch, ("/dev/one", "E661"))
    assert finding.choose(None, None).port_url == "/dev/one"


def test_several_boards_and_none_named_are_listed_and_refused(monkeypatch, pump):
    usb(monkeypatch, (pump.port_url, "E661"), ("/dev/none", "E662"))
    with pytest.raises(BadInput, match="2 boards found") as refusal:
        finding.choose(None, None)
    assert "ID=E661, pump on bench tmc2209-peristaltic01" in refusal.value.cause
    assert "/dev/none (ID=E662, not a pump that answers)" in refusal.value.cause
    assert set(pump.executed) <= {"hello", "status", "alarms"}


def test_a_board_is_named_by_its_usb_serial_number(monkeypatch):
    usb(monkeypatch, ("/dev/one", "E661"), ("/dev/two", "E662"))
    assert finding.choose(None, "e662").port_url == "/dev/two"
    with pytest.raises(NoPump, match=r"E999; there is E661 \(/dev/one\), E662"):
        finding.choose(None, "E999")


def test_no_board_is_told_with_what_to_do():
    with pytest.raises(NoPump) as none:
        finding.choose(None, None)
    assert "BOOTSEL" in none.value.do


def test_a_board_that_comes_back_under_another_name_is_found_by_its_serial_number(monkeypatch):
    usb(monkeypatch, ("/dev/two", "E661"))
    assert finding.await_port(Candidate("/dev/one", "usb", "e661"), lambda port: True) == "/dev/two"


def test_a_named_port_keeps_the_serial_number_that_usb_tells(monkeypatch):
    usb(monkeypatch, ("/dev/one", "E661"))
    assert finding.choose("/dev/one", None).serial_number == "E661"
    assert finding.choose("/dev/other", None).serial_number == ""


def test_a_board_that_does_not_come_back_is_told(monkeypatch):
    usb(monkeypatch)
    monkeypatch.setattr(finding, "APPEARS_WITHIN_S", 0.1)
    with pytest.raises(NoPump, match="did not come back"):
        finding.await_port(Candidate("/dev/one", "usb", "e661"), lambda port: True)


def test_what_was_flashed_is_remembered_by_its_unique_id(pump):
    known = registry.known_pump(UNIQUE_ID.upper())
    assert known is not None and known["bench"] == "tmc2209-peristaltic01" and known["release"] == built().release
    assert registry.known_pump("0" * 16) is None


def test_the_manifest_is_what_the_simulator_has_but_for_what_lies_there():
    from thecal.deploy.build import build
    from thecal.deploy.units import manifest_of, simulated_files
    from thecal.files.resources import firmware_folder

    on_chip, on_sim = manifest.parse(build(firmware_folder()).manifest), manifest.parse(manifest_of(None))
    assert on_chip[0] == on_sim[0]
    sources = dict(line.split(" ") for line in on_sim[0].decode().splitlines())
    lying = {path: hashlib.sha256(data).hexdigest() for path, data in simulated_files(firmware_folder()).items()}
    assert on_sim[1] == lying and on_sim[1]["/main.py"] == sources["/main.py"]
    assert set(on_sim[1]) - set(sources) == {"/lib/adafruit_motor/stepper.py"} == set(on_chip[1]) - set(sources) - {pack.PATH}
    assert [path for path, digest in on_chip[1].items() if digest == sources.get(path)] == ["/main.py"]
