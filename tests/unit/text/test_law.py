"""By which law a pump doses, in words: every cause of the firmware has its words and, where something helps, its command."""

from pathlib import Path

import pytest

from pumpcore.wire.laws import LAW_CAUSES, LAWS
from thecal.text import law


def test_every_cause_of_the_firmware_has_words() -> None:
    assert set(law.WHY) == set(LAW_CAUSES) - {""}
    assert LAWS == (law.VOLUME, law.ANGLE)


def test_the_page_for_users_explains_every_cause() -> None:
    page = (Path(__file__).resolve().parents[3] / "host" / "by-volume.md").read_text(encoding="utf-8")
    assert [cause for cause in law.WHY if f"`{cause}`" not in page] == []


@pytest.mark.parametrize("cause", sorted(law.WHY))
def test_a_pump_by_angle_says_why(cause: str) -> None:
    rows = dict(law.rows({"law": "angle", "law_cause": cause}))
    assert rows["doses"] == f"by angle: {law.WHY[cause].cause}"
    assert rows.get("by volume again", "") == ("" if cause == "no_table" else law.WHY[cause].do)


def test_by_volume_needs_no_more_words() -> None:
    assert law.rows({"law": "volume", "law_cause": ""}) == [("doses", "by volume")]


def test_an_older_firmware_says_nothing_of_it() -> None:
    assert law.rows({}) == [] and law.short({}) == ""


def test_a_cause_of_a_newer_firmware_is_shown_by_its_name() -> None:
    assert law.line("angle", "other_moon") == "by angle: other moon"


def test_a_short_line_is_for_pumps_with_a_table() -> None:
    assert law.short({"law": "angle", "law_cause": "no_table"}) == ""
    assert law.short({"law": "angle", "law_cause": "rate"}) == "by angle"
    assert law.short({"law": "volume", "law_cause": ""}) == "by volume"
