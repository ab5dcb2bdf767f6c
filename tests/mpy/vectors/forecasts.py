"""A month of a program, in rows and as a digest: a difference between the Pythons would be two forecasts."""

from pumpcore.fluid.front import Crossing
from pumpcore.motion.dose import Calibration
from pumpcore.program.forecast import Forecast
from pumpcore.program.plan import SCHEDULE, Program
from pumpcore.program.schedule import Zone

UTC_S = 1_792_800_000  # a Saturday, the day before the clocks go back in Berlin
BERLIN = Zone(7200, 1_792_890_000, 3600)


def _week(step_min: int, seconds_s: int) -> Program:
    made = Program("w", "f", seconds_s, [(minute, 1 + 7_919 * minute % 900_001) for minute in range(0, 10_080, step_min)])
    made.mode = SCHEDULE
    return made


def run() -> list:
    told = []
    cases = (
        (_week(30, 3600), Calibration(1_000_003, 99_991), BERLIN),
        (_week(1439, 4_294_967_295), Calibration((1 << 32) - 1, (1 << 32) - 1), Zone(-18_000)),
        (Program("c", "f", 86_400, [(0, 1 << 48)]), Calibration(1, 9), Zone(0, UTC_S + 5, 60)),
    )
    bridges = (None, Crossing((7, 3), 40_000, 50_000), Crossing((999_999_999_989, 1 << 40), 1 << 40, (1 << 40) + 1))
    for (made, pair, zone), bridge in [(case, bridge) for case in cases for bridge in bridges if bridge is None or case is not cases[1]]:
        forecast = Forecast(made, pair, UTC_S, zone, 30)
        forecast.crossing = bridge
        cursor = forecast.begin(bytes(range(32)), 123)
        while cursor.second_s < forecast.end_s:
            cursor = forecast.block(cursor)
            told.append([cursor.second_s, str(cursor.remainder), cursor.chain.hex(), str(cursor.position_steps)])
        told.append([[str(part) for part in row] for row, _ in zip(forecast.rows(0, 0, 123), range(9))])
    return told
