"""Fixtures for many tests of the host."""

import sys
from collections.abc import Callable

import pytest

import thecal.cli.app


@pytest.fixture(autouse=True)
def no_width(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables are not folded: without this, workers inherit the width of a terminal."""
    monkeypatch.delenv("COLUMNS", raising=False)


@pytest.fixture(autouse=True)
def no_defaults(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The config file of this machine does not count."""
    monkeypatch.setenv("THECAL_CONFIG", str(tmp_path_factory.getbasetemp() / "no" / "config.toml"))


@pytest.fixture
def thecal_says(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str, str]]:
    """Run a command in this process. Return (exit code, stdout, stderr). No command may show a traceback."""

    def call(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["thecal", *map(str, words)])
        try:
            code = thecal.cli.app.main()
        except SystemExit as end:
            code = end.code or 0
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return code, out, err

    return call
