"""The rows of group `work` judge every method, even one that was not asked. Measures nothing."""

from bench import work
from pumpcore.wire.messages import METHODS


def test_a_method_without_a_case_is_a_row_that_is_not_held() -> None:
    rows = list(work._rows({name: {"a case": 1.0} for name in METHODS if name != "stop"}))
    assert [row.name for row in rows if not row.held()] == ["longest computing stretch: `stop`"]
    assert len(rows) == len(list(METHODS))


def test_a_method_is_judged_by_its_longest_case() -> None:
    rows = {row.name: row for row in work._rows({"hello": {"short": 3.0, "long": 500.4}, "program.check": {"one": 299.0}})}
    assert not rows["longest computing stretch: `hello`"].held()
    assert rows["longest computing stretch: `program.check`"].held()


def test_the_largest_program_has_every_setting_and_every_entry() -> None:
    from pumpcore.program import packing

    made = packing.unpack(work.largest(500))
    assert len(made.entries) == packing.MAX_ENTRIES and all(made.settings.describe().values())
