"""The bytes of a protocol, what is checked of it, and what people are told. Loaded only to read or to write a program."""

import struct

from pumpcore.faults.faults import Refusal
from pumpcore.program.protocol import AT, ENDINGS, HOLD, MOST_STAGES, SHORTEST_STAGE_S, STOP, Packed, Protocol
from pumpcore.units import MINUTES_PER_DAY, const

_HIGHEST_NL = const(1 << 48)
_HEAD = const("<BBIB")
_STAGE = const("<IQQ")
_LOOP = const("<HHI")
_HEAD_BYTES = const(7)
_STAGE_BYTES = const(20)
_LOOP_BYTES = const(8)
_STARTS = const(("now", "in", "at"))


def describe(protocol: Protocol) -> dict:
    """Return a protocol as plain values, for people and JSON."""
    return {
        "stages": [list(row) for row in protocol.stages],
        "loops": [list(row) for row in protocol.loops],
        "then": ENDINGS[protocol.then],
        "start": _STARTS[protocol.start],
        "start_value": protocol.start_value,
    }


def pack(protocol: Protocol) -> bytes:
    """Return the block of a program."""
    block = struct.pack(_HEAD, protocol.then, protocol.start, protocol.start_value, len(protocol.loops))
    rows = [struct.pack(_STAGE, *row) for row in protocol.stages] + [struct.pack(_LOOP, *row) for row in protocol.loops]
    return block + b"".join(rows)


def block_bytes(stages: int, raw: memoryview) -> int:
    """Return the length of the block of so many stages at the beginning of `raw`. Refusal `program_format`."""
    if len(raw) < _HEAD_BYTES:
        raise Refusal("program_format", cause="length")
    return _HEAD_BYTES + stages * _STAGE_BYTES + raw[_HEAD_BYTES - 1] * _LOOP_BYTES


def unpack(stages: int, data: memoryview) -> Protocol:
    """Return the protocol of its block of a program. Refusals `program_size`, `program_protocol`; nothing else is raised.

    `data` has `block_bytes`.
    """
    if stages > MOST_STAGES:
        raise Refusal("program_size", stages=stages, limit=MOST_STAGES, nearest=MOST_STAGES)
    then, start, value, _ = struct.unpack_from(_HEAD, data)
    loops_at = _HEAD_BYTES + stages * _STAGE_BYTES
    made = Protocol(Packed(_STAGE, data[_HEAD_BYTES:loops_at]), Packed(_LOOP, data[loops_at:]))
    made.then, made.start, made.start_value = then, start, value
    check(made)
    return made


def check(protocol: Protocol) -> None:
    """Check what can be judged without bench and limits. Refusal `program_protocol`."""
    if not len(protocol.stages):
        raise _refused("a protocol has at least one stage", asked=0, limit=1, nearest=1)
    for index, (lasts_s, begin_nl, end_nl) in enumerate(protocol.stages):
        if lasts_s < SHORTEST_STAGE_S:
            shortest = {"asked_s": lasts_s, "limit_s": SHORTEST_STAGE_S, "nearest_s": SHORTEST_STAGE_S}
            raise _refused("a stage lasts at least 10 s", stage=index, **shortest)
        if max(begin_nl, end_nl) > _HIGHEST_NL:
            highest = {"asked_nl": max(begin_nl, end_nl), "limit_nl": _HIGHEST_NL, "nearest_nl": _HIGHEST_NL}
            raise _refused("a rate is out of range", stage=index, **highest)
        over = (end_nl - begin_nl) % (2 * lasts_s)
        if over:
            cause = "a ramp changes by a whole multiple of twice its seconds"
            raise _refused(cause, stage=index, asked_nl=end_nl, limit_nl=2 * lasts_s, nearest_nl=end_nl - over)
    _check_loops(protocol)
    _check_ends(protocol)


def _check_loops(protocol: Protocol) -> None:
    behind, endless, stages = 0, False, len(protocol.stages)
    for index, (first, count, times) in enumerate(protocol.loops):
        if endless or first < behind:
            cause = "loops follow each other, and none follows one without end"
            raise _refused(cause, loop=index, asked=first, limit=behind, nearest=behind)
        behind, endless = first + count, not times
        if not count or behind > stages:
            nearest = max(1, stages - first)
            raise _refused("a loop has stages of the protocol", loop=index, asked=count, limit=nearest, nearest=nearest)
    if endless and behind != stages:
        raise _refused("nothing follows a loop without end", asked=behind, limit=stages, nearest=stages)
    if protocol.then == HOLD and endless:
        raise _refused("a loop without end has no last rate to hold", asked=HOLD, limit=STOP, nearest=STOP)


def _check_ends(protocol: Protocol) -> None:
    if protocol.then > HOLD or protocol.start > AT:
        raise _refused("then or start is unknown", asked=max(protocol.then, protocol.start), limit=AT, nearest=STOP)
    if protocol.then == HOLD and not protocol.stages[len(protocol.stages) - 1][2]:
        raise _refused("there is no rate to hold after a pause", asked=HOLD, limit=STOP, nearest=STOP)
    least, most = ((0, 0), (1, (1 << 32) - 1), (0, MINUTES_PER_DAY - 1))[protocol.start]
    if not least <= protocol.start_value <= most:
        nearest = least if protocol.start_value < least else most
        raise _refused("the time of its start is out of range", asked=protocol.start_value, limit=nearest, nearest=nearest)


def _refused(cause: str, **detail: int) -> Refusal:
    return Refusal("program_protocol", rule="R7", cause=cause, **detail)
