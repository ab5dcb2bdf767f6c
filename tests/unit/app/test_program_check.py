"""program.check: stage, check until done, activate; busy meanwhile, and what ends a check."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.programs import programs as app_programs
from pumpcore.program import packing
from support.programs import MONDAY_UTC_S, constant, with_settings
from support.pump.running import Watched, ready, running

TEN_S = 10_000


def full_week(rate_nl: int = 900_000, **more: int) -> packing.Program:
    """Return the largest possible program: 336 entries with settings."""
    made = packing.Program("full", "water", 3600, [(30 * number, rate_nl + number % 7) for number in range(packing.MAX_ENTRIES)])
    made.mode = packing.SCHEDULE
    return with_settings(made, bolus_max_nl=60_000_000, **more)


def staged(pump: Watched, made: packing.Program) -> str:
    import base64

    return pump.call("program.stage", program=base64.b64encode(packing.pack(made)).decode())["digest"]


def begun(pump: Watched) -> str:
    """Begin a check and leave it under way."""
    digest = staged(pump, full_week())
    told = pump.call("program.check", digest=digest)
    assert not told["done"] and 0 < told["done_permille"] < 1000
    return digest


def finished(pump: Watched, digest: str) -> list:
    """Continue to the end; return the replies."""
    parts = []
    while not parts or parts[-1] < 1000:
        told = pump.call("program.check", digest=digest)
        parts.append(told["done_permille"])
        assert told["done"] == (parts[-1] == 1000) and len(parts) < 20
    return parts


def test_a_small_program_is_checked_in_one_call() -> None:
    pump = ready()
    digest = staged(pump, constant(900_000))
    assert pump.call("program.check", digest=digest) == {"digest": digest, "done": True, "done_permille": 1000}
    assert pump.call("program.activate", digest=digest) == {"digest": digest}


def test_a_part_right_after_its_code_was_loaded_is_a_short_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other questions between two parts unload the code, and loading it takes a chip most of a part's time."""
    pump, moves, go_on = ready(), [], app_programs.limits.go_on
    digest = staged(pump, full_week())
    finished(pump, digest)
    peaks = dict(pump.pump.setup.staged(digest).peaks)
    again = ready()
    staged(again, full_week())
    monkeypatch.setattr(app_programs.limits, "go_on", lambda entries, search, most: (moves.append(most), go_on(entries, search, most))[1])
    done = False
    while not done:
        monkeypatch.setattr(app_programs, "_called", [])
        done = again.call("program.check", digest=digest)["done"]
    assert max(moves) <= app_programs.MOST_MOVES // 8 and again.pump.setup.staged(digest).peaks == peaks


