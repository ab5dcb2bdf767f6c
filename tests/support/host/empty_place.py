"""Where a unit test types verbs in its own process: an empty folder, and nothing of this machine."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from support.host.fake_pump import FakePump

RX = 'title = "t"\ndrug = "d"\n[basal]\nrate = "1 mL/h"\n'
DEFAULTS = ("PORT", "BENCH", "LIBRARY", "UNITS", "ZONE")
Says = Callable[..., tuple[int, str, str]]


def empty_place(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Go to `folder`, with an own registry of simulators and config file there, and no default in the environment."""
    monkeypatch.chdir(folder)
    for name in DEFAULTS:
        monkeypatch.delenv(f"THECAL_{name}", raising=False)
    monkeypatch.setenv("THECAL_RUNTIME", str(folder / "runtime"))
    monkeypatch.setenv("THECAL_CONFIG", str(folder / "config.toml"))


def without_boards(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also find no board on USB, give silent pumps 0.4 s, and have a prescription, rx.toml."""
    empty_place(folder, monkeypatch)
    monkeypatch.setattr("serial.tools.list_ports.comports", list)
    monkeypatch.setattr("thecal.pump.client.FIRST_PATIENCE_S", 0.4)
    monkeypatch.setattr("thecal.pump.exchange.REPLY_TIMEOUT_S", 0.4)
    (folder / "rx.toml").write_text(RX)


def typing(thecal_says: Says, monkeypatch: pytest.MonkeyPatch, pump: FakePump | None = None) -> Says:
    """Return what types a command at this pump, with `says` as the answers on stdin (default: nobody answers)."""
    port = () if pump is None else ("--port", pump.port_url)

    def call(*words: object, says: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(says))
        return thecal_says(*words, *port)

    return call
