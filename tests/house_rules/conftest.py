"""The surroundings of a typed command: an empty home, and pumps in the background that end with the test."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from house_rules.tree import ROOT
from house_rules.walking import stop


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """An environment with an empty home: no registry of pumps, no old flash image."""
    folders = {
        name: str(tmp_path / name.lower()) for name in ("HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR")
    }
    for folder in folders.values():
        Path(folder).mkdir()
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("THECAL_")}
    path = os.pathsep.join((str(ROOT / "host"), str(ROOT / "firmware")))
    return {**inherited, **folders, "PYTHONPATH": path, "NO_COLOR": "1", "PYTHONUNBUFFERED": "1"}


@pytest.fixture
def background(home: dict[str, str], tmp_path: Path) -> Iterator[list[subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []
    yield started
    for process in started:
        if process.poll() is None:
            stop(process)
