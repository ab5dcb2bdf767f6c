"""`thecal watch`: its output in a pipe, in a narrow terminal, without Unicode; UNKNOWN and UNCALIBRATED are shown."""

import io
from fractions import Fraction

import pytest
from rich.console import Console

from thecal.errors import Failed
from thecal.reports.live import live
from thecal.reports.live.past import HOUR_MS, Past
from thecal.reports.live.view import one_line, reservoir_text, rows, spark_text
from thecal.reports.terminal_plot import sparkline
from thecal.text.status import rate_text

MIDNIGHT_UTC_S = 1_767_567_600  # of the pump's local time, an hour east
STATUS = {
    "state": "running", "uptime_ms": 4 * HOUR_MS, "utc_s": MIDNIGHT_UTC_S + 36_000, "offset_s": 3600, "boot": 1, "delivered_steps": 300_000,
    "uncertain_steps": 0, "alarms": [], "bolus": None, "program_name": "Two rates", "entry_rate_nl": 1_000_000, "rate_seconds_s": 3600,
    "next_change_s": 7200, "calibration": {"volume_nl": 1_000_000, "steps": 100_000, "state": "CALIBRATED"}, "events_sequence": 9,
}  # fmt: skip


class NoJournal:
    def program_read(self):
        raise Failed("no journal")


def past(points=(), midnight=None, why=""):
    """Return what a pump without a readable journal reported at these times; `midnight` is its journal's answer for that."""
    made = Past()
    for at_ms, steps in points:
        utc_s = STATUS["utc_s"] - (STATUS["uptime_ms"] - at_ms) // 1000
        made.look(NoJournal(), {**STATUS, "utc_s": utc_s, "uptime_ms": at_ms, "delivered_steps": steps})
    made._midnight, made.why = midnight, why
    return made


def said(status, of=None, width=80, encoding="utf-8"):
    found = rows(status, of or past(), width, encoding)
    return {label: text for label, text, _ in found}


def test_one_line_says_rate_change_today_and_what_is_wrong():
    of = past(midnight=(Fraction(100_000), Fraction(100_000)))
    assert one_line(STATUS, of) == "2026-01-05 10:00:00  running  1 mL/h  next at 12:00, in 2 h 00 min  today 2 mL"
    wrong = {**STATUS, "alarms": [601, 612], "state": "alarm", "calibration": {**STATUS["calibration"], "state": "UNCALIBRATED"}}
    assert one_line(wrong, of).endswith("alarms 601  warnings 612  UNCALIBRATED")
    assert "  0 mL/h  " in one_line(wrong, of), "a pump in alarm delivers nothing"


def test_today_is_unknown_without_the_time_and_a_range_behind_a_power_cut():
    unknown = said({**STATUS, "utc_s": 0, "next_change_s": None}, past(why="the pump's clock is not set"))
    assert unknown["today"] == "UNKNOWN (the pump's clock is not set)"
    assert unknown["time"] == "time UNKNOWN, up 4 h 00 min"
    of = past(midnight=(Fraction(100_000), Fraction(100_000)))
    assert said({**STATUS, "uncertain_steps": 1200}, of)["today"] == "1.988 mL to 2 mL"
    assert said({**STATUS, "calibration": None}, of)["today"] == "200000 steps"


def test_the_rate_is_what_is_pumped_now():
    bolus = {
        "state": "delivering", "rate_nl": 4_000_000, "rate_seconds_s": 3600, "ordered_steps": 9, "delivered_steps": 1, "token": "ab",
    }  # fmt: skip
    assert rate_text({**STATUS, "bolus": bolus}) == "5 mL/h (basal 1 mL/h, bolus 4 mL/h)"
    assert rate_text({**STATUS, "bolus": {**bolus, "state": "done"}}) == "1 mL/h"
    demand = {**bolus, "purpose": "demand", "rate_nl": 50_000, "rate_seconds_s": 300}
    extended = {**bolus, "purpose": "extended", "rate_nl": 100_000, "rate_seconds_s": 1200, "state": "paused"}
    both = {**STATUS, "bolus": demand, "extended": extended}
    assert rate_text(both) == "1.6 mL/h (basal 1 mL/h, demand bolus 0.6 mL/h)", "the extended one waits for the other"
    assert said(both)["extended"].startswith("extended: paused")
    assert rate_text({**STATUS, "state": "limited"}) == "0 mL/h (paused at a ceiling)"
    assert rate_text({**STATUS, "state": "stopped"}) == "0 mL/h"
    assert rate_text({**STATUS, "state": "priming", "bolus": demand, "rate_seconds_s": 0, "entry_rate_nl": 0}) == "0.6 mL/h (demand bolus)"


