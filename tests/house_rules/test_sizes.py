"""The size budget of firmware and host, and of single test files; planted excess is refused."""

import pytest

from house_rules import sizes
from house_rules.tree import Source, python_sources


def test_files_have_at_most_400_lines() -> None:
    found = [line for source in python_sources("firmware/", "host/", "tests/") for line in sizes.file_violations(source)]
    assert not found, "\n".join(found)


def test_functions_have_at_most_60_lines_and_5_arguments() -> None:
    found = [line for source in python_sources("firmware/", "host/") for line in sizes.function_violations(source)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("folder", ["firmware/", "host/"])
def test_medians_and_the_share_of_long_functions_are_within_budget(folder: str) -> None:
    found = sizes.budget_violations(python_sources(folder))
    assert not found, "\n".join(found)


def planted(body_lines: int, arguments: str = "") -> Source:
    return Source("x.py", f"def f({arguments}):\n" + "    pass\n" * body_lines)


def test_a_planted_function_of_61_lines_is_refused() -> None:
    assert sizes.function_violations(planted(59)) == []
    assert len(sizes.function_violations(planted(60))) == 1


def test_a_planted_sixth_argument_is_refused_and_self_is_not_counted() -> None:
    assert sizes.function_violations(planted(1, "a, b, c, d, e")) == []
    assert len(sizes.function_violations(planted(1, "a, b, c, *d, e, **f"))) == 1
    assert sizes.function_violations(Source("x.py", "class C:\n    def f(self, a, b, c, d, e):\n        pass\n")) == []


def test_only_the_verb_itself_takes_one_argument_per_option() -> None:
    code = "def {}(a, b, c, d, e, f):\n    pass\n"
    assert sizes.function_violations(Source("host/thecal/cli/verbs/bolus.py", code.format("bolus"))) == []
    assert len(sizes.function_violations(Source("host/thecal/cli/verbs/bolus.py", code.format("helper")))) == 1
    assert len(sizes.function_violations(Source("host/thecal/bolus.py", code.format("bolus")))) == 1


def test_a_planted_file_of_401_lines_is_refused() -> None:
    assert sizes.file_violations(planted(399)) == []
    assert len(sizes.file_violations(planted(400))) == 1


def test_planted_long_medians_are_refused() -> None:
    assert len(sizes.budget_violations([planted(55)])) == 2
    assert len(sizes.budget_violations([Source("x.py", "x = 1\n" * 151)])) == 1
    assert sizes.budget_violations([planted(9)]) == []
