"""No host function takes several values in one tuple or returns three without names; planted ones are refused."""

import pytest

from house_rules import tuples
from house_rules.tree import Source, python_sources

HOST = "host/thecal/x.py"
# deploy comes under this rule when it is rewritten
SOURCES = [source for source in python_sources("host/thecal/") if not source.path.startswith("host/thecal/deploy/")]


def test_values_with_different_meanings_have_names() -> None:
    found = [line for source in SOURCES for line in tuples.violations(source)]
    assert not found, "\n".join(found)


def test_every_exception_is_still_needed(monkeypatch) -> None:
    needed = set(tuples.ALLOWED)
    monkeypatch.setattr(tuples, "ALLOWED", {})
    found = {line.split(":")[0] + ": " + line.split()[1] for source in SOURCES for line in tuples.violations(source)}
    assert found == needed


@pytest.mark.parametrize(
    "code",
    [
        "def f(rate_nl_s: tuple[int, int]) -> None: ...",
        "def f(asked: 'tuple[int, int] | None' = None) -> None: ...",
        "class C:\n    def f(self, *, typed: tuple[str, str]) -> None: ...",
        "def f() -> tuple[int, str, bool]: ...",
        "def f() -> list[tuple[int, int, str]]: ...",
        "def f(rows: list[tuple[int, int, str]]) -> None: ...",
        "class C:\n    limits: list[tuple[int, int, int]]",
        "class C:\n    def __init__(self):\n        self.now: tuple[int, int, int] | None = None",
        "Row = tuple[str, str, str]",
    ],
)
def test_a_planted_tuple_is_refused(code: str) -> None:
    assert len(tuples.violations(Source(HOST, code))) == 1


@pytest.mark.parametrize(
    "code",
    [
        "def f(rows: list[tuple[int, str]]) -> tuple[int, int]: ...",
        "def f(cells: tuple[str, ...]) -> list[tuple[str, ...]]: ...",
        "class Rate(NamedTuple):\n    rate_nl: int\n    rate_seconds_s: int\n    name: str\n\ndef f(rate: Rate) -> Rate: ...",
        "SIZES = (1, 2, 3)",
    ],
)
def test_pairs_in_a_list_and_named_values_pass(code: str) -> None:
    assert tuples.violations(Source(HOST, code)) == []


def test_what_crosses_a_wall_of_the_firmware_has_names(monkeypatch) -> None:
    sources = python_sources("firmware/")
    found = [line for source in sources for line in tuples.across_walls(source)]
    assert not found, "\n".join(found)
    needed = set(tuples.OF_THE_FIRMWARE)
    monkeypatch.setattr(tuples, "OF_THE_FIRMWARE", {})
    assert {line.split(":")[0] + ": " + line.split()[1] for source in sources for line in tuples.across_walls(source)} == needed


def test_a_planted_tuple_of_the_firmware_is_refused() -> None:
    inside = "def _f() -> tuple[int, int, int]: ...\nclass C:\n    def __init__(self):\n        self._a: tuple[int, int, int] = (1, 2, 3)\n"
    outside = "def f() -> 'tuple[int, str, bool]': ...\ndef g(one: tuple[int, int, int] | None) -> tuple[int, int]: ...\n"
    assert len(tuples.across_walls(Source("firmware/app/x.py", inside + outside))) == 2
