"""The files of the page, without a browser: what comes from elsewhere is what was recorded, nothing is inline, nothing is fetched."""

import hashlib
import re
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "host" / "thecal" / "web" / "page"
OURS = sorted(path for path in PAGE.glob("*") if path.suffix in (".html", ".js", ".css", ".svg"))
MOST_LINES = 400
# uPlot 1.6.32 as its package has it; SHA256SUMS says the same, so that `sha256sum --check` works in the folder.
VENDORED = {
    "uplot.min.js": "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
    "uplot.min.css": "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
    "LICENSE": "8f989229699b4fe2f1a0432d0e9edc338a8a911e250e2d1b01ecd770a5f5b1bd",
}


def test_uplot_is_the_recorded_one_with_its_licence() -> None:
    assert {path.name for path in (PAGE / "vendor").iterdir()} == {*VENDORED, "SHA256SUMS"}
    assert {name: hashlib.sha256((PAGE / "vendor" / name).read_bytes()).hexdigest() for name in VENDORED} == VENDORED
    lines = (PAGE / "vendor" / "SHA256SUMS").read_text().splitlines()
    assert dict(reversed(line.split()) for line in lines) == VENDORED
    assert "The MIT License" in (PAGE / "vendor" / "LICENSE").read_text()


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.name)
def test_nothing_is_inline_and_nothing_is_fetched_from_elsewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".html":
        assert re.findall(r"<style|<script(?![^>]*src=)|\sstyle=|\son\w+=", text) == []
    elsewhere = set(re.findall(r"https?://[^\"'\s)]+", text)) - {"http://www.w3.org/2000/svg"}
    assert elsewhere == set()
    assert re.findall(r"innerHTML|insertAdjacentHTML|document\.write|eval\(|new Function", text) == []


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.name)
def test_a_file_of_the_page_is_short_enough_to_read(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= MOST_LINES
    assert [number for number, line in enumerate(lines, 1) if len(line) > 140] == []


def test_every_module_that_is_imported_exists() -> None:
    named = {name for path in OURS for name in re.findall(r'from "\./([\w.]+)"', path.read_text(encoding="utf-8"))}
    assert {name for name in named if not (PAGE / name).is_file()} == set()


def test_the_page_says_what_it_must_never_be_used_for() -> None:
    for name in ("index.html", "login.html"):
        assert "Never connect it to a person or an animal." in (PAGE / name).read_text(encoding="utf-8")
