"""hardware/ is under CERN-OHL-P-2.0, and each file says so, or is listed with the reason why it can't."""

import hashlib
import re
import tomllib

import pytest

from house_rules.tree import ROOT, tracked_paths
from thecal.hardware import __main__ as command
from thecal.hardware.words import licensed

LINE = "SPDX-License-Identifier: CERN-OHL-P-2.0"
# The text as CERN published it, version 2 of March 2020, with the line ends of this repository: anyone may use it, in unmodified form only.
TEXT_SHA256 = "1b0ac74323adc5932ea5d80170ff424e1d82709851ce39acf85106bfdac2c5c7"
# Files without the line -> why.
WITHOUT = {"hardware/LICENSE": "the text of the licence itself: anyone may use it, in unmodified form only"}
FILES = [path for path in tracked_paths() if path.startswith("hardware/")]


@pytest.mark.parametrize("path", FILES)
def test_each_file_says_its_licence_or_is_listed(path: str) -> None:
    data = (ROOT / path).read_bytes()
    said = re.search(rb'SPDX-License-Identifier"?: "?CERN-OHL-P-2\.0', data[:1_000]) is not None  # with quotes in JSON
    assert said != (path in WITHOUT), "say it in the file's first lines, or list it here with a reason"


def test_the_text_of_the_licence_is_the_published_one() -> None:
    text = (ROOT / "hardware" / "LICENSE").read_bytes()
    assert text.startswith(b"CERN Open Hardware Licence Version 2 - Permissive\n")
    assert hashlib.sha256(text).hexdigest() == TEXT_SHA256


def test_the_package_and_the_pages_name_both_licences() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["license"] == "MIT AND CERN-OHL-P-2.0" and project["license-files"] == ["LICENSE", "hardware/LICENSE"]
    assert (ROOT / "LICENSE").read_text(encoding="utf-8").startswith("MIT License")
    for page in ("README.md", "hardware/README.md"):
        text = (ROOT / page).read_text(encoding="utf-8")
        assert "CERN-OHL-P-2.0" in text and "MIT" in text, page


def test_a_generated_file_of_any_kind_gets_the_line_once() -> None:
    for name, text in (("a.md", "# A\n"), ("a.svg", '<?xml version="1.0"?>\n<svg/>\n'), ("b.svg", "<svg/>\n")):
        once = licensed(name, text)
        assert LINE in once[:200] and licensed(name, once) == once
        assert not text.startswith("<?xml") or once.startswith("<?xml")


def test_every_document_of_a_bench_has_the_line() -> None:
    for bench in sorted((ROOT / "hardware").glob("*[0-9]-*.toml")) + sorted((ROOT / "hardware").glob("*coils.toml")):
        for name, text in command.documents(bench).items():
            assert LINE in text[:1_000], name