def test_a_temporary_rate_or_a_bridge_stands_in_the_place_of_the_basal():
    half = {"token": "ab", "rate_nl": 0, "numerator": 1, "denominator": 2, "duration_s": 600, "rest_s": 599}
    assert rate_text({**STATUS, "temporary": half}) == "0.5 mL/h (temporary rate)"
    assert rate_text({**STATUS, "temporary": {**half, "rest_s": 602}}) == "1 mL/h", "it begins with the next slice"
    assert rate_text({**STATUS, "temporary": {**half, "rate_nl": 3_000_000, "denominator": 0}}) == "3 mL/h (temporary rate)"
    assert said({**STATUS, "temporary": half})["temporary"].startswith("basal x 1/2")
    line = {"phase": "old", "old_fluid": "dye", "old_ng": 500, "old_nl": 1, "new_fluid": "dye", "new_ng": 1000, "new_nl": 1}
    for phase, told in (("old", "24000 mg/day = 2 mL/h (bridge)"), ("uncertain", "1 mL/h (bridge)"), ("", "1 mL/h")):
        assert rate_text({**STATUS, "therapy": {"line": {**line, "phase": phase}}}) == told


def test_a_reservoir_is_shown_where_the_pump_tells_of_one():
    assert "reservoir" not in said(STATUS)
    assert reservoir_text({"therapy": {"reservoir": None}}) == reservoir_text({"reservoir": 5}) == ""
    told = {**STATUS, "therapy": {"reservoir": {"left_nl": 12_500_000, "uncertain_nl": 10_000}}}
    assert said(told)["reservoir"] == "12.5 mL (uncertain 10 uL)"
    assert "reservoir 12.5 mL" in one_line(told, past())


def test_the_last_hour_is_drawn_from_what_is_known():
    end_ms = STATUS["uptime_ms"]
    half = past([(end_ms - HOUR_MS // 2, 0), (end_ms - HOUR_MS // 4, 0), (end_ms, 25_000)])
    assert half.hour(4) == [None, None, 0, 100_000]
    assert spark_text(STATUS, half, 4, "utf-8") == "  ▁█ 0 to 1 mL/h"
    assert spark_text(STATUS, half, 4, "ascii") == "  _# 0 to 1 mL/h"
    assert spark_text(STATUS, past(), 4, "utf-8") == "UNKNOWN"
    assert sparkline([Fraction(0), None], Fraction(0), "ascii") == "_ "


@pytest.mark.parametrize("width", [40, 60, 100])
def test_the_table_fits_its_terminal_and_survives_a_lost_look(width, monkeypatch):
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=width, height=40, color_system=None, legacy_windows=False)
    monkeypatch.setattr(live, "Console", lambda: console)
    alarmed = {**STATUS, "state": "alarm", "alarms": [601, 612], "program_name": "a name \x1b[2J that moves the cursor"}
    of = past([(STATUS["uptime_ms"] - HOUR_MS, 0), (STATUS["uptime_ms"], 100_000)], (Fraction(0), Fraction(0)))
    with live.LiveView() as view:
        view.show(alarmed, of)
        view.trouble("the link was lost")
    text = out.getvalue()
    assert "\x1b[2J" not in text
    lines = [line for line in text.replace("\x1b[?25l", "").replace("\x1b[?25h", "").split("\n") if "\x1b" not in line]
    assert max(len(line.rstrip("\r")) for line in lines) <= width
    flat = " ".join(text.split())
    assert "guard_mismatch" in flat
    assert "still watching" in flat
