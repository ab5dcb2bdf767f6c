"""Every hazard has a rule; every rule has a hazard, tests and a mutation; and the table finds the same tests as pytest."""

from functools import cache
from pathlib import Path

import pytest

from hazards.table import RULES, found_by_rule, hazards, mutations_by_rule, render
from house_rules.making import make


@cache
def held_by() -> dict[str, list[str]]:
    """Return the tests by rule; not while tests are collected, because every worker does that."""
    return found_by_rule()


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_answers_a_hazard_and_is_held_by_tests_that_were_seen_red(rule: str) -> None:
    assert [hazard for hazard in hazards() if rule in hazard.rules]
    assert len(held_by()[rule]) >= 3
    assert mutations_by_rule()[rule]


def test_no_hazard_and_no_marker_names_a_rule_that_is_not_there() -> None:
    assert {rule for hazard in hazards() for rule in hazard.rules} == set(RULES)
    assert set(held_by()) == set(mutations_by_rule()) == set(RULES)


SAMPLE = """
import pytest

pytestmark = [pytest.mark.rule("R1")]

@pytest.mark.rule("R2")
def test_b():
    pass

def test_c():
    pass
"""


def test_markers_of_functions_and_of_files_are_found(tmp_path: Path) -> None:
    (tmp_path / "unit").mkdir()
    (tmp_path / "unit" / "test_a.py").write_text(SAMPLE)
    assert found_by_rule(tmp_path) == {"R1": ["unit/test_a.py::test_b", "unit/test_a.py::test_c"], "R2": ["unit/test_a.py::test_b"]}


def test_the_table_names_every_hazard_rule_test_and_mutation() -> None:
    text = render(names=True)
    wanted = [hazard.what for hazard in hazards()]
    wanted += [name for names in (held_by(), mutations_by_rule()) for rows in names.values() for name in rows]
    assert [name for name in wanted if name not in text] == []


def test_make_hazards_prints_it() -> None:
    assert "-m hazards" in make("-n", "hazards", "VENV=/nonexistent/venv").stdout
