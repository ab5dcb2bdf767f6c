"""`thecal flash` at an emulated board: the real command line in this process, the real mpremote, the board in virtual time."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

import thecal.cli.app
from pumpcore.flash import slots
from support.emulator.image import compiled
from support.emulator.pump import EmulatedPump
from support.rig.benches import named
from thecal.deploy import finding, proof, runner
from thecal.deploy.build import Built, build
from thecal.deploy.files import MANIFEST_PATH, Files
from thecal.deploy.marks import marked
from thecal.files.bench import payload
from thecal.files.resources import firmware_folder
from thecal.sim.guest.image import BENCH_PATH, format_image

BENCH_NAME = "tmc2209-peristaltic01"
BENCH = named(BENCH_NAME)
DISABLED_LEVEL = 1  # of the TMC2209
PATIENCE_S = 900.0  # of this machine: the emulator needs minutes for a board's seconds
PROMPT_LOOK_S = 5.0
RESET_MS = 300
QUIET_LINK_S = 5.0


@dataclass
class Outcome:
    code: int
    out: str
    err: str

    @property
    def report(self) -> dict:
        return json.loads(self.out)


def image_of(files: Files, built: Built) -> bytes:
    """Return a file system with these files, the bench and a manifest."""
    return format_image({**files, **marked(BENCH_PATH, slots.pack(1, payload(BENCH))), MANIFEST_PATH: built.manifest})


def older(folder: Path, *changed: str) -> Built:
    """Return this firmware with one more line in some files, one that has an effect but no name."""
    for file in sorted(firmware_folder().rglob("*.py")):
        target = folder / file.relative_to(firmware_folder())
        target.parent.mkdir(parents=True, exist_ok=True)
        extra = b"\n(lambda: 0)()\n" if target.relative_to(folder).as_posix() in changed else b""
        target.write_bytes(file.read_bytes() + extra)
    return build(folder)


class FlashBench:
    """A board and the tools to flash it. `before` and `after` are called around each run of mpremote."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, image: bytes | None) -> None:
        self.folder = folder
        self.pump = EmulatedPump(BENCH, image=image, virtual=True)
        self.words: list[list[str]] = []
        self.heard: list[str] = []
        self.on_line: Callable[[str], None] = lambda line: None
        self.after: Callable[[Sequence[str]], None] = lambda words: None
        self._monkeypatch = monkeypatch
        self._run = runner.run_mpremote
        monkeypatch.setenv("THECAL_RUNTIME", str(folder / "runtime"))
        monkeypatch.setattr("thecal.deploy.build.build", lambda firmware: compiled())  # the source of the pump's image
        monkeypatch.setattr(runner, "run_mpremote", self._mpremote)
        monkeypatch.setattr(runner, "SILENCE_S", PATIENCE_S)
        monkeypatch.setattr(finding, "APPEARS_WITHIN_S", PATIENCE_S)
        monkeypatch.setattr(finding, "PROMPT_WAIT_S", PROMPT_LOOK_S)
        monkeypatch.setattr(proof, "REPLY_TIMEOUT_S", PATIENCE_S)
        monkeypatch.setattr("thecal.deploy.first_time.usb_boards", list)

    def close(self) -> None:
        self.pump.close()

    def expect_a_pump(self, expected: bool) -> None:
        """Set the tool's wait for our protocol: a slow emulator must not make a pump look like a prompt."""
        patience_s = PATIENCE_S if expected else PROMPT_LOOK_S
        for name in ("thecal.pump.client.FIRST_PATIENCE_S", "thecal.pump.exchange.REPLY_TIMEOUT_S", "thecal.pump.exchange.PATIENCE_S"):
            self._monkeypatch.setattr(name, patience_s)

    def thecal(self, capsys: pytest.CaptureFixture[str], *words: str, typed: str = "") -> Outcome:
        """Run one verb at this board's port."""
        self._monkeypatch.setattr(sys, "argv", ["thecal", *words, "--port", str(self.pump.port_url)])
        self._monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        capsys.readouterr()
        try:
            code = thecal.cli.app.main()
        except SystemExit as end:
            code = int(end.code or 0)
        return Outcome(code, *capsys.readouterr())

    def flash(self, capsys: pytest.CaptureFixture[str], *words: str, typed: str = "") -> Outcome:
        return self.thecal(capsys, "flash", "--backup", str(self.folder / "backups"), "--json", *words, typed=typed)

    def files(self) -> Files:
        """Return the files on the board, without the pump's own data."""
        return {path: data for path, data in everything(self.pump.flash_image()).items() if not path.startswith(("/journal", "/ledger"))}

    def power_cycle(self) -> None:
        self.pump.cut_power()
        self.pump.plug_cable()
        self.pump.restore_power()

    def pull_at(self, line: str, after_bytes: int) -> None:
        """Pull the cable so many bytes after mpremote has printed `line`."""

        def listen(said: str) -> None:
            if said.startswith(line):
                self.pump.pull_cable(after_received=after_bytes)
                self._monkeypatch.setattr(runner, "SILENCE_S", QUIET_LINK_S)

        self.on_line = listen

    def cable_is_whole(self) -> None:
        self.on_line = lambda line: None
        self._monkeypatch.setattr(runner, "SILENCE_S", PATIENCE_S)

    def enabled(self) -> bool:
        """Return True if the driver was ever enabled."""
        edges = self.pump.board.pins.edges(BENCH["pins"]["enable"])
        return self.pump.enable_level() or any(level != DISABLED_LEVEL for _, level in edges)

    def _mpremote(self, words: Sequence[str], heard: Callable[[str], None], folder: Path | None = None) -> int:
        self.words.append(list(words[2:]))

        def listen(line: str) -> None:
            self.heard.append(line)
            self.on_line(line)
            heard(line)

        code = self._run(words, listen, folder)
        if list(words[2:]) == ["reset"]:
            self.pump.advance_by(RESET_MS)  # mpremote has the board wait before its reset, and here nothing waits by itself
        self.after(words)
        return code


def everything(image: bytes) -> Files:
    """Return all files of a file system."""
    from thecal.sim.guest.filesystem import FileSystem
    from thecal.sim.guest.flash import FlashChip

    flash = FileSystem(FlashChip(image))
    flash.mount()
    found: Files = {}

    def walk(folder: str) -> None:
        for name, is_folder in flash.entries(folder or "/"):
            path = f"{folder}/{name}"
            if not is_folder:
                found[path] = flash.read_file(path)
            elif name not in (".", ".."):
                walk(path)

    walk("")
    return found


def deployed() -> Files:
    """Return the files on a pump of this checkout."""
    built = compiled()
    return {**built.files, MANIFEST_PATH: built.manifest}
