"""`make flash` on the emulated chip: a fresh board becomes a pump, a pump is flashed again, a pulled cable never leaves a running pump."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pumpcore.program import packing as programs
from support.emulator.flash_bench import BENCH_NAME, FlashBench, deployed, image_of, older
from support.emulator.image import compiled
from support.programs import constant
from thecal.deploy import pack, told
from thecal.errors import Refused
from thecal.pump.client import Client
from thecal.pump.transport import registry
from thecal.sim.guest.flash import IMAGE_BYTES

ERASED = b"\xff" * IMAGE_BYTES
CRASHING = b"import machine\nmachine.WDT(timeout=8388)\nraise RuntimeError('crashed')\n"
WATCHDOG_S = 8.4
Maker = Callable[[bytes | None], FlashBench]


@pytest.fixture
def bench_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Maker]:
    made: list[FlashBench] = []

    def make(image: bytes | None) -> FlashBench:
        made.append(FlashBench(tmp_path, monkeypatch, image))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.mark.quick
@pytest.mark.long
def test_a_dry_run_at_a_fresh_board_shows_every_file_and_writes_nothing(bench_with: Maker, capsys: pytest.CaptureFixture[str]) -> None:
    bench = bench_with(ERASED)
    bench.pump.advance_by(500)  # stock MicroPython makes its file system
    before = bench.pump.flash_image()
    bench.expect_a_pump(False)
    done = bench.flash(capsys, "--dry-run", "--bench", BENCH_NAME)
    assert done.code == 0, done.err
    assert set(done.report["copy"]) == set(compiled().files)
    assert bench.pump.flash_image() == before


def test_a_fresh_board_becomes_the_pump_of_this_checkout(bench_with: Maker, capsys: pytest.CaptureFixture[str]) -> None:
    bench = bench_with(ERASED)
    bench.pump.advance_by(500)
    bench.expect_a_pump(False)
    done = bench.flash(capsys, "--bench", BENCH_NAME, "--yes")
    assert done.code == 0, done.err
    report = done.report
    assert (report["copied"], report["release"], report["bench"]) == (len(compiled().files), compiled().release, BENCH_NAME)
    assert report["alarms"] == []
    told_bytes = [told.parse(line) for line in bench.heard]
    assert len(compiled().files[pack.PATH]) in told_bytes and 100 * 256 in told_bytes  # reported on its way too, for the bar
    files = bench.files()
    assert {path: files[path] for path in deployed()} == deployed()
    assert set(files) - set(deployed()) == {"/store/bench.a"}
    assert registry.known_pump(report["unique_id"]) is not None
    assert not bench.enabled() and bench.pump.plant_steps() == 0


def test_a_running_pump_is_refused_then_stopped_saved_and_found_to_have_everything(
    bench_with: Maker, capsys: pytest.CaptureFixture[str]
) -> None:
    bench = bench_with(None)
    bench.expect_a_pump(True)
    begin(bench)
    before = bench.pump.flash_image()
    assert bench.flash(capsys, "--dry-run").code == 0
    assert bench.pump.flash_image() == before
    refused = bench.flash(capsys, typed="")
    assert refused.code == 1 and json.loads(refused.out)["cause"].startswith("no answer on stdin")
    steps = bench.pump.plant_steps()
    bench.pump.advance_by(1000)
    assert bench.pump.plant_steps() > steps
    done = bench.flash(capsys, "--yes")
    assert done.code == 0, done.err
    report = done.report
    assert "copied" not in report and report["unchanged"] == len(compiled().files) and report["release"] == compiled().release
    assert [words[0] for words in bench.words if words[0] == "fs" and words[-1].startswith(":")] == []
    assert names_in(Path(report["backup"]) / "events.journal")[-1] == "stopped"
    assert report["alarms"] == []


def test_a_pulled_cable_leaves_no_pump_then_an_incomplete_one_and_flashing_again_mends_it(
    bench_with: Maker, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    old = older(tmp_path / "older", "app/wire/handlers/temporary.py", "main.py")
    bench = bench_with(image_of({path: data for path, data in old.files.items() if path != "/main.py"}, old))

    # the first cut: in the middle of a file, before there is a main.py
    bench.expect_a_pump(False)
    bench.pull_at("cp firmware.pack.new", 600)
    cut = bench.flash(capsys, "--yes")
    assert cut.code == 4 and "delivers nothing" in cut.err
    bench.power_cycle()
    assert bench.thecal(capsys, "status").code == 3

    # the second cut: in the middle of the manifest, with everything else in place
    bench.cable_is_whole()
    bench.pull_at("cp /", 2000)
    assert bench.flash(capsys, "--yes").code == 4
    bench.power_cycle()
    bench.expect_a_pump(True)
    does_no_therapy(bench)

    bench.cable_is_whole()
    done = bench.flash(capsys, "--yes")
    assert done.code == 0, done.err
    assert done.report["release"] == compiled().release and "copied" in done.report
    files = bench.files()
    assert {path: files[path] for path in deployed()} == deployed()
    assert not bench.enabled()


def test_a_cable_pulled_in_the_middle_of_the_pack_leaves_the_pump_that_was_there_and_it_does_no_therapy(
    bench_with: Maker, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    old = older(tmp_path / "older", "app/wire/handlers/temporary.py")
    bench = bench_with(image_of(old.files, old))
    bench.expect_a_pump(True)
    bench.pull_at("cp firmware.pack.new", 70_000)
    cut = bench.flash(capsys, "--yes")
    assert cut.code == 4 and "delivers nothing" in cut.err
    bench.power_cycle()
    files = bench.files()
    assert {path: files[path] for path in old.files} == old.files and "/firmware.pack.new" in files
    does_no_therapy(bench)

    bench.cable_is_whole()
    done = bench.flash(capsys, "--yes")
    assert done.code == 0, done.err
    assert done.report["release"] == compiled().release and done.report["copy"] == ["/firmware.pack"]
    files = bench.files()
    assert {path: files[path] for path in deployed()} == deployed() and "/firmware.pack.new" not in files


def test_a_firmware_that_crashed_under_its_watchdog_can_be_replaced(bench_with: Maker, capsys: pytest.CaptureFixture[str]) -> None:
    built = compiled()
    bench = bench_with(image_of({**built.files, "/main.py": CRASHING}, built))
    bench.pump.advance_by(1500)
    resets = bench.pump.board.chip.resets

    def wait_for_a_bite(words: object) -> None:
        if len(bench.words) == 1:
            bench.pump.advance_by(round(WATCHDOG_S * 1000))
            assert bench.pump.board.chip.resets == resets

    bench.after = wait_for_a_bite
    bench.expect_a_pump(False)
    done = bench.flash(capsys, "--yes")
    assert done.code == 0, done.err
    assert done.report["copy"] == ["/main.py"]


def does_no_therapy(bench: FlashBench) -> None:
    """Check that it answers, reports that its firmware is incomplete, and moves nothing."""
    with Client(str(bench.pump.port_url)) as client:
        for ask in (client.hello, client.status, client.start, client.stop):
            with pytest.raises(Refused) as refused:
                ask()
            assert refused.value.fault == "firmware_incomplete"
    bench.pump.advance_by(3000)
    assert not bench.enabled() and bench.pump.plant_steps() == 0


def begin(bench: FlashBench) -> None:
    """1 mL/h, running."""
    with Client(str(bench.pump.port_url)) as client:
        client.program_activate(client.program_stage(programs.pack(constant(1_000_000)))["digest"])
        client.clock_set(1_790_000_000, 0)
        client.start()
    bench.pump.advance_by(2000)
    assert bench.pump.plant_steps() > 0 and bench.enabled()


def names_in(journal: Path) -> list[str]:
    from pumpcore.wire import record_types

    decoded, rest = record_types.decode(journal.read_bytes())
    assert not rest
    return [record.name for record in decoded]
