"""A chip with a deployed file missing or cut: it reports firmware_incomplete, no prompt reads its line, and `thecal flash` repairs it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from pumpcore.wire import messages
from pumpcore.wire import messages as frame
from support.emulator.flash_bench import BENCH, FlashBench, deployed, image_of
from support.emulator.image import compiled
from support.emulator.pump import EmulatedPump
from support.rig.target import Chosen
from support.rig.uf2 import find_uf2
from thecal.deploy import pack
from thecal.deploy.files import MANIFEST_PATH
from thecal.sim.guest.image import BENCH_PATH, format_image, read_file

FLOOD = b"print('py' * 3)\n\x03\x03\r\x01print('py' * 3)\x04\x02\nimport os\nos.remove('/main.py')\n"
# Naming the files takes seconds: a run that skips these tests skips that too.
SKIPPED = Chosen.target.kind != "emu" or find_uf2() is None
FILES = ["each file"] if SKIPPED else sorted(path for path, data in deployed().items() if data and path != "/main.py")
STOP = frame.encode(messages.request("00000000000000aa", "stop", {}))


def damaged(path: str, how: str) -> bytes:
    """Return the file system of a flashed pump without this file, or with half of it."""
    built = compiled()
    bench = read_file(image_of(built.files, built), BENCH_PATH)
    files = {**deployed(), BENCH_PATH: bench or b""}
    data = files.pop(path)
    return format_image(files if how == "removed" else {**files, path: data[: len(data) // 2]})


@pytest.fixture
def pump(request: pytest.FixtureRequest) -> Iterator[EmulatedPump]:
    sim = EmulatedPump(BENCH, image=damaged(*request.param), virtual=True)
    yield sim
    sim.close()


@pytest.mark.rule("R6")
@pytest.mark.rule("R10")
@pytest.mark.parametrize("pump", [(path, how) for path in FILES for how in ("removed", "half")], indirect=True, ids="-".join)
def test_it_says_so_and_reads_no_line_as_python(pump: EmulatedPump) -> None:
    pump.advance_by(1_500)
    said = b""
    for line in (b"hello\n", STOP, FLOOD, b"stop\n"):
        pump.write(line)
        pump.wait_until_idle()
        said += pump.read()
    faults = [json.loads(line[:-9])["error"]["data"]["fault"] for line in said.splitlines()]
    assert set(faults) == {"firmware_incomplete"} and len(faults) == 7, said
    assert not pump.enable_level() and pump.plant_steps() == 0
    assert read_file(pump.flash_image(), "/main.py") == deployed()["/main.py"]


@pytest.mark.parametrize("path", [MANIFEST_PATH, pack.PATH, "/hal/rp2/imports.mpy", "/main.py"])
def test_flashing_again_mends_it(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bench = FlashBench(tmp_path, monkeypatch, damaged(path, "half"))
    try:
        bench.pump.advance_by(1_500)
        bench.expect_a_pump(path != "/main.py")  # without a whole main.py there is MicroPython's prompt
        done = bench.flash(capsys, "--yes")
        assert done.code == 0, done.err
        assert bench.files().items() >= deployed().items()
    finally:
        bench.close()
