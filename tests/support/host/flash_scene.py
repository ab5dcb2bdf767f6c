"""Shared by the tests of `thecal flash`: a small firmware, a bench, and a fake board for it."""

import io

from pumpcore.flash import manifest
from support.pump.main_file import checked
from thecal.deploy import finding
from thecal.deploy.build import Built
from thecal.deploy.flash import Flash, Order
from thecal.files.bench import read_bench
from thecal.files.resources import hardware_folder
from thecal.pump.transport.ports import Candidate

BENCH = read_bench(hardware_folder() / "tmc2209-peristaltic01.toml")
MPY = b"M\x06\x00\x1f"
SOURCES = {"/main.py": b"import app.pump\n", "/app/pump.py": b"new", "/app/wire/handlers/table.py": b"new", "/hal/__init__.py": b""}
COMPILED = {path: MPY + data for path, data in SOURCES.items() if path != "/main.py"}
LIBRARY = {"/lib/adafruit_motor/stepper.mpy": MPY + b"library"}
CHANGED = MPY + b"changed"


def built(**changed):
    """Return a firmware of four files; `changed` by module name."""
    compiled = {path: changed.get(path.split("/")[-1][:-3], data) for path, data in COMPILED.items()}
    sources = {path: SOURCES[path] + compiled.get(path, b"") for path in SOURCES}
    own, library = {**compiled, "/main.py": sources["/main.py"]}, {path[:-4] + ".py": data for path, data in LIBRARY.items()}
    rows = manifest.build(sources, own, None, library)
    lying = {path[:-3] + ".mpy": data for path, data in compiled.items()} | {"/main.py": sources["/main.py"]} | LIBRARY
    return Built(lying, rows, manifest.release(manifest.parse(rows)[0]))


def alone(tmp_path, monkeypatch):
    """Hide this machine's ports and registry, shorten all waits, and have no one at the keyboard."""
    monkeypatch.delenv("THECAL_PORT", raising=False)
    monkeypatch.setenv("THECAL_RUNTIME", str(tmp_path / "runtime"))
    monkeypatch.setattr("serial.tools.list_ports.comports", list)
    monkeypatch.setattr("thecal.pump.client.FIRST_PATIENCE_S", 0.2)
    monkeypatch.setattr("thecal.pump.exchange.REPLY_TIMEOUT_S", 0.2)
    monkeypatch.setattr("thecal.deploy.proof.REPLY_TIMEOUT_S", 0.3)
    monkeypatch.setattr(finding, "APPEARS_WITHIN_S", 3.0)
    monkeypatch.setattr(finding, "POLL_S", 0.01)
    monkeypatch.setattr("sys.stdin", io.StringIO(""))


def flash(board, new=None, **order):
    """Flash `new` (default: the small firmware) with everything confirmed. Return the report."""
    chosen = Order(**{"bench": BENCH, "backups": board.files.root.parent / "backups", "yes": True, **order})
    return Flash(chosen, new or built(), Candidate(board.port_url, "named"), board.mpremote).run()


def matches(board):
    """Return True if the pump would accept its firmware by the manifest."""
    return checked(board.files.all()) != ""


def lies_whole(board, new=None):
    """Return True if all files of this firmware are on the board, unchanged."""
    return all(board.files.all().get(path) == data for path, data in (new or built()).files.items())


def writes(board):
    """Return the actions that changed the board's files."""
    return [entry for entry in board.log if entry.split()[0] in ("cp", "remove", "mkdir", "rename", "rmdir")]
