"""The pages' links work, the README shows a real session, and each decision record has its four parts."""

import html
import re
import xml.etree.ElementTree
from pathlib import Path

import pytest

from house_rules import readme
from house_rules.tree import ROOT, tracked_paths
from support.host.terminal_session import PICTURE, SHOWN

PAGES = [ROOT / path for path in tracked_paths() if path.endswith(".md")]
DECISIONS = sorted((ROOT / "firmware" / "decisions").glob("*.md"))
PARTS = ["Context", "Decision", "Consequences", "What was measured"]


def anchor(heading: str) -> str:
    """Return the anchor that a page's reader makes of a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def anchors(page: Path) -> set[str]:
    return {anchor(heading) for heading in re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)}


def broken_links(page: Path) -> list[str]:
    found = []
    for link in re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
        path, _, heading = link.partition("#")
        if ":" in path:
            continue
        target = (page.parent / path) if path else page
        if not target.exists() or (heading and heading not in anchors(target)):
            found.append(link)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    assert broken_links(page) == []


def test_a_planted_link_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# One heading\n[a](page.md#one-heading) [b](page.md#two) [c](none.md) [d](https://example.org)\n")
    assert broken_links(page) == ["page.md#two", "none.md"]


def test_the_readme_shows_a_session_of_this_tool_that_fetches_nothing() -> None:
    """support.host.terminal_session draws it; draw it again when a message in it changes."""
    drawn = PICTURE.read_text(encoding="utf-8")
    assert f"]({PICTURE.relative_to(ROOT).as_posix()})" in readme.readme()
    assert xml.etree.ElementTree.fromstring(drawn).tag.endswith("svg")
    assert "url(http" not in drawn and "href" not in drawn
    shown = html.unescape(drawn).replace("\xa0", " ")
    for command in SHOWN:
        assert f">{command}<" in shown


@pytest.mark.parametrize("record", DECISIONS, ids=lambda record: record.stem)
def test_a_decision_record_is_one_page_of_four_parts(record: Path) -> None:
    text = record.read_text(encoding="utf-8")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == PARTS
    assert text.startswith(f"# {record.stem.split('-')[0]}: ") and len(text.splitlines()) <= 60
    assert record.name in (ROOT / "firmware" / "README.md").read_text(encoding="utf-8")


def test_the_entry_pages_are_linked_from_the_readme() -> None:
    for page in ("CONTRIBUTING.md", "CHANGELOG.md", "firmware/GLOSSARY.md"):
        assert f"]({page})" in readme.readme()


def test_every_test_file_that_a_page_names_exists() -> None:
    known = {Path(path).name for path in tracked_paths()}
    named = {(page.name, name) for page in PAGES for name in re.findall(r"\btest_\w+\.py", page.read_text(encoding="utf-8"))}
    assert sorted(pair for pair in named if pair[1] not in known) == []
