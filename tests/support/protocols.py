"""Protocols for the tests: drawn at random, in our words and in those of the reference (support.models.protocols)."""

from fractions import Fraction

from hypothesis import strategies as st

from pumpcore.program.packing import BY_STAGES
from pumpcore.program.plan import Program
from pumpcore.program.protocol import AT, HOLD, Protocol

UL_S = 3_600_000  # 1 ul a second
RAMP = (60, 0, 120 * 60_000)


def program(protocol: Protocol, rate_seconds_s: int = 3600) -> Program:
    """Return a program that runs this protocol."""
    made = Program("protocol", "water", rate_seconds_s, [])
    made.mode, made.protocol = BY_STAGES, protocol
    return made


def staged(*stages: tuple[int, int, int], loops: tuple = (), then: int = 0) -> Program:
    """Return a program of (seconds, begin, end) with these loops."""
    made = Protocol(list(stages), list(loops))
    made.then = then
    return program(made)


def slope(*more: tuple, **kinds: object) -> Program:
    """Return 30 s of pause, a ramp of a minute up to 2 ul/s, 50 s at it, a ramp down."""
    return staged((30, 0, 0), RAMP, (50, 2 * UL_S, 2 * UL_S), (60, 2 * UL_S, 0), *more, **kinds)


def at_time(minute: int, made: Program | None = None) -> Program:
    """Return it with a start at this minute of the day."""
    made = made or slope()
    made.protocol.start, made.protocol.start_value = AT, minute
    return made


def in_words(made: Program) -> tuple[list, list, bool]:
    """Return (stages, loops, held) as the reference takes them."""
    protocol, seconds_s = made.protocol, made.rate_seconds_s
    assert protocol is not None
    stages = [(lasts_s, Fraction(begin, seconds_s), Fraction(end, seconds_s)) for lasts_s, begin, end in protocol.stages]
    return stages, [(first, size, times or None) for first, size, times in protocol.loops], protocol.then == HOLD


@st.composite
def stages(draw: st.DrawFn, most_s: int = 40, most_nl: int = 10_000) -> tuple[int, int, int]:
    """Draw a pause, a constant stage or a ramp."""
    lasts_s, begin = draw(st.integers(10, most_s)), draw(st.integers(0, most_nl))
    kind = draw(st.sampled_from(("pause", "constant", "ramp", "ramp")))
    if kind == "pause":
        return lasts_s, 0, 0
    if kind == "constant":
        return lasts_s, begin, begin
    return lasts_s, begin, max(begin % (2 * lasts_s), begin + 2 * lasts_s * draw(st.integers(-most_nl // lasts_s, most_nl // lasts_s)))


@st.composite
def protocols(draw: st.DrawFn, most: int = 6, most_times: int = 5, most_s: int = 40, endless: bool = True) -> Program:
    """Draw a program with a protocol of at most `most` stages."""
    rows = draw(st.lists(stages(most_s), min_size=1, max_size=most))
    loops, at = [], 0
    while at < len(rows):
        size = draw(st.integers(1, len(rows) - at))
        if draw(st.booleans()):
            last = at + size == len(rows)
            loops.append((at, size, draw(st.integers(0 if last and endless else 1, most_times))))
        at += size
    made = Protocol(rows, loops)
    if rows[-1][2] and not (loops and not loops[-1][2]):
        made.then = draw(st.integers(0, 1))
    return program(made, draw(st.sampled_from((1, 7, 3600, 86_400))))
