"""The pictures of the rooms match the code, and the page with them names every room."""

import os
import xml.etree.ElementTree as ElementTree

import pytest

from house_rules.architecture import PICTURES, pictures, without_detours
from house_rules.rooms import House
from house_rules.tree import ROOT, Source, python_sources

FOLDERS = sorted({folder for folders in PICTURES.values() for folder in folders})
AGAIN = "the imports have changed: python tests/house_rules/architecture.py"


@pytest.mark.parametrize("path", PICTURES)
def test_a_committed_picture_is_the_one_of_the_code(path: str) -> None:
    assert (ROOT / path).read_text(encoding="utf-8") == pictures(_sources())[path], AGAIN


@pytest.mark.parametrize("path", PICTURES)
def test_a_picture_has_a_box_for_each_room_and_the_page_shows_it(path: str) -> None:
    root = ElementTree.fromstring((ROOT / path).read_text(encoding="utf-8"))
    named = {element.text for element in root.iter() if element.get("class") == "name"}
    assert named == set(House(_sources(), *PICTURES[path]).rooms())
    assert f"]({os.path.relpath(path, 'host')})" in (ROOT / "host" / "ARCHITECTURE.md").read_text(encoding="utf-8")


def test_only_arrows_that_a_longer_way_replaces_are_left_out() -> None:
    assert without_detours({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == {"a": {"b"}, "b": {"c"}, "c": set()}


def test_a_new_import_changes_the_picture() -> None:
    planted = [*_sources(), Source("host/thecal/errors_too.py", '"""New."""\nimport thecal.cli\n')]
    assert pictures(planted)["host/architecture.svg"] != pictures(_sources())["host/architecture.svg"]


def _sources() -> list[Source]:
    return python_sources(*FOLDERS)
