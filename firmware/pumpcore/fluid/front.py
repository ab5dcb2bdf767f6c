"""What the line holds: two contents, the front (concentration boundary) between them, and the bridge across it."""

import struct

from pumpcore.motion.dose import Accumulator, Calibration
from pumpcore.program.schedule import NEVER_S
from pumpcore.units import U64_MAX, ceil_div, const

if 0:  # for the type checker alone
    from pumpcore.shapes import Ahead, Content, Program

# --- front -------------------------------------------------------------------------------------------------------------------
# The line after a change of fluid or concentration: the old content, the new one, and where the front between them is.
#
# The front is a position: the volume that has left the reservoir's outlet since the change. `most_nl` counts uncertain steps as delivered,
# `least_nl` as not delivered. A content has a (name, mass_ng, volume_nl) for each of its drugs; a single one may be a fluid in volumes,
# with (0, 0). The same drugs in another order are the same fluid, another drug in it makes another fluid.

NAME = const("line")
CLEAN, BEHIND, LOST = 0, 1, 2  # all is new; old, then new; unknown, then new
SAME, SETTLED, BRIDGE, PRIME = "", "settled", "bridge", "prime"
UNKNOWN = const((("", 0, 0),))
TOLERANCE_PERMILLE = const(100)  # of the measured volume of a line
FIELDS = const(("state", "position_steps", "uncertain_steps", "base_least_nl", "base_most_nl", "volume_nl", "steps"))
_FORMAT = const("<BQQQQIIQQQQBB")
_DRUG = const("<BBQQ")  # of a drug after the first: 0 old or 1 new, bytes of its name, mass_ng, volume_nl


def change(old: "Content", new: "Content") -> str:
    """Return what a change of content takes: SAME, BRIDGE for another concentration, PRIME for another fluid."""
    found = matched(old, new)
    if not found:
        return PRIME
    for was, now in zip(found, new):
        if was[2] and now[2] and was[1] * now[2] != now[1] * was[2]:
            return BRIDGE
    return SAME


def matched(old: "Content", new: "Content") -> "Content":
    """Return `old` with its drugs in the order of `new`; () unless both have the same drugs."""
    found = tuple([drug for one in new for drug in old if drug[0] == one[0]])
    return found if len(found) == len(old) == len(new) else ()


def merged(known: "Content", new: "Content") -> "Content":
    """Return the content of the line if a program names the fluid without its concentration: the known one of that fluid."""
    return new if new[0][2] or known[0][0] != new[0][0] or len(known) > 1 else known


def low_nl(line_nl: int) -> int:
    """Return the least volume of a line that was measured as `line_nl` (less 10 %)."""
    return line_nl - line_nl * TOLERANCE_PERMILLE // 1000


def high_nl(line_nl: int) -> int:
    """Return the largest volume of a line that was measured as `line_nl` (plus 10 %, rounded up)."""
    return line_nl + ceil_div(line_nl * TOLERANCE_PERMILLE, 1000)


