"""Search a protocol for its fullest rolling window. Loaded only while one is checked.

The sum of a window of whole seconds is a function of the second in which it begins. Between two changes of a stage, at its begin or at
its end, it is linear, or with a ramp quadratic: the largest is at a change, or in the second in which the rate at its end stops being the
higher one. Where begin and end each lie in a loop, or in a stage without a ramp, it repeats after the least common multiple of both
lengths, less or more by the same amount each time: then the first and the last of these repeats hold the largest, and those between are
skipped.

The first window begins with the protocol: one that begins earlier holds no more. For the same reason the last one ends with it.
"""

from pumpcore.faults.faults import Refusal
from pumpcore.program.schedule import NEVER_S
from pumpcore.units import S_PER_MINUTE, const

if 0:  # for the type checker alone
    from pumpcore.shapes import Protocol

MOST_MOVES = const(9_000)  # of one window: 60 calls, each a part of a second
MOVES = const(6)  # where a search has all its moves


class _Unit:
    """A loop, or a stage outside of one, from `begin_s` to `end_s`: `count` stages in each `period_s`, which hold `nl_s`.

    Period 0: a ramp, which never repeats.
    """

    def __init__(self, first: int, count: int, begin_s: int, end_s: int) -> None:
        self.first = first
        self.count = count
        self.begin_s = begin_s
        self.end_s = end_s
        self.period_s = self.nl_s = 0


def _units(protocol: "Protocol") -> "list[_Unit]":
    found = []
    for part in protocol.parts():
        if part.times != 1:
            found.append(_Unit(part.first, part.count, part.begin_s, part.end_s))
            found[-1].period_s, found[-1].nl_s = part.lasts_s, part.nl_s
            continue
        at_s = part.begin_s
        for index in range(part.first, part.first + part.count):
            lasts_s, begin_nl, end_nl = protocol.stages[index]
            found.append(_Unit(index, 1, at_s, at_s + lasts_s))
            if begin_nl == end_nl:
                found[-1].period_s, found[-1].nl_s = 1, begin_nl
            at_s += lasts_s
    last = len(protocol.stages)
    found.append(_Unit(last, 1, found[-1].end_s, NEVER_S << 40))
    found[-1].period_s, found[-1].nl_s = 1, protocol.rate_nl(last, 0)
    return found


def _together_s(one: _Unit, other: _Unit) -> int:
    """Return after how many seconds both repeat; 0 for never."""
    common, rest = one.period_s, other.period_s
    while rest:
        common, rest = rest, common % rest
    return one.period_s * other.period_s // common if common else 0


class _Edge:
    """Begin or end of the window: in a stage of a unit, `second_s` after its begin and `left_s` before its end."""

    def __init__(self, protocol: "Protocol", units: "list[_Unit]", at_s: int) -> None:
        self._protocol = protocol
        self._units = units
        self._number = 0
        while units[self._number].end_s <= at_s:
            self._number += 1
        self.unit = units[self._number]
        place = protocol.place(at_s)
        self.at_s = at_s
        self._enter(place.entry)
        self.second_s, self.left_s = place.second_s, place.left_s

    def _enter(self, entry: int) -> None:
        self._entry, self.second_s = entry, 0
        if entry < len(self._protocol.stages):
            self.left_s, self._begin_nl, end_nl = self._protocol.stages[entry]
            self.by_nl = (end_nl - self._begin_nl) // (2 * self.left_s)
        else:
            self.left_s, self._begin_nl, self.by_nl = NEVER_S << 40, self._protocol.rate_nl(entry, 0), 0

    def rate_nl(self) -> int:
        """Return the rate in this second."""
        return self._begin_nl + (2 * self.second_s + 1) * self.by_nl

    def pass_nl_s(self, seconds_s: int) -> int:
        """Move on, at most to the end of the stage. Return the sum of the rates."""
        passed = seconds_s * (self._begin_nl + self.by_nl * (2 * self.second_s + seconds_s))
        self.at_s += seconds_s
        self.second_s += seconds_s
        self.left_s -= seconds_s
        if not self.left_s:
            unit, entry = self.unit, self._entry + 1
            if self.at_s == unit.end_s:
                self._number += 1
                self.unit = self._units[self._number]
                entry = self.unit.first
            elif entry == unit.first + unit.count:
                entry = unit.first
            self._enter(entry)
        return passed

    def skip(self, seconds_s: int) -> None:
        """Move on by whole repeats of the unit, within it."""
        self.at_s += seconds_s
        if self.unit.period_s == 1:
            self.second_s += seconds_s
            self.left_s -= seconds_s


