"""The parts of `thecal flash`, one by one: compiled files, the manifest on the pump, mpremote's output, UF2 and boot drive."""

import ast
import contextlib
import hashlib
import http.server
import io
import json
import struct
import sys
import threading
from pathlib import Path

import pytest

import thecal.cli.app
from pumpcore.flash import manifest
from support.pump.main_file import checked, flash_of
from thecal.cli.verbs.flash import show
from thecal.deploy import boot_drive, build, files, finding, first_time, on_board, pack, runner, survey, uf2
from thecal.deploy.board import Board
from thecal.errors import BadInput, Failed, LinkLost, NoPump
from thecal.files.resources import firmware_folder
from thecal.pump.transport.ports import Candidate

# --- what is deployed


def test_what_stays_off_the_board_is_there_and_nothing_on_the_board_imports_it():
    deployed = files.firmware_files(firmware_folder())
    for path in files.NOT_DEPLOYED:
        assert (firmware_folder() / path[1:]).is_file() and path not in deployed
    absent = {path[1:-3].replace("/", ".") for path in files.NOT_DEPLOYED}
    for path, data in deployed.items():
        named = set()
        for node in ast.walk(ast.parse(data)):
            if isinstance(node, ast.ImportFrom):
                named |= {str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)}
            elif isinstance(node, ast.Import):
                named |= {alias.name for alias in node.names}
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                named.add(node.value)
        assert not named & absent, path


# --- the manifest on the pump


SOURCES = {"/main.py": b"main", "/app/pump.py": b"pump"}
COMPILED = {"/main.py": b"main", "/app/pump.py": b"M\x06pump"}


def test_a_compiled_pump_has_the_release_of_its_sources():
    lying = {"/main.py": b"main", "/app/pump.mpy": b"M\x06pump"}
    digest = checked(flash_of(lying, manifest.build(SOURCES, COMPILED)))
    assert digest == manifest.release(manifest.parse(manifest.build(SOURCES))[0])
    assert checked(flash_of(SOURCES, manifest.build(SOURCES))) == digest


@pytest.mark.parametrize(
    "lying",
    [
        {"/main.py": b"main"},
        {"/main.py": b"main", "/app/pump.mpy": b"M\x06another"},
        {"/main.py": b"main", "/app/pump.mpy": b"M\x06pum"},
        {"/main.py": b"main", "/app/pump.mpy": b""},
        {"/main.py": b"main", "/app/pump.mpy": b"M\x06pump", "/app/pump.py": b"pump"},
        {"/main.py": b"main", "/app/pump.py": b"pump"},
        {"/main.py": b"another", "/app/pump.mpy": b"M\x06pump"},
    ],
    ids=["missing", "another .mpy", "cut", "empty", ".py beside its .mpy", ".py in its place", "another main.py"],
)
def test_nothing_is_loaded_when_a_file_is_not_the_one_of_the_manifest(lying):
    assert checked(flash_of(lying, manifest.build(SOURCES, COMPILED))) == ""


def test_a_source_that_matches_counts_though_an_old_mpy_lies_beside_it():
    assert checked(flash_of({**SOURCES, "/app/pump.mpy": b"old"}, manifest.build(SOURCES)))


def test_without_a_manifest_nothing_is_loaded():
    assert checked(SOURCES) == ""


@pytest.mark.parametrize("compiled, lying", [(None, SOURCES), (COMPILED, {"/main.py": b"main", "/app/pump.mpy": COMPILED["/app/pump.py"]})])
def test_nothing_is_loaded_with_a_manifest_that_is_cut_anywhere(compiled, lying):
    rows = manifest.build(SOURCES, compiled)
    assert checked(flash_of(lying, rows))
    for end in range(len(rows)):
        assert checked(flash_of(lying, rows[:end])) == "", end


def test_the_library_counts_as_well():
    rows = manifest.build(SOURCES, COMPILED, None, {"/lib/a/b.py": b"library"})
    lying = {"/main.py": b"main", "/app/pump.mpy": b"M\x06pump", "/lib/a/b.mpy": b"library"}
    assert checked(flash_of(lying, rows))
    assert checked(flash_of(lying | {"/lib/a/b.mpy": b"librar"}, rows)) == ""


