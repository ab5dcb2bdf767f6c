"""The week, its fullest windows, the ceilings of staging, and the windows that run."""

from pumpcore.bench.bench import Bench, BenchError, parse
from pumpcore.faults.fault_texts import sentence
from pumpcore.faults.faults import Refusal
from pumpcore.limits.limits import Ceilings, Windows, check_program, highest_window_nl
from pumpcore.orders.bolus import Bolus
from pumpcore.program import schedule
from pumpcore.program.plan import SCHEDULE, Program

TABLE = {
    "name": "b",
    "target": "sim",
    "clock_chip": True,
    "ceilings": {"rate_nl": 10_000_000, "rate_seconds_s": 3600, "hour_nl": 5_000_000, "day_nl": 40_000_000},
    "motor": {"driver": "sim", "max_rate_hz": 2_000, "microsteps": 16},
    "calibration": {"volume_nl": 1_000_003, "steps": 99_991, "state": "UNCALIBRATED"},
}


def _week(seed: int, count: int, most_nl: int) -> Program:
    entries, minute = [], seed % 60
    for _index in range(count):
        seed = (seed * 1_103_515_245 + 12_345) & 0x7FFFFFFF
        entries.append((minute, seed % (most_nl + 1)))
        minute += 1 + (seed >> 8) % (10_080 // count)
    made = Program("w", "f", 3600 * (1 + seed % 3), entries)
    made.mode = SCHEDULE
    return made


def _refusal(act: object) -> list:
    try:
        act()
    except Refusal as refused:
        return [refused.fault.number, sentence(refused)]
    return []


def _staged(rig: Bench) -> list:
    weeks = [_week(seed, count, most_nl) for seed in (1, 77, 4_711) for count in (1, 5, 40) for most_nl in (900, 400_000, 30_000_000)]
    found = [[str(highest_window_nl(made, minutes)) for minutes in (1, 61, 1441, 10_081)] for made in weeks]
    found += [_refusal(lambda made=made: check_program(made, rig, rig.calibration)) for made in weeks]
    wider = _week(3, 2, 100)
    wider.hour_nl = 5_000_001
    return found + [_refusal(lambda: check_program(wider, rig, rig.calibration))]


def _windows(rig: Bench) -> list:
    windows, ceilings, told, seed = Windows(), Ceilings(rig, rig.calibration, _week(1, 1, 1)), [], 5
    for _ in range(400):
        seed = (seed * 1_103_515_245 + 12_345) & 0x7FFFFFFF
        windows.move_to(windows.minute + seed % 50)
        windows.add(seed % 30_000)
        told.append([windows.minute, windows.hour_steps, windows.day_steps, windows.full(ceilings, 5)])
    return told


def _boluses(rig: Bench) -> list:
    told = []
    for volume_nl, rate_nl in ((60_000, 3_600_000), (10, 1), (5_000, 9_000_000), (11, 11), (1 << 48, 1 << 40)):
        told.append(_refusal(lambda volume_nl=volume_nl, rate_nl=rate_nl: Bolus("0" * 16, volume_nl, rate_nl, 3600, rig.calibration)))
    made = Bolus("0" * 16, 60_001, 3_000_017, 3600, rig.calibration)
    while made.rest_s() > 0:
        told.append([made.advance(min(4, made.rest_s())), made.planned_steps, made.planned_s, made.lease_s()])
    return told


def _benches() -> list:
    told = []
    for change in ({}, {"more": 1}, {"name": ""}, {"clock_chip": 1}, {"motor": {}}, {"calibration": {"volume_nl": 1, "steps": 1 << 32}}):
        table = dict(TABLE)
        table.update(change)
        try:
            told.append(Bench(table).calibration.describe()["steps"])
        except BenchError as error:
            told.append(str(error))
    for payload in (b"", b"[]", b"{", b"null", b"\xff"):
        try:
            told.append(parse(payload).name)
        except BenchError as error:
            told.append(str(error))
    return told


def _weeks() -> list:
    """Local time over a skipped and a repeated hour, new year, a leap day, and with no change known."""
    told = []
    for utc_s, before_s, at_s, behind_s in (
        (1_774_744_000, 3600, 1_774_746_000, 7200), (1_792_887_000, 7200, 1_792_890_000, 3600), (1_830_294_000, 3600, 1_830_297_600, 3600),
        (1_835_398_800, -18_000, 1_835_402_400, -14_400), (1_767_571_200, 19_800, 0, 0),
    ):
        for entries in (_week(9, 30, 100).entries, [(6 * 1440 + 120, 1), (6 * 1440 + 150, 2)], [(0, 5)]):
            week = schedule.Week(utc_s, schedule.Zone(before_s, at_s, behind_s))
            told += [[week.local_s(second_s), week.until_change_s(entries, second_s)] for second_s in range(0, 9_000, 500)]
    return told


def run() -> list:
    rig = Bench(TABLE)
    entries = _week(9, 30, 100).entries
    seconds = range(0, 604_800, 4_001)
    week = [[schedule.entry_at(entries, second_s), schedule.seconds_to_next(entries, second_s)] for second_s in seconds]
    days = [
        schedule.second_of_week(utc_s, offset_s)
        for utc_s in (1, 951_782_400, 1_767_571_200, 4_294_967_295)
        for offset_s in (-86_400, 0, 19_800)
    ]
    return [week, days, _weeks(), _staged(rig), _windows(rig), _boluses(rig), _benches()]