@pytest.mark.parametrize("most", [241, 335, 671])
def test_a_search_is_not_at_its_end_before_every_window_was_searched(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setattr(app_programs, "MOST_MOVES", most)
    pump = ready()
    row = pump.pump.setup.staged(staged(pump, full_week()))
    made = app_programs.unpack(row.packed)
    made.peaks = row.peaks
    while app_programs.search(made, row) < app_programs.PERMILLE:
        assert len(made.peaks) < 3 or row.search is None
    assert len(made.peaks) == 3 and row.search is None


def test_the_largest_program_is_told_in_small_pieces() -> None:
    """A pump in use has 100 kB free but few pieces of 5 kB: text, JSON, reply and line would take one each."""
    import base64

    pump, sizes = ready(), []
    write = pump.board.link.write
    pump.board.link.write = lambda data: (sizes.append(len(data)), write(data))[1]
    packed = packing.pack(full_week())
    told = pump.call("program.stage", program=base64.b64encode(packed).decode())
    assert base64.b64decode(told["program"]) == packed and told["bytes"] == len(packed)
    finished(pump, told["digest"])
    pump.call("program.activate", digest=told["digest"])
    assert base64.b64decode(pump.call("program.read")["program"]) == packed
    assert sum(sizes) > 2 * 4 * len(packed) // 3 and max(sizes) <= 600


@pytest.mark.rule("R5")
def test_a_large_program_is_checked_in_parts_and_activated_with_what_they_found() -> None:
    pump = ready()
    digest = begun(pump)
    parts = finished(pump, digest)
    assert parts == sorted(set(parts)) and len(parts) >= 3
    moved = []
    kept, app_programs.limits.go_on = app_programs.limits.go_on, lambda *values: moved.append(values)
    try:
        assert pump.call("program.activate", digest=digest) == {"digest": digest}
    finally:
        app_programs.limits.go_on = kept
    assert not moved and pump.pump.setup.program.highest_rate_nl() == 900_006


@pytest.mark.rule("R5")
def test_what_was_not_checked_is_not_activated() -> None:
    pump = ready()
    digest = staged(pump, constant(900_000))
    assert pump.fault("program.activate", digest=digest) == "not_checked"
    digest = begun(pump)
    pump.call("stop")
    assert pump.fault("program.activate", digest=digest) == "not_checked"
    assert not pump.records("program_activated")


@pytest.mark.rule("R5")
def test_what_the_ceilings_forbid_is_refused_by_the_check_however_often_it_is_asked() -> None:
    pump = ready()
    digest = staged(pump, constant(700_000_001))
    for _ in range(3):
        assert pump.fault("program.check", digest=digest) == "rate_above_ceiling"
        assert pump.fault("program.activate", digest=digest) == "not_checked"
    pump.upload(constant(1_000_000))  # a refused check is over


def test_an_unknown_program_is_not_checked_and_the_active_one_is_done() -> None:
    pump = ready()
    assert pump.fault("program.check", digest="0" * 64) == "not_staged"
    digest = pump.upload(constant(900_000))
    pump.pump.setup.forget_staged()
    assert pump.call("program.check", digest=digest)["done"]


@pytest.mark.rule("R10")
def test_while_a_check_is_under_way_questions_are_answered_and_changes_are_busy() -> None:
    pump = running()
    digest, token = begun(pump), pump.token()
    for method in ("hello", "status", "alarms", "program.read", "calibration.read"):
        pump.call(method)
    pump.call("bolus.status", token=token)
    changes = {
        "clock.set": {"utc_s": MONDAY_UTC_S, "offset_s": 0}, "program.activate": {"digest": digest}, "start": {}, "ack": {"fault": 609},
        "bolus.start": {"token": token, "volume_nl": 60_000, "rate_nl": 3_600_000}, "calibration.set": {"calibration": ""},
    }
    for method, params in changes.items():
        refused = pump.ask(method, **params)["error"]["data"]
        assert (refused["fault"], refused["digest"], refused["wait_s"]) == ("busy", digest, 10), method
    assert pump.fault("program.check", digest=staged(pump, constant(5))) == "busy"
    finished(pump, digest)
    pump.call("bolus.start", token=token, volume_nl=60_000, rate_nl=3_600_000)


@pytest.mark.rule("R8")
def test_what_was_refused_as_busy_is_done_when_it_is_sent_again() -> None:
    pump = running()
    token, digest = pump.token(), begun(pump)
    line = pump.request("bolus.start", token=token, volume_nl=60_000, rate_nl=3_600_000)
    assert b'"busy"' in pump.line(line)
    finished(pump, digest)
    assert b'"ordered_steps"' in pump.line(line)


@pytest.mark.rule("R8")
@pytest.mark.parametrize("word", [b"stop\n", None])
def test_stop_acts_at_once_and_ends_the_check(word: bytes | None) -> None:
    pump = running()
    digest = begun(pump)
    if word:
        pump.line(word)
    else:
        pump.call("stop")
    assert pump.state() == "stopped"
    pump.call("start")
    finished(pump, digest)


def test_a_check_that_nobody_goes_on_with_is_over_after_ten_seconds() -> None:
    pump = running()
    begun(pump)
    pump.advance(TEN_S / 1000 - 1)
    assert pump.fault("clock.set", utc_s=MONDAY_UTC_S, offset_s=0) == "busy"
    pump.advance(1.1)
    assert pump.fault("start") == "not_stopped"


def test_a_check_that_was_left_goes_on_where_it_was() -> None:
    pump = ready()
    digest = begun(pump)
    pump.advance(11)
    other = staged(pump, constant(7))
    assert pump.call("program.check", digest=other)["done"]
    finished(pump, digest)
    pump.call("program.activate", digest=digest)


@pytest.mark.rule("R5")
def test_another_calibration_makes_void_what_was_checked() -> None:
    pump = ready()
    digest = begun(pump)
    finished(pump, digest)
    pump.pump.setup.forget_staged()  # like app.programs.programs.recalibrated
    assert pump.fault("program.activate", digest=digest) == "not_staged"
    assert staged(pump, full_week()) == digest
    assert pump.fault("program.activate", digest=digest) == "not_checked"


def test_staging_the_same_again_keeps_what_is_known_of_it() -> None:
    pump = ready()
    digest = begun(pump)
    finished(pump, digest)
    assert staged(pump, full_week()) == digest
    pump.call("program.activate", digest=digest)


def test_a_program_that_two_others_pushed_out_is_not_staged_and_holds_nothing_up() -> None:
    pump = ready()
    digest = begun(pump)
    for rate_nl in (1, 2):
        staged(pump, constant(rate_nl))
    assert pump.fault("program.check", digest=digest) == "not_staged"
    pump.call("clock.set", utc_s=MONDAY_UTC_S, offset_s=0)


ENTRIES = st.lists(st.integers(0, 10_079), min_size=1, max_size=336, unique=True).flatmap(
    lambda minutes: st.lists(st.integers(0, 900_000_000), min_size=len(minutes), max_size=len(minutes)).map(
        lambda rates: list(zip(sorted(minutes), rates))
    )
)


@pytest.mark.rule("R5")
@settings(deadline=None, max_examples=25)
@given(ENTRIES, st.booleans())
def test_the_parts_say_what_one_check_of_the_whole_says(entries: list, more: bool) -> None:
    made = packing.Program("n", "f", 3600, entries)
    made.mode = packing.SCHEDULE
    if more:
        with_settings(made, demand_on=1, demand_nl=600_000, demand_s=60, lockout_s=600, demand_per_day=9, hard_day_nl=9_000_000_000)
    pump = ready()
    said = pump.judge(packing.pack(made))
    setup = pump.pump.setup
    try:
        app_programs.limits.check_program(packing.unpack(packing.pack(made)), setup.bench, setup.calibration)
        assert said["result"]["done"]
    except app_programs.limits.Refusal as refused:
        assert said["error"]["data"]["fault"] == refused.fault.name
        assert {key: said["error"]["data"][key] for key in refused.detail} == refused.detail
