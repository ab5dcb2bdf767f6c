"""Stored files that rotted, are outdated, or are no files: the pump starts, names the loss, and the alarm's command ends it for good."""

import base64
import itertools
from collections.abc import Callable
from functools import cache

import pytest

from pumpcore.bench import weighed
from pumpcore.flash import ledger, slots
from pumpcore.program.plan import Program
from support.programs import MONDAY_UTC_S, constant, resuming, with_settings
from support.pump.bridges import prime, refill
from support.pump.calibrations import put
from support.pump.running import BENCH, Watched, again, blank_image, ready, running
from support.replies import number
from support.some import some_of

CALIBRATION = {"volume_nl": 1_023_456, "steps": 100_003}
FOLDERS = ("/store", "/marks", "/ledger", "/journal")


def flip(pump: Watched, path: str, at: int | None = None) -> None:
    """Invert one bit of a file."""
    raw = bytearray(pump.board.flash.read(path))
    raw[len(raw) // 2 if at is None else at] ^= 1
    pump.board.flash.write(path, bytes(raw))


def newest(pump: Watched, name: str) -> str:
    """Return the path of the slot that counts."""
    paths = [f"/store/{name}.{letter}" for letter in slots.LETTERS]
    return paths[slots.newest([pump.board.flash.read(path) if pump.board.flash.exists(path) else b"" for path in paths]).index]


def therapy() -> Program:
    """Return a program with a reservoir and a line."""
    return with_settings(
        constant(3_600_000), capacity_nl=20_000_000, low_nl=2_000_000, empty_nl=1_000_000, tolerance_permille=50, tolerance_nl=100_000,
        tubing_nl=200_000, catheter_nl=100_000, line_day=20_000,
    )


def changed(made: Program, ng: int) -> Program:
    made.concentration = (ng, 1_000)
    return made


def full() -> Watched:
    """Return a pump whose store has had each image stored twice."""
    pump = Watched(full_image(), MONDAY_UTC_S + 600)
    pump.advance(0.1)
    return pump


@cache
def full_image() -> bytes:
    pump = ready(changed(therapy(), 400))
    pump.call("clock.set", utc_s=MONDAY_UTC_S, offset_s=3600)
    pump.call("clock.set", utc_s=MONDAY_UTC_S + 1, offset_s=7200)
    put(pump, lot="L1", expires_nl=0)
    put(pump, lot="L2", expires_nl=0)
    refill(pump)
    prime(pump)
    pump.upload(changed(therapy(), 300))
    refill(pump)
    prime(pump)
    pump.upload(changed(therapy(), 200))
    prime(pump)
    assert pump.alarms() == []
    return pump.image()


MENDS: dict[str, Callable[[Watched], None]] = {
    "program": lambda pump: prime(pump) if pump.upload(changed(therapy(), 200)) and pump.pump.setup.line else None,
    "calibration": lambda pump: put(pump, lot="L3", expires_nl=0),
    "reservoir": refill,
    "line": prime,
    "primed": prime,
    "offset": lambda pump: pump.call("clock.set", utc_s=pump.board.clock.utc_s(), offset_s=7200),
}


@pytest.mark.rule("R6")
@pytest.mark.parametrize("what", ["newest slot", "mark", "both slots"])
@pytest.mark.parametrize("name", MENDS)
def test_a_damaged_image_is_an_alarm_that_its_verb_ends(name: str, what: str) -> None:
    pump = full()
    paths = {"newest slot": [newest(pump, name)], "mark": [f"/marks/{name}"], "both slots": [f"/store/{name}.{x}" for x in "ab"]}
    for path in paths[what]:
        flip(pump, path)
    booted = again(pump)
    alarm = "line_damaged" if name == "primed" else f"{name}_damaged"
    assert booted.alarms() == [alarm] and booted.fault("start") == "alarm_active"
    if name != "reservoir":
        assert booted.fault("ack", fault=number(alarm)) == "alarm_stays"
    assert again(booted).alarms() == [alarm]
    MENDS[name](booted)
    assert booted.alarms() == []
    mended = again(booted)
    assert mended.alarms() == []
    mended.call("start")
    mended.advance(5)
    assert mended.state() == "running"


@pytest.mark.rule("R6")
@pytest.mark.parametrize("name", MENDS)
def test_an_image_below_its_mark_is_an_alarm_and_above_it_is_used(name: str) -> None:
    """A damaged file system can put the folder of the slots, or of the marks, back before the last change."""
    pump = full()
    path = newest(pump, name)
    image, older = pump.board.flash.read(path), slots.pack(1, b"older")
    pump.board.flash.remove(path)
    assert again(pump).alarms() == ["line_damaged" if name == "primed" else f"{name}_damaged"]
    pump.board.flash.write(path, image)
    pump.board.flash.write(f"/marks/{name}", slots.pack_mark(name, 1, older))
    before = pump.call("status")
    booted = again(pump)
    assert booted.alarms() == [] and booted.call("status")["program_digest"] == before["program_digest"]
    assert slots.unpack_mark(booted.board.flash.read(f"/marks/{name}"))[0] == slots.unpack(image)[0]


def test_a_reservoir_that_no_program_watches_is_forgotten_by_an_acknowledgement() -> None:
    pump = full()
    pump.upload(changed(constant(900_000), 200))
    flip(pump, newest(pump, "reservoir"))
    booted = again(pump)
    assert booted.alarms() == ["reservoir_damaged"] and booted.fault("reservoir.refill", token=booted.token(), measured_nl=0, filled_nl=1)
    booted.call("ack", fault=633)
    assert again(booted).alarms() == []
    booted.upload(changed(therapy(), 200))
    assert booted.fault("start") == "refill_unknown"


def test_a_damaged_bench_is_an_alarm_and_the_older_one_is_not_taken() -> None:
    pump = ready(constant(900_000))
    pump.pump.setup.store.save("bench", pump.pump.setup.store.load("bench"))
    flip(pump, "/store/bench.b")
    booted = again(pump)
    assert booted.alarms() == ["bench_damaged"] and booted.call("hello")["bench"] == ""


def test_a_program_that_fits_only_the_lost_calibration_comes_back_with_a_new_one() -> None:
    slow = BENCH | {"motor": BENCH["motor"] | {"max_rate_hz": 10_000}}
    pump = ready(image=blank_image(slow))
    one = weighed.Weighed(1_400_003, 99_991, MONDAY_UTC_S, 998_207, 2_100, 0, 90, 3, "T1", "L1")
    pump.call("calibration.set", calibration=base64.b64encode(weighed.pack(one)).decode())
    pump.upload(constant(400_000_000))
    made = pump.call("status")["program_digest"]
    flip(pump, "/store/calibration.a")
    booted = again(pump)
    assert {"calibration_damaged", "program_invalid"} == set(booted.alarms())
    booted.call("calibration.set", calibration=base64.b64encode(weighed.pack(one)).decode())
    assert booted.alarms() == [] and booted.call("status")["program_digest"] == made


# --- the ledger ---------------------------------------------------------------------------------------------------------------


def ran(duration_s: float = 700) -> Watched:
    pump = running(resuming(constant(3_600_000)))
    pump.advance(duration_s)
    return pump


def ledgers(pump: Watched) -> dict[str, bytes]:
    return {f"/ledger/{name}": pump.board.flash.read(f"/ledger/{name}") for name in pump.board.flash.names("/ledger")}


@pytest.mark.rule("R2")
@pytest.mark.parametrize("number_", range(3))
def test_a_damaged_ledger_file_is_an_alarm_forbids_to_resume_and_is_acknowledged(number_: int) -> None:
    pump = ran()
    flip(pump, f"/ledger/{number_}")
    booted = again(pump)
    assert booted.state() == "alarm" and {"ledger_damaged", "not_resumed"} <= set(booted.alarms())
    booted.advance(100)
    assert booted.plant_steps() == 0
    position = booted.call("status")["delivered_steps"]
    assert "ledger_damaged" in again(booted).alarms()  # also if nobody reacted at once
    booted.call("ack", fault=number("ledger_damaged"))
    mended = again(booted)
    assert "ledger_damaged" not in mended.alarms() and mended.call("status")["delivered_steps"] == position
    mended.call("start")


@pytest.mark.rule("R2")
@pytest.mark.parametrize("how", ["all removed", "an older state", "newest removed"])
def test_a_ledger_behind_the_journal_is_an_alarm_and_the_larger_position_counts(how: str) -> None:
    pump = ran(250)
    older = ledgers(pump)
    pump.advance(400)
    total = pump.records("total")[-1]["delivered_steps"]
    for path in older:
        pump.board.flash.remove(path)
    if how == "an older state":
        for path, data in older.items():
            pump.board.flash.write(path, data)
    booted = again(pump)
    assert "ledger_behind" in booted.alarms() and booted.state() == "alarm"
    assert booted.call("status")["delivered_steps"] >= total > 0
    booted.advance(200)
    assert booted.plant_steps() == 0 and "ledger_behind" in again(booted).alarms()
    booted.call("ack", fault=number("ledger_behind"))
    mended = again(booted)
    assert "ledger_behind" not in mended.alarms() and mended.call("status")["delivered_steps"] >= total


@pytest.mark.rule("R2")
def test_the_newest_ledger_file_removed_is_damage() -> None:
    pump = ran()
    sequences = {path: ledger.unpack_record(data).sequence for path, data in ledgers(pump).items()}
    pump.board.flash.remove(max(sequences, key=lambda path: sequences[path]))
    assert "ledger_damaged" in again(pump).alarms()


@pytest.mark.rule("R11")
def test_a_ledger_that_runs_while_the_journal_has_stopped_does_not_resume() -> None:
    """A cut between the two writes of a stop leaves this, as does a slightly older ledger: a stopped pump stays stopped."""
    pump = ran(130)
    older = ledgers(pump)
    pump.call("stop")
    for path, data in older.items():
        pump.board.flash.write(path, data)
    booted = again(pump, 100)
    assert booted.alarms() == ["power_lost", "not_resumed"]
    booted.advance(200)
    assert booted.plant_steps() == 0


def test_a_ledger_that_runs_long_after_the_stop_is_behind() -> None:
    pump = ran(130)
    older = ledgers(pump)
    pump.call("stop")
    pump.advance(700)
    for path, data in older.items():
        pump.board.flash.write(path, data)
    assert "ledger_behind" in again(pump).alarms()


# --- the pump starts, whatever lies there -------------------------------------------------------------------------------------


def survives(pump: Watched) -> Watched:
    """Check that the next boot answers and its motor is disabled."""
    booted = again(pump)
    assert "result" in booted.ask("hello") and "result" in booted.ask("status") and not booted.board.stepper.enabled
    return booted


@pytest.mark.rule("R6")
@pytest.mark.parametrize("length", [1, 4, 12, 16, 40, 5_000])
def test_an_offset_of_any_length_does_not_keep_the_pump_from_starting(length: int) -> None:
    pump = ready(constant(900_000))
    pump.board.flash.write("/store/offset", bytes(length))
    pump.board.flash.write("/store/offset.a", bytes(length))
    assert survives(pump).alarms() == ["offset_damaged"]
    pump.board.flash.write("/store/offset.a", slots.pack(1, bytes(length)))
    assert survives(pump).alarms() == ([] if length in (4, 16) else ["offset_damaged"])


CONTENTS = [b"", b"\0", b"TCS1", bytes(40), b"\xff" * 300, slots.pack(7, b"{}"), slots.pack(7, bytes(100)), slots.pack(7, b"\xff" * 4_000)]


@pytest.mark.rule("R6")
@pytest.mark.parametrize("content", some_of(CONTENTS, 4), ids=lambda content: f"{len(content)} bytes")
def test_a_file_of_any_content_in_any_place_does_not_keep_the_pump_from_starting(content: bytes) -> None:
    pump = full()
    image = pump.image()
    paths = [f"{folder}/{name}" for folder in FOLDERS for name in [*pump.board.flash.names(folder), "x", "e", "ezzz", "f1"]]
    for path in paths:
        one = Watched(image, MONDAY_UTC_S)
        one.board.flash.write(path, content)
        survives(one)


@pytest.mark.rule("R6")
def test_a_folder_where_a_file_should_be_does_not_keep_the_pump_from_starting() -> None:
    pump = full()
    image = pump.image()
    for path in [f"{folder}/{name}" for folder in FOLDERS for name in pump.board.flash.names(folder)]:
        one = Watched(image, MONDAY_UTC_S)
        one.board.flash.remove(path)
        one.board.flash.make_folder(path)
        survives(one)
    for folder in FOLDERS:
        one = Watched(image, MONDAY_UTC_S)
        for name in one.board.flash.names(folder):
            one.board.flash.remove(f"{folder}/{name}")
        one.board.flash.remove(folder)
        one.board.flash.write(folder, b"a file")
        assert survives(one).state() == "alarm"


@pytest.mark.rule("R6")
def test_a_new_pump_with_a_full_file_system_starts_and_says_so() -> None:
    pump = Watched(ready().image())
    flash = pump.board.flash
    for name in [*flash.names("/journal")]:
        flash.remove("/journal/" + name)
    flash.remove("/journal")
    for name in [*flash.names("/ledger")]:
        flash.remove("/ledger/" + name)
    flash.remove("/ledger")
    for count in itertools.count():
        try:
            flash.write(f"/fill{count}", bytes(4_000))
        except OSError:
            break
    booted = survives(pump)
    assert booted.state() == "alarm" and {"journal_failed", "ledger_failed"} <= set(booted.alarms())
    assert booted.fault("start") == "alarm_active"


# --- what a change needs --------------------------------------------------------------------------------------------------------


@pytest.mark.rule("R6")
def test_a_run_to_calibrate_is_done_in_spite_of_the_calibration_that_is_lost_and_of_nothing_else() -> None:
    pump = full()
    flip(pump, "/marks/calibration")
    booted = again(pump)
    order = {"purpose": "calibration", "volume_nl": 0, "steps": 2_000, "rate_nl": 3_600_000, "rate_seconds_s": 3600}
    booted.call("run.start", token=booted.token(), **order)
    booted.advance(1)
    assert booted.state() == "calibrating"
    booted.advance(60)
    assert booted.state() == "alarm" and booted.plant_steps() == 2_000
    flip(booted, newest(booted, "program"))
    both = again(booted)
    assert both.fault("run.start", token=both.token(), **order) == "alarm_active" and both.plant_steps() == 0


@pytest.mark.rule("R1")
def test_a_change_that_is_stored_while_the_motor_runs_leaves_its_queue_above_the_low_water(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of three writes in one command (journal, slot, mark) may take 1.26 s at the flash's worst."""
    pump = full()
    pump.call("start")
    pump.advance(30)
    board, written = pump.board, []
    write = board.flash.write

    def slow(path: str, data: bytes) -> None:
        written.append((path.split("/")[1], board.stepper.queued_us()))
        board.clock.now_us += 1_260_000
        write(path, data)

    monkeypatch.setattr(board.flash, "write", slow)
    while board.stepper.queued_us() > 2_600_000:
        pump.advance(0.05)
    refill(pump)
    assert {"store", "marks"} <= {folder for folder, _ in written}
    assert min(queued_us for folder, queued_us in written if folder != "ledger") >= 2_400_000
    pump.advance(30)
    assert pump.state() == "running" and pump.alarms() == []


@pytest.mark.rule("R9")
@pytest.mark.parametrize("folders", [("/journal",), ("/journal", "/ledger")], ids=" and ".join)
def test_a_journal_that_is_gone_as_a_whole_is_an_alarm(folders: tuple[str, ...]) -> None:
    """One bit in the file system's root can do it: the pump would look new but have its program."""
    pump = full()
    for path in [f"{folder}/{name}" for folder in folders for name in pump.board.flash.names(folder)]:
        pump.board.flash.remove(path)
    booted = again(pump)
    assert "journal_damaged" in booted.alarms() and ("ledger_damaged" in booted.alarms()) == ("/ledger" in folders)
    for name in booted.alarms():
        booted.call("ack", fault=number(name))
    assert again(booted).alarms() == []
