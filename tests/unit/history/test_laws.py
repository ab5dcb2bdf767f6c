"""The law at each moment of a journal: by angle before the first record, then as the records say; repeats are one change."""

from dataclasses import dataclass
from typing import Any

from thecal.history.laws import ANGLE, VOLUME, Laws


@dataclass
class Axis:
    """An axis on which the uptime is the moment."""

    def of(self, row: dict[str, Any]) -> int:
        return int(row["uptime_ms"])


def laws(*rows: tuple[int, str, str]) -> Laws:
    records: list[Any] = [{"event": "boot", "uptime_ms": 0}]
    records += [{"event": "law", "uptime_ms": at_ms, "law": law, "cause": cause} for at_ms, law, cause in rows]
    return Laws(records, Axis())  # type: ignore[arg-type]


def test_an_older_journal_was_dosed_by_angle() -> None:
    found = laws()
    assert found.changes == [] and found.at(10**9).law == ANGLE and found.within(0, 5)[0].cause == "no_table"


def test_each_moment_has_the_law_of_the_last_record() -> None:
    found = laws((1_000, ANGLE, "phase_power"), (5_000, VOLUME, ""), (9_000, VOLUME, ""), (20_000, ANGLE, "rate"))
    assert [one.at_ms for one in found.changes] == [1_000, 5_000, 20_000]  # the one at 9 s repeats what holds
    assert [found.at(at_ms).law for at_ms in (0, 1_000, 4_999, 5_000, 19_999, 20_000)] == [ANGLE, ANGLE, ANGLE, VOLUME, VOLUME, ANGLE]


def test_a_period_begins_with_the_law_in_force() -> None:
    found = laws((1_000, ANGLE, "phase_power"), (5_000, VOLUME, ""), (20_000, ANGLE, "rate"))
    assert found.within(6_000, 25_000) == [(6_000, VOLUME, ""), (20_000, ANGLE, "rate")]
    assert found.within(2_000, 3_000) == [(2_000, ANGLE, "phase_power")]
