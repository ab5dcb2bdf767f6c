"""What the server answers, in its shapes: pumps, charts, a program, the steps of the wizard. Made up, but as a bench would look."""

import math
from typing import Any

Json = dict[str, Any]
NOW_S = 1_796_054_400  # 2026-11-30 12:00 UTC: pictures show the same time in every run
DIGEST = "ed02999356f2ad5a7765572e32f1f534399f802306e2188de349d16789a72d66"
OTHER_DIGEST = "40c1be5512a7d7c2b1cf6a1d8f4be4a6ce1f7af92ee2e3a4ad4e50f1a0b9c77e"
LOW = {
    "fault": 70,
    "name": "reservoir_low",
    "text": "the reservoir is low",
    "do": "refill it, then report the refill: thecal refill",
    "severity": "warning",
}
GUARD = {
    "fault": 57,
    "name": "guard_mismatch",
    "text": "the guard counted other steps than the generator reports",
    "do": "check the wiring, then acknowledge",
    "severity": "alarm",
}
RATES = [(0, 6, 0.3), (6, 8, 0.8), (8, 18, 0.5), (18, 22, 0.6), (22, 24, 0.3)]
DAY = [{"from_s": 3600 * begin, "to_s": 3600 * end, "rate_ml_per_h": rate} for begin, end, rate in RATES]
TOML = """title = "Circadian feed"
drug = "water"

[[basal.entry]]
days = "daily"
at = "06:00"
rate = "0.8 mL/h"
"""
ROWS = [["", "current", "new"], ["title", "Circadian feed", "My first prescription"], ["drug", "water", "water"],
        ["max_rate", "4 mL/h", "4 mL/h"], ["always", "0.5 mL/h", "0.8 mL/h"]]  # fmt: skip
BOLUS_ROWS = [["", "typed", "that is", "will deliver"], ["volume", "20 uL", "0.02 mL", "~19.991859 uL"], ["rate", "2 mL/h", "2 mL/h", ""],
              ["takes", "", "36 s", ""]]  # fmt: skip
COLUMNS = ("t", "planned_ml", "delivered_ml", "delivered_low_ml", "rate_planned_ml_per_h", "rate_ml_per_h")
ALLOWED = {"idle": ["plan"], "planned": ["prime", "run", "leave"], "running": ["leave"], "weigh": ["mass", "leave"],
           "fitted": ["store", "leave"], "stored": ["plan"]}  # fmt: skip


def pump(number: int, **changed: Any) -> Json:
    """Return a running pump; `changed` replaces values."""
    return {
        "id": f"p{number}", "name": f"flow-{number}", "port": f"/dev/ttyACM{number - 1}", "unique_id": f"15fea1bc1a18ea{number:02}",
        "state": "running", "state_text": "running", "rate_text": "0.5 mL/h",
        "next_text": "0.6 mL/h at 18:00, in 6 h", "next_change_s": 21600,
        "delivered_today": {"ml": 4.213, "plus_minus_ml": 0.06, "text": "4.213 mL ± 0.06 mL", "least_ml": None},
        "reservoir": {"left_ml": 12.4, "capacity_ml": 20.0, "text": "12.4 of 20 mL"},
        "alarms": [], "program": {"name": "Circadian feed", "digest": DIGEST}, "orders": [], "online": True, "error": None, "keys": "none",
        "law_text": "", "asof_utc_s": NOW_S, **changed,
    }  # fmt: skip


def stopped(number: int, **changed: Any) -> Json:
    """Return a stopped pump without a program."""
    none = {"ml": 0, "plus_minus_ml": None, "text": "0 mL", "least_ml": None}
    return pump(number, state="stopped", state_text="stopped", rate_text="0 mL/h", next_text="", next_change_s=None, delivered_today=none,
                reservoir=None, program=None, **changed)  # fmt: skip


def bench() -> list[Json]:
    """Return the pumps of the pictures: each state that a person must tell from the others."""
    bolus = {"token": "800001000025a820", "kind": "bolus", "text": "delivering, 6.2 of 19.99 uL, 24 s left"}
    away = {"kind": "no_pump", "text": "the port is gone", "do": "look at the cable"}
    return [
        pump(1, orders=[bolus], rate_text="2.5 mL/h"),
        pump(2, reservoir={"left_ml": 1.6, "capacity_ml": 20.0, "text": "1.6 of 20 mL"}, alarms=[LOW]),
        stopped(3),
        pump(4, state="alarm", state_text="alarm", rate_text="0 mL/h", next_text="", alarms=[GUARD]),
        pump(5, online=False, error=away, asof_utc_s=NOW_S - 12),
        pump(6, state="priming", state_text="priming", rate_text="2 mL/h", keys="set"),
    ]


def chart(span: str) -> Json:
    """Return a chart: a schedule by time of day, a bolus, a stop of half an hour."""
    whole_s = {"24h": 86_400, "7d": 7 * 86_400, "30d": 30 * 86_400}[span]
    step_s = max(120, whole_s // 1000)
    columns: dict[str, list[Any]] = {name: [] for name in COLUMNS}
    planned = delivered = 0.0
    for second in range(NOW_S - whole_s, NOW_S + 1, step_s):
        hour = second % 86_400 / 3600
        rate = next(one for begin, end, one in RATES if begin <= hour < end)
        bolus = 2.0 if 7.75 <= hour < 7.95 else 0.0
        actual = 0.0 if 9.5 <= hour < 10.0 else (rate + bolus) * (1 + 0.004 * math.sin(second / 5000))
        for name, value in zip(columns, (second, planned, delivered, delivered, rate + bolus, actual)):
            columns[name].append(round(value, 5))
        planned += (rate + bolus) * step_s / 3600
        delivered += actual * step_s / 3600
    events = [(-15300, "bolus_started", "bolus started, 400 uL"), (-9000, "stopped", "stopped by host"), (-7200, "started", "started"),
              (-3000, "alarm", "the reservoir is low")]  # fmt: skip
    return {
        **columns, "events": [{"t": NOW_S + at, "kind": kind, "text": text} for at, kind, text in events], "from_utc_s": NOW_S - whole_s,
        "to_utc_s": NOW_S, "offset_s": 0, "complete": True, "done_permille": 1000, "time_known": True,
    }  # fmt: skip


def program() -> Json:
    """Return the active program."""
    rows = [["title", "Circadian feed"], ["drug", "water"], ["daily 06:00", "0.8 mL/h"], ["max_rate", "4 mL/h"]]
    return {"name": "Circadian feed", "digest": DIGEST, "toml": TOML, "rows": rows, "day": DAY, "day_text": "Monday, as every day."}


def wizard(stage: str, run: int = 0, **changed: Any) -> Json:
    """Return a state of the calibration wizard."""
    return {
        "wizard": "w1", "stage": stage, "text": "", "rows": [], "run": run, "runs": 2, "done_permille": 0, "allowed": ALLOWED[stage],
        "error": None, "calibration_text": "UNCALIBRATED: volumes are nominal, nobody has weighed", **changed,
    }  # fmt: skip