class Line:
    """`new` follows `old` since `position_steps`. By then from `base_least_nl` to `base_most_nl` of it had already gone in.

    `volume_nl` and `steps` are the calibration that counts from there; `uncertain_steps` is the pump's sum of them at that position.
    """

    state = CLEAN
    position_steps = uncertain_steps = base_least_nl = base_most_nl = 0
    volume_nl = steps = 1

    def __init__(self, old: "Content", new: "Content") -> None:
        self.old = old
        self.new = new

    def begin(self, state: int, position_steps: int, uncertain_steps: int, calibration: Calibration) -> "Line":
        """Put the front at the outlet, at this position and calibration. Return the line."""
        self.state = state
        self.position_steps, self.uncertain_steps = position_steps, uncertain_steps
        self.volume_nl, self.steps = calibration.volume_nl, calibration.steps
        return self

    def follow(self, other: "Line") -> "Line":
        """Put the front where the front of `other` is. Return the line."""
        for name in FIELDS:
            setattr(self, name, getattr(other, name))
        return self

    def filled(self, content: "Content") -> "Line":
        """Return a line that is full of `content`."""
        return Line(UNKNOWN, merged(self.new, content))

    def most_nl(self, position_steps: int) -> int:
        """Return the farthest that the front can be at this position."""
        return self.base_most_nl + ceil_div(max(0, position_steps - self.position_steps) * self.volume_nl, self.steps)

    def least_nl(self, position_steps: int, uncertain_steps: int) -> int:
        """Return the least far that the front can be. `uncertain_steps` is the pump's sum at this position."""
        sure = position_steps - self.position_steps - (uncertain_steps - self.uncertain_steps)
        return self.base_least_nl + max(0, sure) * self.volume_nl // self.steps

    def old_until(self, line_nl: int) -> int:
        """Return the last position at which the tip surely delivers the old content; below every position if there is none."""
        room_nl = low_nl(line_nl) - self.base_most_nl
        return self.position_steps + room_nl * self.steps // self.volume_nl if room_nl >= 0 else -1

    def new_from(self, line_nl: int, uncertain_steps: int) -> int:
        """Return the first position at which the tip surely delivers the new content."""
        rest_nl = max(0, high_nl(line_nl) - self.base_least_nl)
        return self.position_steps + uncertain_steps - self.uncertain_steps + ceil_div(rest_nl * self.steps, self.volume_nl)

    def passed(self, line_nl: int, position_steps: int, uncertain_steps: int) -> bool:
        """Return True if the front has surely left the line."""
        return self.least_nl(position_steps, uncertain_steps) >= high_nl(line_nl)

    def undone(self, position_steps: int, content: "Content") -> bool:
        """Return True if nothing of the new content has gone in, and `content` is the old one again."""
        return self.state == BEHIND and not self.most_nl(position_steps) and change(self.old, content) == SAME

    def need(self, program: "Program", position_steps: int, uncertain_steps: int) -> str:
        """Return what the line needs before `program` may run: SAME nothing, SETTLED nothing any more, BRIDGE, or PRIME."""
        line_nl, new = program.line_nl(), program.content()
        if not line_nl:
            return SAME
        if self.undone(position_steps, new):
            return SETTLED
        if change(self.new, new):
            return PRIME
        if self.passed(line_nl, position_steps, uncertain_steps):
            return SETTLED
        return PRIME if self.state == LOST else change(self.old, new)

    def describe(self, program: "Program", position_steps: int, uncertain_steps: int) -> dict:
        """Return what the line needs before a start and where its front is, as the protocol reports it."""
        line_nl, need = program.line_nl(), self.need(program, position_steps, uncertain_steps)
        told = {
            "needs": need if need in (BRIDGE, PRIME) else "", "line_nl": line_nl, "low_nl": low_nl(line_nl), "high_nl": high_nl(line_nl),
            "least_nl": self.least_nl(position_steps, uncertain_steps), "most_nl": self.most_nl(position_steps),
            "old_until_steps": max(0, self.old_until(line_nl)), "new_from_steps": self.new_from(line_nl, uncertain_steps),
        }
        for side, content in (("old_", self.old), ("new_", self.new)):
            content = matched(content, program.content()) or content
            for name, value in zip(("fluid", "ng", "nl"), content[0]):
                told[side + name] = value
            told[side + "drugs"] = [{"name": drug[0], "ng": drug[1], "nl": drug[2]} for drug in content[1:]]
        return told

    def counts_by(self, calibration: Calibration) -> bool:
        """Return True if the line counts with this calibration."""
        return (self.volume_nl, self.steps) == (calibration.volume_nl, calibration.steps)

    def move(self, position_steps: int, uncertain_steps: int, calibration: Calibration) -> None:
        """From this position on, count with another calibration."""
        self.base_least_nl, self.base_most_nl = self.least_nl(position_steps, uncertain_steps), self.most_nl(position_steps)
        self.begin(self.state, position_steps, uncertain_steps, calibration)

    def pack(self) -> bytes:
        """Return the bytes of the store's image."""
        contents = self.old, self.new
        texts = [content[0][0].encode() for content in contents]
        values = [getattr(self, name) for name in FIELDS] + list(self.old[0][1:] + self.new[0][1:]) + [len(text) for text in texts]
        for side, content in enumerate(contents):
            for name, mass_ng, volume_nl in content[1:]:
                raw = name.encode()
                texts += [struct.pack(_DRUG, side, len(raw), mass_ng, volume_nl), raw]
        return struct.pack(_FORMAT, *values) + b"".join(texts)