# --- compiled files


def test_every_file_but_main_is_compiled_and_holds_nothing_of_this_machine(tmp_path):
    firmware = tmp_path / "a path of this machine"
    (firmware / "app").mkdir(parents=True)
    (firmware / "main.py").write_text("import app.pump\n")
    (firmware / "app" / "pump.py").write_text("x = []\n")
    built = build.build(firmware)
    assert set(built.files) == {"/main.py", "/firmware.pack", "/lib/adafruit_motor/stepper.mpy"}
    packed = pack.unpack(built.files["/firmware.pack"])
    assert set(packed) == {"/app/pump.mpy"}
    assert packed["/app/pump.mpy"][:2] == b"M\x06"
    assert b"app.pump" in packed["/app/pump.mpy"]
    assert not any(b"machine" in data or b"thecal-" in data for data in built.files.values())
    sources, lying = manifest.parse(built.manifest)
    assert sources.startswith(b"/app/pump.py %s\n" % hashlib.sha256(b"x = []\n").hexdigest().encode())
    assert lying["/firmware.pack"] == hashlib.sha256(built.files["/firmware.pack"]).hexdigest()
    assert set(lying) == {"/main.py", "/lib/adafruit_motor/stepper.py", "/firmware.pack"}


def test_a_file_that_does_not_compile_is_named(tmp_path):
    (tmp_path / "main.py").write_text("")
    (tmp_path / "broken.py").write_text("def f(:\n")
    with pytest.raises(Failed, match=r"broken\.py does not compile: .*SyntaxError"):
        build.build(tmp_path)


def test_a_folder_without_firmware_is_refused(tmp_path):
    with pytest.raises(Failed, match=r"main\.py is missing"):
        build.build(tmp_path)


@pytest.mark.parametrize(
    ("head", "board_mpy", "fits"),
    [
        (b"M\x06\x00\x1f", 0x1306, True),
        (b"M\x06\x00\x1f", 0x1006, True),  # byte code alone does not ask for a sub-version
        (b"M\x06\x00\x1f", 0x1307, False),
        (b"M\x06\x13\x1f", 0x1306, True),
        (b"M\x06\x13\x1f", 0x1206, False),  # native code of sub-version 3
    ],
)
def test_a_board_that_would_not_load_a_file_is_known_beforehand(head, board_mpy, fits):
    assert (build.misfit({"/main.py": b"x = 1", "/app/pump.mpy": head}, board_mpy) == "") == fits


# --- mpremote's words


class Heard:
    """A runner that notes its arguments and prints the given lines."""

    def __init__(self, *lines, code=0):
        self.lines, self.code, self.calls = lines, code, []

    def __call__(self, words, heard, folder=None):
        self.calls.append(list(words))
        for line in self.lines:
            heard(line)
        return self.code


def test_one_run_copies_everything_folder_by_folder_with_mains_last(tmp_path):
    said = ("cp app/a.mpy.new :/app", "progress: 256 400", "noise", "cp app/b.mpy.new :/app", "cp main.py.new :/", "thecal: done")
    heard, seen = Heard(*said), []
    Board("/dev/x", heard).copy(tmp_path, ["/app/a.mpy", "/app/b.mpy", "/main.py"], lambda *moved: seen.append(moved))
    app, main = ["fs", "cp", "-f", "app/a.mpy.new", "app/b.mpy.new", ":/app"], ["fs", "cp", "-f", "main.py.new", ":/"]
    moves = [(f"{path}.new", path) for path in ("/app/a.mpy", "/app/b.mpy", "/main.py")]
    assert heard.calls == [["connect", "/dev/x", *app, "+", *main], ["connect", "/dev/x", "exec", on_board.rename(moves)]]
    assert seen == [("/app/a.mpy", 0), ("/app/a.mpy", 256), ("/app/b.mpy", 0), ("/main.py", 0)]


