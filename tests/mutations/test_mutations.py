"""Every rule R1 to R12 is broken on purpose in many ways, and each time the named test must fail."""

from collections import Counter
from collections.abc import Iterator

import pytest

from mutations.chip import CHIP
from mutations.mutation import CAUGHT, FOLDERS, Mutation, Workshop, load

MUTATIONS = load()
RULES = [f"R{number}" for number in range(1, 13)]
LONGEST_TEST_S = 5
MAIN = "firmware/main.py"  # run, not imported


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    opened = Workshop(tmp_path_factory.mktemp("mutations"))
    yield opened
    opened.close()


@pytest.mark.long
def test_the_tree_as_it_is_passes_every_test_that_is_named(workshop: Workshop) -> None:
    """Otherwise a red test would "catch" a mutation. Each named test also has the marker of its rule."""
    outcome = workshop.run(sorted({mutation.test for mutation in MUTATIONS}), timeout_s=300)
    assert outcome.code == 0, outcome.output
    for folder in FOLDERS:
        assert not outcome.foreign_files(workshop.copy, folder)
    for mutation in MUTATIONS:
        rows = outcome.of(mutation.test)
        assert rows, f"{mutation.test} is no test"
        assert all(not row["died_of"] for row in rows), (mutation.test, rows)
        assert all(mutation.rule in row["rules"] for row in rows), f"{mutation.test} is not marked with {mutation.rule}"
        assert sum(row["cpu_s"] for row in rows) < LONGEST_TEST_S, mutation.test


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: f"{mutation.rule}-{mutation.name}")
def test_is_caught(mutation: Mutation, workshop: Workshop) -> None:
    with workshop.mutated(mutation):
        outcome = workshop.run([mutation.test])
    ran = str(workshop.copy / mutation.file)
    assert ran in outcome.files.values() or mutation.file == MAIN, "the changed file was not imported\n" + outcome.output
    assert not outcome.foreign_files(workshop.copy, mutation.folder), "the copy was not what ran"
    assert outcome.code == 1, f"NOT CAUGHT ({mutation.breaks}): pytest ended with {outcome.code}\n{outcome.output}"
    dead = [row for row in outcome.of(mutation.test) if row["died_of"]]
    assert dead, f"{mutation.test} did not fail\n{outcome.output}"
    for row in dead:
        assert row["when"] == "call", outcome.output
        assert row["died_of"] in CAUGHT, f"died of {row['died_of']}, which proves nothing: {row['said']}\n{outcome.output}"


def test_every_mutation_applies_and_says_what_it_breaks() -> None:
    for mutation in MUTATIONS:
        mutation.mutated()
        assert mutation.old != mutation.new, mutation.name
        assert len(mutation.breaks.split()) > 4, mutation.name
    names = Counter((mutation.rule, mutation.name) for mutation in MUTATIONS)
    assert max(names.values()) == 1


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_is_broken_in_at_least_two_ways(rule: str) -> None:
    assert sum(mutation.rule == rule for mutation in MUTATIONS) >= 2


@pytest.mark.parametrize(("rule", "what"), [row[:2] for row in CHIP])
def test_belongs_to_the_chip(rule: str, what: str) -> None:
    """chip.py has the reasons; the closing table names each."""
    pytest.skip(f"belongs to the chip: {what} ({rule})")
