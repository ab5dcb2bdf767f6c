"""bolus.status of a token whose bolus has left memory, and whose order has left the journal (R8)."""

import pytest

from support.programs import constant
from support.pump.running import Watched, power_cut, running


def ordered(pump: Watched, split: bool = False) -> str:
    """Return a delivered bolus; `split`: its order is the first record of a segment."""
    count, ring = pump.pump.count, pump.pump.journal.rings["events"]

    def between(*values: object) -> None:
        if split:
            ring.give_up_segment()
        count(*values)

    pump.pump.count = between
    made = pump.order(60_000, 10_000_000)
    pump.advance(60)
    assert pump.bolus(made)["state"] == "done"
    return made


def write_on(pump: Watched, until_sequence: int) -> None:
    """Write other records until the journal begins there."""
    ring = pump.pump.journal.rings["events"]
    while ring.first_sequence() < until_sequence:
        pump.pump.journal.append("entry", (0, 0, 0, 0))


def order_of(pump: Watched, made: str) -> int:
    (sequence,) = [row.sequence for row in pump.journal() if row.name == "bolus_ordered" and row.fields["token"].hex() == made]
    return sequence


@pytest.mark.rule("R8")
@pytest.mark.long
def test_an_order_that_is_the_oldest_record_of_the_journal_is_told() -> None:
    pump = running(constant(3_600_000))
    made = ordered(pump, split=True)
    sequence = order_of(pump, made)
    write_on(pump, sequence)
    assert pump.pump.journal.rings["events"].first_sequence() == sequence
    again = power_cut(pump, 5)
    again.advance(0.1)
    told = again.bolus(made)
    assert (told["state"], told["volume_nl"], told["delivered_steps"]) == ("done", 60_000, 5_999)


@pytest.mark.rule("R8")
def test_what_the_journal_does_not_reach_back_to_is_forgotten_and_not_never_ordered() -> None:
    pump = running(constant(3_600_000))
    made, unused = ordered(pump), pump.token()
    pump.pump.journal.rings["events"].most_segments = 4  # 14,000 records fill the ring of a real one
    assert pump.bolus(unused)["state"] == "never_ordered"
    write_on(pump, order_of(pump, made) + 1)
    assert pump.bolus(unused)["state"] == "never_ordered"  # this boot knows that it issued the token
    second = power_cut(pump, 5)
    second.advance(0.1)
    assert second.bolus(made) == {"token": made, "state": "forgotten"}
    assert second.bolus(unused)["state"] == "forgotten"
    later = second.token()
    third = power_cut(second, 5)
    third.advance(0.1)
    assert third.bolus(later)["state"] == "never_ordered"  # the whole boot is in the journal
    assert third.bolus("0" * 16)["state"] == "forgotten"