def test_nothing_to_copy_runs_nothing(tmp_path):
    heard = Heard()
    Board("/dev/x", heard).copy(tmp_path, [], print)
    assert heard.calls == []


def test_files_are_fetched_to_the_same_places_below_a_folder(tmp_path):
    heard, seen = Heard(f"cp :/store/bench.a {tmp_path}/a folder/store", f"cp :/ledger/1 {tmp_path}/a folder/ledger"), []
    Board("/dev/x", heard).fetch(["/store/bench.a", "/ledger/1"], tmp_path / "a folder", lambda *moved: seen.append(moved))
    target = str(tmp_path / "a folder" / "store")
    assert heard.calls[0][2:6] == ["fs", "cp", ":/store/bench.a", target]
    assert seen == [("/store/bench.a", 0), ("/ledger/1", 0)]
    assert Path(target).is_dir()


def test_a_text_that_did_not_reach_its_end_is_a_failure():
    with pytest.raises(Failed, match="did not finish"):
        Board("/dev/x", Heard("thecal: folder /app")).survey()


def test_a_survey_is_read_from_our_own_lines_only():
    lines = ["noise", "thecal: folder /app", f"thecal: file 3 {'0' * 64} /app/a b.mpy", "thecal: file 9 - /x", 'thecal: facts {"mpy": 6}']
    found = Board("/dev/x", Heard(*lines, "thecal: done")).survey()
    assert found.files == {"/app/a b.mpy": survey.Lying(3, "0" * 64), "/x": survey.Lying(9, "")}
    assert found.folders == {"/app"}
    with pytest.raises(Failed, match="unreadable list of files"):
        Board("/dev/x", Heard("thecal: file x", "thecal: done")).survey()


def test_a_failure_of_mpremote_with_the_port_still_there_is_told_in_its_words(monkeypatch):
    monkeypatch.setattr("thecal.deploy.board.Link", lambda port: io.BytesIO())
    with pytest.raises(Failed, match="No space left"):
        Board("/dev/x", Heard("cp a :/app", "mpremote: cp: No space left on device", "", code=1)).reset()


def test_a_port_that_has_gone_is_a_lost_link():
    with pytest.raises(LinkLost, match="link to the board broke"):
        Board("/dev/no-such-port", Heard("Traceback", code=1)).reset()
    with pytest.raises(LinkLost, match="silent"):
        Board("/dev/x", Heard(code=runner.SILENT)).reset()


def test_no_text_for_the_prompt_can_make_or_mount_a_file_system():
    texts = [on_board.survey(["/app"]), on_board.prepare("/manifest", ["/app"])]
    texts += [on_board.remove(["/a"], ["/b"]), on_board.rename([("/a", "/b")])]
    assert not any(word in text for text in texts for word in ("mkfs", "mount", "format", "Flash", "vfs."))


# --- UF2 and boot drive


def uf2_file(text=b"MicroPython v1.28.0", family=uf2.RP2040_FAMILY, address=uf2.FLASH_FROM, blocks=3):
    def block(number):
        head = struct.pack("<8I", *uf2.MAGIC[:2], 0x2000, address + 256 * number, 256, number, blocks, family)
        return (head + text).ljust(508, b"\0") + struct.pack("<I", uf2.MAGIC[2])

    return b"".join(map(block, range(blocks)))


def uf2_block(number):
    """Return a block of three."""
    return uf2_file()[number * 512 : (number + 1) * 512]


