"""The journal's table in words: no steps, no nl, and no number that only looks right."""

import pytest

from thecal.history.rows import table
from thecal.text.journal import in_words

STAMP = {"ring": "events", "sequence": 7, "boot": 1, "uptime_ms": 5000, "utc_s": 0, "utc": ""}
STATUS = {"calibration": {"volume_nl": 2_000, "steps": 100}, "program_digest": "ab" * 32, "rate_seconds_s": 60}


def shown(*rows: dict) -> list[tuple[str, str]]:
    return [(cells[3], cells[4]) for cells in table(in_words([{**STAMP, **row} for row in rows], STATUS))[1:]]


@pytest.fixture(autouse=True)
def _no_config(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


def test_steps_are_volumes_and_what_only_the_pump_needs_is_left_out() -> None:
    row = {"event": "stopped", "by": "host", "ordered_steps": 100_000, "delivered_steps": 50_000, "powered_on_s": 9}
    dropped = {"event": "remainder_dropped", "source": "basal", "remainder": 12, "modulus": 7}
    assert shown(row, dropped) == [("stopped", "by host, ordered 2 mL, delivered 1 mL"), ("remainder dropped", "source basal")]


def test_steps_before_another_calibration_count_by_the_old_one() -> None:
    missed = {"event": "missed", "cause": "power", "from_utc_s": 0, "to_utc_s": 1_767_571_261, "missed_steps": 100_000}
    change = {"event": "calibration_set", "old_volume_nl": 1_000, "old_steps": 100, "volume_nl": 2_000, "steps": 100}
    before, _, after = [text for _, text in shown(missed, change, missed)]
    assert before.endswith("missed 1 mL") and after.endswith("missed 2 mL") and "from unknown, to 2026-01-05 00:01:01 UTC" in after


def test_a_reason_and_a_part_of_the_basal_are_read_to_their_end() -> None:
    reason = "the scale was not level when it was weighed"
    half = {"event": "temporary_ordered", "token": "00aa", "rate_nl": 0, "numerator": 1, "denominator": 2, "duration_s": 3600}
    texts = [text for _, text in shown({"event": "refill_acknowledged", "reason": reason}, half)]
    assert texts == [f"reason {reason}", "token 00aa, basal x 1/2, duration 1 h"]


def test_a_rate_is_shown_only_if_its_program_is_known() -> None:
    entry = {"event": "entry", "entry": 0, "rate_nl": 50_000, "ordered_steps": 0, "delivered_steps": 0}
    other, active = {"event": "program_activated", "digest": "cd" * 32}, {"event": "program_activated", "digest": "ab" * 32}
    texts = [text for _, text in shown(other, entry, active, entry)]
    assert texts[1] == "entry 0, ordered 0 mL, delivered 0 mL" and texts[3].startswith("entry 0, rate 3 mL/h")
    run = {"event": "run_ordered", "purpose": "priming", "volume_nl": 140_000, "rate_nl": 500_000, "rate_seconds_s": 3600}
    assert shown(run) == [("run ordered", "purpose priming, volume 0.14 mL, rate 0.5 mL/h")]


def test_without_a_calibration_no_volume_is_invented() -> None:
    rows = [{**STAMP, "event": "stopped", "by": "host", "delivered_steps": 5}]
    assert table(in_words(rows, {"calibration": None}))[1][4] == "by host"
