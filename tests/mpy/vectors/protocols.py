"""Protocols: places, sums and bytes, with the largest numbers that are legal."""

from pumpcore.faults.faults import Refusal
from pumpcore.limits import windows
from pumpcore.motion.dose import Calibration
from pumpcore.program.forecast import Forecast
from pumpcore.program.packing import BY_STAGES, digest, pack, unpack
from pumpcore.program.plan import Program
from pumpcore.program.protocol import HOLD, Protocol
from pumpcore.program.schedule import Week, Zone

MONDAY_UTC_S = 1_767_571_200


def _made(stages: list, loops: list, then: int, seconds_s: int) -> Program:
    made = Program("p", "f", seconds_s, [])
    made.mode = BY_STAGES
    made.protocol = Protocol(stages, loops)
    made.protocol.then = then
    return made


CASES = (
    ([(10, 0, 20), (50, 20, 20), (10, 20, 0), (3000, 0, 0)], [(0, 4, 168)], 0, 3600),
    ([(4_294_967_295, 1 << 48, 1 << 48)] * 3, [(0, 2, 4_294_967_295)], HOLD, 4_294_967_295),
    ([(32_768, 0, 1 << 48), (32_768, 1 << 48, 0)], [(0, 2, 0)], 0, 1),
    ([(3600 * 6, 0, 43_200_000_000), (10, 7, 7)], [], HOLD, 86_400),
)


def _peak(protocol: Protocol, minutes: int) -> str:
    state = windows.begin_peak(protocol, minutes)
    while windows.go_on(protocol, state, 7):
        continue
    return str(state[-1])


def run() -> list:
    told = []
    for case in CASES:
        made = _made(*case)
        packed = pack(made)
        again = unpack(packed).protocol
        told.append([len(packed), digest(packed), str(again.end_s()), str(again.total_nl_s())])
        told.append([str(again.highest_nl()), str(again.lowest_rate_nl())])
        for second_s in (-5, 0, 9, 10, 69, 70, 3069, 3070, 65_536, 1_000_000_007, 1 << 39):
            place = again.place(second_s)
            rate_nl = again.rate_nl(place.entry, place.second_s)
            row = [place.entry, place.number, place.second_s, str(place.left_s), str(rate_nl), str(again.by_nl_s(max(0, second_s)))]
            told.append(row + [str(again.highest_within_nl(max(0, second_s), second_s + 100_000))])
        told.append([_peak(again, minutes) for minutes in (61, 1441)])
        forecast = Forecast(unpack(packed), Calibration(1_000_003, 99_991), MONDAY_UTC_S, Zone(3600), 3)
        cursor = forecast.block(forecast.begin(bytes(32)))
        told.append([cursor.second_s, str(cursor.remainder), cursor.chain.hex()])
    at = Protocol([(10, 1, 1)])
    at.start, at.start_value = 2, 150
    for zone in (Zone(0), Zone(7200), Zone(0, MONDAY_UTC_S + 7200, 3600), Zone(0, MONDAY_UTC_S + 3600, -3600)):
        told.append(at.wait_s(Week(MONDAY_UTC_S, zone)))
    for stages, loops in (([(9, 1, 1)], []), ([(10, 0, 21)], []), ([(10, 1, 1)], [(0, 2, 1)])):
        try:
            unpack(pack(_made(stages, loops, 0, 1)))
        except Refusal as error:
            told.append([error.fault.name, sorted(error.detail.items())])
    return told
