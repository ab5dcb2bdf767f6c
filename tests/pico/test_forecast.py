"""How long one block of a forecast holds the chip's loop, and that its digest is the laptop's."""

import ast

from pumpcore.motion.dose import Calibration
from pumpcore.program.forecast import Forecast
from pumpcore.program.plan import SCHEDULE, Program
from pumpcore.program.schedule import Zone
from support.emulator.board import EmulatedBoard

UTC_S = 1_792_800_000
LONGEST_BLOCK_MS = 1_000  # the queue has at least 2.5 s left when a handler begins
BUILD = """
import time
from pumpcore.motion.dose import Calibration
from pumpcore.program.forecast import Forecast
from pumpcore.program.plan import Program
from pumpcore.program.schedule import Zone
made = Program("w", "f", 3600, [(minute, 1 + 7919 * minute % 900001) for minute in range(0, 10080, 30)])
made.mode = 1
"""
ASK = f"""
forecast = Forecast(made, Calibration(1000003, 99991), {UTC_S}, Zone(7200, 1792890000, 3600), 3)
cursor = forecast.begin(bytes(32))
"""
WALK = """
longest = 0
while cursor.second_s < forecast.end_s:
    t = time.ticks_ms()
    cursor = forecast.block(cursor)
    longest = max(longest, time.ticks_diff(time.ticks_ms(), t))
"""


def test_a_block_is_quick_and_right(chip: EmulatedBoard, record_property) -> None:
    chip.exec(BUILD)
    chip.exec(ASK)
    chip.exec(WALK)
    longest_ms, digest = ast.literal_eval(chip.exec("print(repr((longest, cursor.chain)))"))
    made = Program("w", "f", 3600, [(minute, 1 + 7919 * minute % 900_001) for minute in range(0, 10_080, 30)])
    made.mode = SCHEDULE
    forecast = Forecast(made, Calibration(1_000_003, 99_991), UTC_S, Zone(7200, 1_792_890_000, 3600), 3)
    cursor = forecast.begin(bytes(32))
    while cursor.second_s < forecast.end_s:
        cursor = forecast.block(cursor)
    assert digest == cursor.chain
    record_property("figure", f"emulated: a forecast block of 64 rows holds the loop for {longest_ms} ms; 30 days take 23 of them")
    assert longest_ms < LONGEST_BLOCK_MS
