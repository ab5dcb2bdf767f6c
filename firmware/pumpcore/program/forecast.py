"""Forecast the basal of a program: its changes, the steps between them, and a digest. The same on pump and laptop.

It works in blocks of 64 rows from a cursor, so that neither the memory nor the time of a block grows with the days. The digest is a chain:
SHA-256 of the head, then for each block SHA-256 of the digest so far and the block's packed rows.
"""

import hashlib
import struct

from pumpcore.faults.faults import Refusal
from pumpcore.motion.dose import Accumulator, Calibration
from pumpcore.program.plan import Program
from pumpcore.program.schedule import Week, Zone, entry_at
from pumpcore.units import S_PER_DAY, const

if 0:  # for the type checker alone
    from pumpcore.shapes import Ahead, Crossing, Iterator, Protocol

BLOCK_ROWS = const(64)
MOST_ROWS = const(199 * BLOCK_ROWS)  # a host asks at most 200 times; a bridge adds less than a block
LONGEST_DAYS = const(31)
CHAIN_BYTES = const(32)
_HEAD = const("<IiIiHII")
_ROW = const("<IQQ")
_BRIDGE = const("<QQQQQ")


class Cursor:
    """Where a block begins. At the end `second_s` is that of the forecast and `chain` the digest; `position_steps` counts for a bridge."""

    def __init__(self, second_s: int, remainder: int, chain: bytes, position_steps: int = 0) -> None:
        self.second_s = second_s
        self.remainder = remainder
        self.chain = chain
        self.position_steps = position_steps


class Stretch:
    """The seconds of a ramp from second `at_s` of a protocol on, until the stage changes."""

    def __init__(self, protocol: "Protocol", at_s: int) -> None:
        self.protocol = protocol
        self.at_s = at_s
        self.left_s = protocol.place(at_s).left_s

    def nl_s(self, duration_s: int) -> int:
        """Return the sum of the rates of the next `duration_s`."""
        return self.protocol.between_nl_s(self.at_s, self.at_s + duration_s)


def begun(protocol: "Protocol", at_s: int) -> int:
    """Return how many stages have begun before second `at_s`, with their repeats."""
    found = 0
    for part in protocol.parts():
        if at_s > part.begin_s:
            number, rest_s = divmod(min(at_s, part.end_s) - part.begin_s, part.lasts_s)
            found += number * part.count
            index = part.first
            while rest_s > 0:
                rest_s -= protocol.stages[index][0]
                found, index = found + 1, index + 1
    return found


class Forecast:
    """The basal from `utc_s` for `days` days in the local time of `zone`. A program that needs no clock ignores the zone."""

    def __init__(self, program: Program, calibration: Calibration, utc_s: int, zone: Zone, days: int) -> None:
        self._program = program
        self._calibration = calibration
        self._week = Week(utc_s, zone)
        self._utc_s = utc_s
        self._zone = zone
        self._days = days
        self.end_s = days * S_PER_DAY
        self.crossing: "Crossing | None" = None  # a bridge that runs from the beginning
        self._wait_s = 0 if program.protocol is None else program.protocol.wait_s(self._week)

    def begin(self, digest: bytes, position_steps: int = 0) -> Cursor:
        """Return the first cursor. `digest` is the program's, 32 bytes.

        Refusal `bad_params` with the most days if a protocol has too many stages for a host to ask for all.
        """
        protocol = self._program.protocol
        if protocol is not None and begun(protocol, self.end_s) > MOST_ROWS:
            days = self._days - 1
            while begun(protocol, days * S_PER_DAY) > MOST_ROWS:
                days -= 1
            cause = "so many days have too many stages"
            raise Refusal("bad_params", parameter="days", rule="R7", cause=cause, asked=self._days, limit=days, nearest=days)
        pair, crossing = self._calibration, self.crossing
        head = struct.pack(_HEAD, self._utc_s, *self._zone.values(), self._days, pair.volume_nl, pair.steps)
        if crossing is not None:
            values = crossing.numerator, crossing.denominator, crossing.old_until, crossing.new_from, position_steps
            head += struct.pack(_BRIDGE, *values)
        return Cursor(0, 0, hashlib.sha256(digest + head).digest(), position_steps)

    def rows(self, second_s: int, remainder: int, position_steps: int = 0) -> "Iterator[tuple[int, int, int, tuple[int, int], int]]":
        """Yield (second, rate_nl, steps until the next row, (remainder, position) after it, part) from a cursor on.

        A row begins where an entry begins or the offset changes, even if the rate stays, and where the phase of a bridge changes. A ramp
        is one row, with the rate of its first second. The rate is rounded down; the missing `part` is in 1 / the bridge's denominator.
        Refusal `bad_params` if no cursor can have this remainder.
        """
        accumulator, crossing = Accumulator(self._program.rate_seconds_s, self._calibration), self.crossing
        if crossing is not None and position_steps >= crossing.new_from:
            crossing = None
        if crossing is not None:
            accumulator.refine(crossing.parts())
        if remainder >= accumulator.modulus:  # a bridge would go backwards with it
            raise Refusal("bad_params", parameter="remainder", limit=accumulator.modulus - 1)
        accumulator.remainder = remainder
        while second_s < self.end_s:
            rate_nl, lasts_s, ahead = self._piece(second_s)
            part = 0
            if crossing is None:
                steps = accumulator.advance(rate_nl, lasts_s) if ahead is None else accumulator.advance(ahead.nl_s(lasts_s), 1)
            else:
                lasts_s = min(lasts_s, crossing.judge(accumulator, rate_nl, position_steps, ahead))
                fine_nl = crossing.of(rate_nl)
                steps = accumulator.advance(fine_nl, lasts_s) if ahead is None else accumulator.advance(crossing.of(ahead.nl_s(lasts_s)), 1)
                rate_nl, part = divmod(fine_nl, crossing.parts())
            position_steps += steps
            if crossing is not None and position_steps >= crossing.new_from:
                accumulator.coarsen(crossing.parts())
                crossing = None
            yield second_s, rate_nl, steps, (accumulator.remainder, position_steps), part
            second_s += lasts_s

    def _piece(self, second_s: int) -> "tuple[int, int, Ahead | None]":
        """Return (rate, seconds until it changes, the seconds ahead if it is a ramp)."""
        program, left_s = self._program, self.end_s - second_s
        protocol, at_s = program.protocol, second_s - self._wait_s
        if protocol is not None:
            place = protocol.place(at_s)
            ahead = Stretch(protocol, at_s) if protocol.ramps(place.entry) else None
            return protocol.rate_nl(place.entry, place.second_s), min(left_s, place.left_s), ahead
        entries = program.entries
        if not program.needs_clock():
            return entries[0][1], left_s, None
        return entries[entry_at(entries, self._week.local_s(second_s))][1], min(left_s, self._week.until_change_s(entries, second_s)), None

    def block(self, cursor: Cursor) -> Cursor:
        """Return the cursor after the next 64 rows or after the last."""
        hashed, count = hashlib.sha256(cursor.chain), 0
        remainder, position_steps = cursor.remainder, cursor.position_steps
        for at_s, rate_nl, steps, behind, _ in self.rows(cursor.second_s, remainder, position_steps):
            if count == BLOCK_ROWS:
                return Cursor(at_s, remainder, hashed.digest(), position_steps)
            hashed.update(struct.pack(_ROW, at_s, rate_nl, steps))
            (remainder, position_steps), count = behind, count + 1
        return Cursor(self.end_s, remainder, hashed.digest(), position_steps)