def test_a_whole_uf2_of_micropython_is_taken():
    assert uf2.checked("x.uf2", uf2_file()).sha256 == hashlib.sha256(uf2_file()).hexdigest()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not a whole UF2"),
        (b"<html>", "not a whole UF2"),
        (uf2_file()[:-1], "not a whole UF2"),
        (uf2_file()[:-512], "block 0 announces 3 blocks, there are 2"),
        (uf2_block(0) + uf2_block(0) + uf2_block(2), "block 0 stands where block 1 belongs"),
        (uf2_block(0) + uf2_block(0) + uf2_block(1), "block 0 stands where block 1 belongs"),
        (uf2_block(0) + uf2_block(2) + uf2_block(1), "block 2 stands where block 1 belongs"),
        (uf2_block(1) + uf2_block(2), "block 1 stands where block 0 belongs"),
        (uf2_file() + uf2_file(), "block 0 announces 3 blocks, there are 6"),
        (uf2_block(0) + uf2_file(address=uf2.FLASH_FROM + 256)[512:1024] + uf2_block(2), "block 1 is for address 0x10000200"),
        (uf2_block(0) + uf2_file(family=0xE48BFF59)[512:1024] + uf2_block(2), "not a UF2 for the RP2040"),
        (uf2_block(0)[:16] + struct.pack("<I", 476) + uf2_block(0)[20:] + uf2_file()[512:], "block 0 holds 476 bytes, not 256"),
        (uf2_block(0)[:16] + struct.pack("<I", 0xFFFFFFFF) + uf2_block(0)[20:] + uf2_file()[512:], "block 0 holds 4294967295 bytes"),
        (uf2_block(0)[:8] + struct.pack("<I", 0x2001) + uf2_block(0)[12:] + uf2_file()[512:], "not a UF2 for the RP2040"),
        (bytes(512), "not a whole UF2"),
        (bytes(range(256)) * 2 * 40_000, "larger than any UF2"),
        (uf2_file(family=0xE48BFF59), "not a UF2 for the RP2040"),
        (uf2_file(text=b"CircuitPython"[7:]), "holds no MicroPython"),
        (uf2_file(address=uf2.FILES_FROM - 512), "write over the board's files"),
    ],
)
def test_a_uf2_that_is_not_what_the_board_needs_is_refused(data, words):
    with pytest.raises(BadInput, match=words):
        uf2.checked("x.uf2", data)


def test_the_uf2_is_named_or_in_the_cache_folder(tmp_path, monkeypatch):
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name: tmp_path)
    monkeypatch.delenv("THECAL_UF2", raising=False)
    with pytest.raises(BadInput) as none:
        uf2.find()
    assert "THECAL_UF2=FILE" in none.value.do
    for version in ("1.28.0", "1.29.0"):
        (tmp_path / f"RPI_PICO-v{version}.uf2").write_bytes(uf2_file())
    assert uf2.find().name == "RPI_PICO-v1.29.0.uf2"
    monkeypatch.setenv("THECAL_UF2", str(tmp_path / "RPI_PICO-v1.28.0.uf2"))
    assert uf2.find().name == "RPI_PICO-v1.28.0.uf2"
    monkeypatch.setenv("THECAL_UF2", str(tmp_path / "none.uf2"))
    with pytest.raises(BadInput, match=r"none\.uf2"):
        uf2.find()


@pytest.fixture
def web():
    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(uf2_file())

        def log_message(self, *words):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/RPI_PICO.uf2"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_download_needs_its_digest_and_is_checked(web, monkeypatch):
    monkeypatch.setenv("THECAL_UF2", f"{web}#sha256={hashlib.sha256(uf2_file()).hexdigest().upper()}")
    assert uf2.find() == uf2.Uf2("RPI_PICO.uf2", uf2_file())
    monkeypatch.setenv("THECAL_UF2", f"{web}#sha256={'0' * 64}")
    with pytest.raises(Failed, match="was not used"):
        uf2.find()
    for named in (web, web.replace("http:", "file:") + "#sha256=0"):
        monkeypatch.setenv("THECAL_UF2", named)
        with pytest.raises(BadInput, match="only with its SHA-256"):
            uf2.find()
    monkeypatch.setenv("THECAL_UF2", f"http://127.0.0.1:9/x.uf2#sha256={'0' * 64}")
    with pytest.raises(Failed, match="can't be downloaded"):
        uf2.find()