def unpack(packed: bytes) -> Line:
    """Return the line of an image of the store. Raises ValueError if the bytes are not one."""
    head = struct.calcsize(_FORMAT)
    if len(packed) < head:
        raise ValueError("not a line")
    values = struct.unpack(_FORMAT, packed[:head])
    split = head + values[11]
    end = split + values[12]
    if len(packed) < end or values[0] > LOST or not values[5] or not values[6]:
        raise ValueError("not a line")
    contents = [[(packed[head:split].decode(), values[7], values[8])], [(packed[split:end].decode(), values[9], values[10])]]
    while end < len(packed):
        at = end + struct.calcsize(_DRUG)
        if at > len(packed):
            raise ValueError("not a line")
        side, size, mass_ng, volume_nl = struct.unpack(_DRUG, packed[end:at])
        end = at + size
        if side > 1 or end > len(packed):
            raise ValueError("not a line")
        contents[side].append((packed[at:end].decode(), mass_ng, volume_nl))
    line = Line(tuple(contents[0]), tuple(contents[1]))
    for name, value in zip(FIELDS, values):
        setattr(line, name, value)
    return line


# --- crossing ----------------------------------------------------------------------------------------------------------------
# While a bridge runs: the ratio by which the basal is delivered from a position on, and for how long it holds.

OLD, UNCERTAIN = "old", "uncertain"


def ratio(old: "Content", new: "Content") -> tuple[int, int]:
    """Return (numerator, denominator), in lowest terms, by which the basal of `new` delivers the same mass of its first drug from `old`."""
    was, now = (matched(old, new) or old)[0], new[0]
    numerator, denominator = now[1] * was[2], now[2] * was[1]
    common, rest = numerator, denominator
    while rest:
        common, rest = rest, common % rest
    return numerator // common, denominator // common


def of_line(line: "Line", program: "Program", uncertain_steps: int) -> "Crossing":
    """Return the crossing of the front in `line`; `old_until` may be negative."""
    line_nl = program.line_nl()
    return Crossing(ratio(line.old, program.content()), line.old_until(line_nl), line.new_from(line_nl, uncertain_steps))


class Crossing:
    """A bridge over a front. Rates are in 1 / `denominator` nl, with an accumulator that is finer by that factor.

    The tip surely delivers the old content up to position `old_until`, and the new one from `new_from` on.
    """

    def __init__(self, calibration: tuple[int, int], old_until: int, new_from: int) -> None:
        self.numerator, self.denominator = calibration
        self.old_until = old_until
        self.new_from = new_from
        self.phase = UNCERTAIN

    def fits(self, modulus: int) -> bool:
        """Return True if an accumulator of this modulus can be made finer by the denominator within 64 bits."""
        return modulus * self.denominator <= U64_MAX and self.numerator <= U64_MAX

    def parts(self) -> int:
        """Return by which factor the remainder of the basal is finer than the program's."""
        return self.denominator

    def of(self, rate_nl: int) -> int:
        """Return the rate in 1 / `parts` nl for a basal of `rate_nl`. In the uncertain phase it is the lower of both."""
        return rate_nl * (self.numerator if self.phase == OLD else min(self.numerator, self.denominator))

    def judge(self, accumulator: Accumulator, rate_nl: int, position_steps: int, ahead: "Ahead | None" = None) -> int:
        """Set the phase from this position on, which must be before `new_from`. Return the longest time [s] it holds at this basal.

        `ahead`: the seconds of a stage, whose rates may differ.
        """
        self.phase = OLD
        lasts_s = self._lasts_s(accumulator, rate_nl, self.old_until - position_steps, ahead)
        if not lasts_s:
            self.phase = UNCERTAIN
            # what reaches a position is a second longer than what stays before it
            lasts_s = self._lasts_s(accumulator, rate_nl, self.new_from - position_steps - 1, ahead) + 1
        return lasts_s

    def _lasts_s(self, accumulator: Accumulator, basal_nl: int, steps: int, ahead: "Ahead | None") -> int:
        """Return the longest time [whole s] in which at most `steps` fall due; NEVER_S if for ever, or longer than `ahead`."""
        room = (steps + 1) * accumulator.modulus - 1 - accumulator.remainder
        if steps < 0:
            return 0
        if ahead is None or ahead.left_s >= NEVER_S:
            flow = accumulator.flow(self.of(basal_nl))
            return room // flow if flow else NEVER_S
        low, high = 0, ahead.left_s + 1
        while high - low > 1:
            middle = (low + high) // 2
            if accumulator.flow(self.of(ahead.nl_s(middle))) <= room:
                low = middle
            else:
                high = middle
        return low if low < ahead.left_s else NEVER_S