def _last_s(protocol: "Protocol", window_s: int) -> int:
    """Return the last second in which a window has to begin."""
    part = protocol.parts()[-1]
    if not part.times:
        return part.begin_s + part.lasts_s
    return part.end_s if protocol.rate_nl(len(protocol.stages), 0) else max(0, part.end_s - window_s)


def _moves(units: "list[_Unit]", window_s: int, last_s: int) -> int:
    """Return about how many moves a search makes."""
    moves, at_s, out, into = 1, 0, 0, 0
    while at_s < last_s:
        while units[out].end_s <= at_s:
            out += 1
        while units[into].end_s <= at_s + window_s:
            into += 1
        range_s = min(units[out].end_s - at_s, units[into].end_s - at_s - window_s, last_s - at_s)
        walked_s, together_s = range_s, _together_s(units[out], units[into])
        if together_s:
            walked_s = min(range_s, 3 * together_s)
        for unit in (units[out], units[into]):
            moves += 1 + (walked_s * unit.count // unit.period_s if unit.period_s > 1 else 0)
        at_s += range_s
    return moves


# A search is kept between two calls as a list of whole numbers, like that of limits.py: minutes, moves left, the second in which the window
# begins, its sum, the second from which on repeats are skipped, 1 if that has to be found, all moves, the highest sum.


def begin_peak(protocol: "Protocol", minutes: int) -> list[int]:
    """Begin the search with the window that begins with the protocol. Refusal `program_protocol` if it would take too long."""
    window_s = minutes * S_PER_MINUTE
    moves = _moves(_units(protocol), window_s, _last_s(protocol, window_s))
    if moves > MOST_MOVES:
        cause = "its loops of short stages meet in too many ways to check; give them lengths with a common measure, or fewer repeats"
        raise Refusal("program_protocol", rule="R5", cause=cause, asked=moves, limit=MOST_MOVES, nearest=MOST_MOVES)
    total = protocol.by_nl_s(window_s)
    return [minutes, moves, 0, total, 0, 1, moves, total]


def go_on(protocol: "Protocol", state: list[int], most: int) -> int:
    """Move the window on, at most `most` times. Return the moves left, about; 0 when it is done."""
    minutes, left, at_s, total, skip_s, look, moves, highest = state
    window_s = minutes * S_PER_MINUTE
    last_s, units = _last_s(protocol, window_s), _units(protocol)
    out, into = _Edge(protocol, units, at_s), _Edge(protocol, units, at_s + window_s)
    for _ in range(most):
        if at_s >= last_s:
            break
        ends = out.unit, into.unit
        range_s = min(ends[0].end_s - at_s, ends[1].end_s - at_s - window_s, last_s - at_s)
        together_s = _together_s(out.unit, into.unit) if look or at_s == skip_s else 0
        if look:
            skip_s, look = (at_s + together_s, 0) if range_s > 2 * together_s > 0 else (-1, 0)
        elif at_s == skip_s:
            times, skip_s = range_s // together_s - 1, -1
            by_s = times * together_s
            at_s += by_s
            total += by_s // ends[1].period_s * ends[1].nl_s - by_s // ends[0].period_s * ends[0].nl_s
            out.skip(by_s)
            into.skip(by_s)
        move_s = min(out.left_s, into.left_s, last_s - at_s)
        if skip_s > at_s:
            move_s = min(move_s, skip_s - at_s)
        highest = max(highest, _crossing(total, into.rate_nl() - out.rate_nl(), 2 * (into.by_nl - out.by_nl), move_s))
        total += into.pass_nl_s(move_s) - out.pass_nl_s(move_s)
        at_s += move_s
        highest = max(highest, total)
        look = int(look or ends[0] is not out.unit or ends[1] is not into.unit)
    left = max(1, left - most) if at_s < last_s else 0
    state[:] = minutes, left, at_s, total, skip_s, look, moves, highest
    return left


def _crossing(total: int, ahead_nl: int, by_nl: int, move_s: int) -> int:
    """Return the sum where the rate at the end stops being the higher one, by `ahead_nl` now and `by_nl` more each second."""
    if ahead_nl <= 0 or by_nl >= 0:
        return 0
    at_s = min(move_s, -(ahead_nl // by_nl))
    return total + at_s * ahead_nl + at_s * (at_s - 1) // 2 * by_nl