@pytest.fixture
def drive(tmp_path):
    place = tmp_path / "RPI-RP2"
    place.mkdir()
    (place / "INFO_UF2.TXT").write_text("UF2 Bootloader v3.0\nModel: Raspberry Pi RP2\nBoard-ID: RPI-RP2\n")
    return place


def test_only_the_boot_drive_of_an_rp2040_is_taken(drive):
    assert boot_drive.named(drive) == drive
    (drive / "INFO_UF2.TXT").write_text("Board-ID: RP2350\n")
    for place in (drive, drive / "none"):
        with pytest.raises(BadInput, match="not the boot drive of an RP2040"):
            boot_drive.named(place)


def test_a_mounted_boot_drive_is_used_when_it_is_the_only_board(drive, monkeypatch):
    monkeypatch.delenv("THECAL_PORT", raising=False)
    monkeypatch.setattr(boot_drive, "_places", lambda: [drive, drive / "none"])
    monkeypatch.setattr(first_time, "usb_boards", list)
    assert first_time.drive_of(None, None, None) == drive
    assert first_time.drive_of("/dev/x", None, None) is None
    assert first_time.drive_of(None, "E661", None) is None
    monkeypatch.setattr(first_time, "usb_boards", lambda: [Candidate("/dev/x", "usb")])
    with pytest.raises(BadInput, match="several boards"):
        first_time.drive_of(None, None, None)
    assert first_time.drive_of(None, None, drive) == drive


def test_the_uf2_is_copied_whole_after_a_yes_and_the_new_board_is_found(drive, monkeypatch):
    image = uf2.Uf2("x.uf2", uf2_file())
    old, new = Candidate("/dev/old", "usb"), Candidate("/dev/new", "usb")
    monkeypatch.delenv("THECAL_PORT", raising=False)
    monkeypatch.setattr(first_time, "usb_boards", lambda: [old, new] if (drive / "x.uf2").exists() else [old])
    monkeypatch.setattr(finding, "has_prompt", lambda port: port == "/dev/new")
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    with pytest.raises(Failed, match="no answer on stdin"):
        first_time.give_micropython(drive, image, False, None)
    assert not (drive / "x.uf2").exists()
    assert first_time.give_micropython(drive, image, True, None) is new
    assert (drive / "x.uf2").read_bytes() == uf2_file()


def test_a_dry_run_with_a_boot_drive_names_the_uf2_and_copies_nothing(drive, monkeypatch, capsys):
    (drive.parent / "x.uf2").write_bytes(uf2_file())
    monkeypatch.setenv("THECAL_UF2", str(drive.parent / "x.uf2"))
    monkeypatch.setattr(sys, "argv", ["thecal", "flash", "--boot-drive", str(drive), "--dry-run", "--json"])
    with contextlib.suppress(SystemExit):
        assert thecal.cli.app.main() == 0
    assert json.loads(capsys.readouterr().out)["sha256"] == hashlib.sha256(uf2_file()).hexdigest()
    assert [file.name for file in drive.iterdir()] == ["INFO_UF2.TXT"]


def test_a_board_that_does_not_start_after_the_uf2_is_told(drive, monkeypatch):
    monkeypatch.setattr(first_time, "usb_boards", list)
    monkeypatch.setattr(finding, "APPEARS_WITHIN_S", 0.3)
    with pytest.raises(NoPump, match="did not start with MicroPython"):
        first_time.give_micropython(drive, uf2.Uf2("x.uf2", uf2_file()), True, None)


# --- the last lines


def test_the_result_says_what_runs(capsys):
    show({"dry_run": False, "unique_id": "e661", "release": "ab" * 32, "bench": "b", "copied": 3, "alarms": ["power_lost"]}, False)
    out, err = capsys.readouterr()
    assert out == f"pump e661 runs release {'ab' * 6} on bench b (3 files copied)\n"
    assert "power_lost" in err
    show({"dry_run": True}, False)
    assert capsys.readouterr().out == "nothing was written\n"


def test_the_library_is_the_installed_one():
    assert list(files.library_files()) == ["/lib/adafruit_motor/stepper.py"]
