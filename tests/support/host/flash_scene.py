"""What the tests of `thecal flash` share: a small firmware, a bench, a fake board that it is flashed to."""

import io

from pumpcore import manifest
from support.pump.main_file import checked
from thecal.deploy import finding
from thecal.deploy.build import Built
from thecal.deploy.flash import Flash, Order
from thecal.files.bench import read_bench
from thecal.files.resources import hardware_folder
from thecal.pump.transport.ports import Candidate

BENCH = read_bench(hardware_folder() / "tmc2209-peristaltic.toml")
MPY = b"M\x06\x00\x1f"
SOURCES = {"/main.py": b"import app.pump\n", "/app/pump.py": b"new", "/app/handlers/table.py": b"new", "/hal/__init__.py": b""}
COMPILED = {path: MPY + data for path, data in SOURCES.items() if path != "/main.py"}
LIBRARY = {"/lib/adafruit_motor/stepper.mpy": MPY + b"library"}
CHANGED = MPY + b"changed"


def built(**changed):
    """A firmware of four files; `changed` by module name."""
    compiled = {path: changed.get(path.split("/")[-1][:-3], data) for path, data in COMPILED.items()}
    sources = {path: SOURCES[path] + compiled.get(path, b"") for path in SOURCES}
    rows = manifest.build(sources, compiled, None, {path[:-4] + ".py": data for path, data in LIBRARY.items()})
    lying = {path[:-3] + ".mpy": data for path, data in compiled.items()} | {"/main.py": sources["/main.py"]} | LIBRARY
    return Built(lying, rows, manifest.release(manifest.parse(rows)[0]))


def alone(tmp_path, monkeypatch):
    """No port and no registry of this machine; nobody waits long for what does not come; nobody types."""
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
    """Flashes `new` (default: the small firmware) with everything confirmed; the report."""
    chosen = Order(**{"bench": BENCH, "backups": board.files.root.parent / "backups", "yes": True, **order})
    return Flash(chosen, new or built(), Candidate(board.port_url, "named"), board.mpremote).run()


def matches(board):
    """Whether the pump would find itself to be what its manifest says."""
    return checked(board.files.all()) != ""


def lies_whole(board, new=None):
    """Whether everything of this firmware lies on the board as it should."""
    return all(board.files.all().get(path) == data for path, data in (new or built()).files.items())


def writes(board):
    """What was done to the board that changed its files."""
    return [entry for entry in board.log if entry.split()[0] in ("cp", "remove", "mkdir", "rename", "rmdir")]
