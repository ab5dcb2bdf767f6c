"""Commands at the ends of their ranges: refused or answered at once, with bounded reads of the schedule and the journal."""

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.wire.handlers import outcome
from pumpcore.limits import limits
from pumpcore.motion.dose import Calibration
from pumpcore.orders import bolus as boluses
from pumpcore.program import packing
from pumpcore.wire import messages, record_types, records
from support.counted import Counted
from support.programs import constant, day
from support.pump.running import Watched, power_cut, ready, running
from support.some import some_of

U48 = 1 << 48
DAY_S = 86_400


def counted(pump: Watched) -> Counted:
    """Count reads of the running program's entries from here on."""
    entries = Counted(pump.pump.setup.program.entries)
    entries.most = 100 * len(entries) + 10_000  # most of it for the test's own look at every turn
    pump.pump.setup.program.entries = entries
    return entries


@pytest.mark.rule("R7")
@pytest.mark.parametrize(("volume_nl", "rate_nl"), [(10**9, 1), (U48, 1), (90_000, 900), (U48, 3_600_000), (86_401_000, 3_600_000)])
def test_a_bolus_that_would_last_longer_than_it_may_is_refused_before_anything_is_worked_out(volume_nl: int, rate_nl: int) -> None:
    pump = running(day((0, 0, 300_000), (6, 30, 900_001), (18, 0, 0)))
    counted(pump)
    reply = pump.ask("bolus.start", token=pump.token(), volume_nl=volume_nl, rate_nl=rate_nl).get("error", {}).get("data", {})
    assert reply.get("fault") == "bolus_too_long"
    duration_s = -(-volume_nl * 3600 // rate_nl)
    assert (reply["asked_s"], reply["limit_s"]) == (duration_s, DAY_S)
    nearest = boluses.Bolus("", volume_nl, reply["nearest_rate_nl"], 3600, Calibration(1_000_003, 99_991))
    assert DAY_S >= nearest.duration_s > DAY_S - 60 or rate_nl == 1
    assert pump.call("stop")["state"] == "stopped"


@pytest.mark.rule("R7")
def test_a_bolus_of_exactly_a_day_is_delivered() -> None:
    pump = running(constant(100_000))
    reply = pump.call("bolus.start", token=pump.token(), volume_nl=24_000_000, rate_nl=1_000_000)
    assert reply["duration_s"] == DAY_S


@pytest.mark.rule("R7")
@pytest.mark.parametrize("purpose", ["priming", "calibration"])
def test_a_run_may_last_thirty_days_and_no_second_longer(purpose: str) -> None:
    pump = ready(constant(100_000))
    by_volume = purpose == "priming"
    for seconds_s, fault in ((30 * DAY_S, ""), (30 * DAY_S + 1, "bolus_too_long"), (1 << 31, "bolus_too_long")):
        amount = {"volume_nl": 1_000_003, "steps": 0} if by_volume else {"volume_nl": 0, "steps": 99_991}
        order = {"purpose": purpose, "rate_nl": 1_000_003, "rate_seconds_s": seconds_s, **amount}
        reply = pump.ask("run.start", token=pump.token(), **order)
        assert reply.get("error", {}).get("data", {}).get("fault", "") == fault
        pump.call("stop")


EXTREMES = {"integer": lambda low, high: (low, high), "hex": lambda digits, _: ("0" * digits, "f" * digits),
            "base64": lambda low, high: ("A" * low, "A" * high), "text": lambda low, high: ("x" * low, "x" * high),
            "choice": lambda words, _: words}  # fmt: skip


def extreme(method: str, number: int) -> dict:
    """Return every parameter at one end of its range; the bits of `number` choose the ends."""
    params = {}
    for bit, (name, (kind, first, second)) in enumerate(messages.METHODS[method][0].items()):
        ends = EXTREMES[kind](first, second)
        params[name] = ends[number >> bit & 1]
    return params


@pytest.mark.rule("R10")
@pytest.mark.parametrize("state", ["stopped", "running"])
@pytest.mark.parametrize("method", some_of([name for name in messages.METHODS if name != "maintenance"], 3))
def test_a_command_with_every_parameter_at_an_end_of_its_range_does_bounded_work(method: str, state: str) -> None:
    """The schema's ends in all combinations, up to 64, with a valid token if the command takes one."""
    for number in range(min(64, 1 << len(messages.METHODS[method][0]))):
        pump = running(day((0, 0, 300_000), (6, 30, 900_001)))
        if state == "stopped":
            pump.call("stop")
        entries = counted(pump)
        params = extreme(method, number)
        if "token" in params:
            params["token"] = pump.token()
        if method == "forecast.digest" or (method == "program.activate" and number):
            params["digest"] = pump.pump.setup.digest
        if method == "program.stage":
            params = {"program": base64.b64encode(packing.pack(day((0, 0, 1 << 48 if number else 0)))).decode()}
        pump.line(pump.request(method, **params))
        assert entries.looks <= entries.most and "internal" not in pump.alarms()
        assert pump.call("stop")["state"] in ("stopped", "alarm")


@pytest.mark.rule("R8")
def test_a_token_is_looked_for_without_decoding_the_journal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full ring has 10,000 records, and a chip takes half a millisecond to decode each."""
    pump = running(constant(3_600_000))
    orders = [pump.order(60_000, 3_600_000)]
    pump.advance(70)
    for number in range(1_200):
        pump.pump.journal.append("total", (number, number, number, number))
    again = power_cut(pump, 5)
    decoded, one = [], record_types._decode_one
    monkeypatch.setattr(record_types, "_decode_one", lambda raw: decoded.append(raw) or one(raw))
    assert again.bolus(orders[0])["state"] == "done" and len(decoded) < 10
    assert again.bolus(orders[0])["purpose"] == "manual" and again.bolus(orders[0])["ordered_steps"] == 5_999
    decoded.clear()
    assert again.bolus("0001ffffffffffff")["state"] == "never_ordered" and not decoded
    assert outcome.records is records


# --- the fullest window, against the search that the firmware had before ------------------------------------------------------


class Searched:
    """The sum of rate over the minutes since Monday, by binary search in prefix sums."""

    def __init__(self, entries: list) -> None:
        self.week = [0]
        now = entries[-1][1]
        begins = dict(entries)
        for minute in range(2 * 10_080):
            now = begins.get(minute % 10_080, now)
            self.week.append(self.week[-1] + now)

    def between(self, minute: int, minutes: int) -> int:
        weeks, rest = divmod(minutes, 10_080)
        minute %= 10_080
        return weeks * self.week[10_080] + self.week[minute + rest] - self.week[minute]


WEEK = st.lists(st.integers(0, 10_079), min_size=1, max_size=336, unique=True).flatmap(
    lambda minutes: st.lists(st.integers(0, 1 << 48), min_size=len(minutes), max_size=len(minutes)).map(
        lambda rates: list(zip(sorted(minutes), rates))
    )
)


@pytest.mark.rule("R5")
@settings(deadline=None)
@given(WEEK, st.sampled_from((61, 1441, 1440, 1, 10_079, 10_080, 10_081, 30_000)), st.integers(1, 700))
def test_the_fullest_window_is_that_of_every_beginning_and_its_search_can_be_cut_anywhere(entries: list, minutes: int, part: int) -> None:
    sums = Searched(entries)
    wanted = max(sums.between(begin, minutes) for entry, _ in entries for begin in (entry, entry - minutes))
    state = limits.begin_peak(entries, minutes)
    while limits.go_on(entries, state, part):
        state = list(state)
    made = packing.Program("n", "f", 3600, entries)
    limits.keep_peak(made, state)
    assert limits.highest_window_nl(made, minutes) == wanted == limits.highest_window_nl(packing.Program("n", "f", 3600, entries), minutes)


@pytest.mark.rule("R10")
def test_a_search_looks_at_each_entry_a_few_times() -> None:
    entries = Counted([(4 * number, number * 7_919 % 1_000) for number in range(336)])
    entries.most = 25 * 336
    limits.highest_window_nl(packing.Program("n", "f", 3600, entries), 1441)


@pytest.mark.rule("R5")
@pytest.mark.rule("R10")
def test_the_windows_of_a_pump_that_stood_for_most_of_a_day_are_looked_at_once_a_bucket() -> None:
    windows, looks = limits.Windows(), []
    for _ in range(limits.DAY_BUCKETS):
        windows.move_to(windows.minute + 1)
        windows.add(7)
    inner, windows._in = windows._in, lambda slot: looks.append(slot) or inner(slot)
    windows.move_to(windows.minute + limits.DAY_BUCKETS - 1)
    assert (windows.hour_steps, windows.day_steps) == (0, 7) and len(looks) <= limits.DAY_BUCKETS + limits.HOUR_BUCKETS
    windows.move_to(windows.minute + (1 << 60))
    assert windows.day_steps == 0 and len(looks) <= limits.DAY_BUCKETS + limits.HOUR_BUCKETS


@pytest.mark.rule("R8")
def test_a_token_of_long_ago_is_found_in_parts() -> None:
    """One call searches 8 segments of 32; until then the state is `searching`."""
    pump = running(constant(3_600_000))
    made = pump.order(60_000, 3_600_000)
    pump.advance(70)
    ring = pump.pump.journal.rings["events"]
    for number in range(20):
        pump.pump.journal.append("total", (number, number, number, number))
        ring.give_up_segment()
    again = power_cut(pump, 5)
    again.pump.boluses = []
    told = [again.call("bolus.status", token=made)["state"] for _ in range(3)]
    assert told == ["searching", "searching", "done"]
    unknown = [again.call("bolus.status", token="0001ffffffffffff")["state"] for _ in range(3)]
    assert unknown == ["searching", "searching", "never_ordered"]
    assert again.call("bolus.status", token=made)["state"] == "searching"  # another token begins a new search
