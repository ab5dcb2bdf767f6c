"""Without the library that draws: what still works, what is refused, and the command that is named."""

import shlex
import sys
from pathlib import Path

import pytest

from thecal.errors import Failed
from thecal.files import extras
from thecal.reports.drawing import in_page, styled


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation of thecal alone: the import system then says that these are not there."""
    for name in (extras.DRAWING, extras.COMPUTING):
        monkeypatch.setitem(sys.modules, name, None)


def test_with_it_nothing_is_refused() -> None:
    assert extras.can_draw()
    extras.require_drawing()
    extras.require_computing()


@pytest.mark.usefixtures("without")
def test_without_it_a_picture_is_refused_with_the_command() -> None:
    assert not extras.can_draw()
    with pytest.raises(Failed, match="a picture needs matplotlib, which is not installed") as caught:
        extras.require_drawing()
    assert extras.install_command() in caught.value.do
    with pytest.raises(Failed, match="needs numpy") as caught:
        extras.require_computing()
    assert extras.install_command() in caught.value.do
    with pytest.raises(Failed, match="matplotlib"), styled():
        raise AssertionError


@pytest.mark.usefixtures("without")
def test_a_page_says_which_picture_it_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/a folder/<python>")
    line = in_page(lambda _: pytest.fail("nothing can draw"), "rates", "The rates of the schedule")
    assert "the rates of the schedule" in line
    assert "<python>" not in line and "&lt;python&gt;" in line


@pytest.mark.parametrize(
    ("folder", "files", "command"),
    [
        ("plain", {"pyvenv.cfg": "home = /usr/bin\nversion = 3.11.7\n"}, "{python} -m pip install matplotlib"),
        ("system", {}, "{python} -m pip install matplotlib"),
        ("pipx", {"pipx_metadata.json": "{}", "pyvenv.cfg": "home = /usr/bin\n"}, "pipx inject thecal matplotlib"),
        ("tools", {"uv-receipt.toml": "", "pyvenv.cfg": "uv = 0.13.9\n"}, "uv tool install --with matplotlib thecal"),
        ("archive-v0/x", {"pyvenv.cfg": "uv = 0.13.9\n"}, "uvx --with matplotlib --from thecal thecal"),
        ("uv", {"pyvenv.cfg": "home = /usr/bin\nuv = 0.13.9\n"}, "uv pip install --python {python} matplotlib"),
    ],
)
def test_the_command_is_that_of_the_tool_which_installed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, folder: str, files: dict[str, str], command: str
) -> None:
    prefix = tmp_path / folder
    prefix.mkdir(parents=True)
    for name, text in files.items():
        (prefix / name).write_text(text)
    monkeypatch.setattr(sys, "prefix", str(prefix))
    monkeypatch.setattr(sys, "executable", "/my tools/python")
    monkeypatch.setattr(extras, "source", lambda: "thecal")
    assert extras.install_command() == command.format(python=shlex.quote("/my tools/python"))
    two = command.replace("--with matplotlib", "--with a --with b").replace("matplotlib", "a b")
    assert extras.install_command("a", "b") == two.format(python=shlex.quote("/my tools/python"))


@pytest.mark.parametrize(
    ("recorded", "named"),
    [
        ('{"url": "file:///a/my%20wheels/thecal-1-py3-none-any.whl"}', "'/a/my wheels/thecal-1-py3-none-any.whl'"),
        ('{"url": "https://example.org/thecal.whl"}', "thecal"),
        (None, "thecal"),
    ],
)
def test_the_wheel_that_was_installed_is_named(monkeypatch: pytest.MonkeyPatch, recorded: str | None, named: str) -> None:
    class Told:
        @staticmethod
        def read_text(name: str) -> str | None:
            return recorded

    monkeypatch.setattr("importlib.metadata.distribution", lambda name: Told)
    assert extras.source() == named
