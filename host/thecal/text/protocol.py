"""Format a protocol: its start, each stage with its volume, its loops, what follows, and the total."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple

from pumpcore.program.plan import Program
from pumpcore.program.protocol import AFTER, AT, HOLD, NOW, WAITS, Protocol
from pumpcore.program.schedule import Week, Zone
from thecal.quantities.amounts import doses_text, long_span, masses_text, ml, ml_per_h, span
from thecal.quantities.exact import drugs_of

FOREVER = 0


class Stage(NamedTuple):
    """A stage as the pump holds it: its seconds, and its rates at begin and end."""

    lasts_s: int
    begin_nl: int
    end_nl: int


class Total(NamedTuple):
    """The volume and time of a whole protocol; None where it has no end."""

    volume_nl: Fraction | None
    lasts_s: int | None


def facts(program: Program, protocol: Protocol) -> dict[str, str]:
    """Return label and text of every part of the protocol."""
    if is_one_rate(protocol):
        return {"always": f"{ml_per_h(last_nl(protocol), program.rate_seconds_s)} until it is stopped"}
    said = {"start": start_text(protocol)}
    loops = {first: number for number, (first, _, _) in enumerate(protocol.loops)}
    for index, row in enumerate(protocol.stages):
        if index in loops:
            said[f"loop {loops[index] + 1}"] = loop_text(protocol, loops[index])
        said[f"stage {index + 1}"] = stage_text(program, Stage(*row))
    if protocol.then == HOLD or not is_endless(protocol):
        said["then"] = then_text(program, protocol)
    said["in all"] = total_text(program, protocol)
    return said


def one_stage(program: Program, protocol: Protocol) -> dict[str, str]:
    """Return rate, volume and time of a run, which is a protocol of one stage."""
    lasts_s, rate_nl, _ = protocol.stages[0]
    rate = ml_per_h(rate_nl, program.rate_seconds_s)
    drugs = drugs_of(program)
    if drugs:
        rate = f"{doses_text(rate_nl, program.rate_seconds_s, drugs)} = {rate}"
    if protocol.then == HOLD:
        return {"rate": rate, "volume": "without end", "time": "until you stop it"}
    return {"rate": rate, "volume": amount(program, stage_nl(program, Stage(*protocol.stages[0]))), "time": long_span(lasts_s)}


def start_text(protocol: Protocol) -> str:
    """Return "now", "in 2 h" or "at 06:00"."""
    value = protocol.start_value
    if protocol.start == AT:
        return f"at {value // 60:02d}:{value % 60:02d}"
    return f"in {long_span(value)}" if protocol.start == AFTER else "now"


def waits_text(program: Program, status: dict[str, Any]) -> str:
    """Return "first stage at 06:00, in 5 h 12 min" for a protocol that has just been started; "" if its first stage begins at once."""
    if program.protocol is None or program.protocol.start == NOW:
        return ""
    zone = Zone(status["offset_s"], status.get("transition_utc_s") or 0, status.get("transition_offset_s") or 0)
    wait_s = program.protocol.wait_s(Week(status["utc_s"], zone))
    return f"first stage {start_text(program.protocol)}" + (f", in {span(wait_s)}" if program.protocol.start == AT else "")


def is_endless(protocol: Protocol) -> bool:
    """Return True if a rate is held, or a loop runs forever."""
    return protocol.then == HOLD or any(times == FOREVER for _, _, times in protocol.loops)


def is_one_rate(protocol: Protocol) -> bool:
    """Return True for one rate that is held: `thecal run "1 mL/h"`."""
    _, begin_nl, end_nl = protocol.stages[0]
    alone = len(protocol.stages) == 1 and not len(protocol.loops) and protocol.start == NOW
    return alone and protocol.then == HOLD and begin_nl == end_nl


def stage_text(program: Program, stage: Stage) -> str:
    """Return "1 mL/h for 2 h: 1000 ug = 2 mL"."""
    lasts_s, begin_nl, end_nl = stage
    lasts, seconds_s = long_span(lasts_s), program.rate_seconds_s
    if not begin_nl and not end_nl:
        return f"pause of {lasts}"
    rate = ml_per_h(end_nl, seconds_s)
    if begin_nl != end_nl:
        rate = f"ramp from {ml_per_h(begin_nl, seconds_s)} to {rate}"
    return f"{rate} for {lasts}: {amount(program, stage_nl(program, stage))}"


def stage_nl(program: Program, stage: Stage) -> Fraction:
    """Return the exact volume of a stage."""
    lasts_s, begin_nl, end_nl = stage
    return Fraction((begin_nl + end_nl) * lasts_s, 2 * program.rate_seconds_s)


def amount(program: Program, volume_nl: Fraction) -> str:
    """Return "1000 ug = 2 mL"; without a concentration the volume alone."""
    drugs = drugs_of(program)
    return (f"{masses_text(volume_nl, drugs)} = " if drugs else "") + ml(volume_nl)


def loop_text(protocol: Protocol, index: int) -> str:
    """Return "168 times: stages 1 to 2, 1 h each time"."""
    first, count, times = protocol.loops[index]
    which = f"stage {first + count}" if count == 1 else f"stages {first + 1} to {first + count}"
    each_s = sum(protocol.stages[index][0] for index in range(first, first + count))
    said = "without end" if times == FOREVER else "once" if times == 1 else f"{times} times"
    return f"{said}: {which}, {long_span(each_s)} each time"


def then_text(program: Program, protocol: Protocol) -> str:
    """Return what follows the last stage."""
    if protocol.then == HOLD:
        return f"hold {ml_per_h(last_nl(protocol), program.rate_seconds_s)} until it is stopped"
    return "stop"


def last_nl(protocol: Protocol) -> int:
    """Return the rate at the end of the last stage."""
    return int(protocol.stages[len(protocol.stages) - 1][2])


def total(program: Program, protocol: Protocol) -> Total:
    """Return the exact volume and the time of the whole protocol, without the wait for its start."""
    if is_endless(protocol):
        return Total(None, None)
    return Total(Fraction(protocol.total_nl_s(), program.rate_seconds_s), protocol.end_s())


def total_text(program: Program, protocol: Protocol) -> str:
    """Return "5 mL in 2 h", or "without end"."""
    found = total(program, protocol)
    if found.volume_nl is None or found.lasts_s is None:
        return "without end"
    return f"{amount(program, found.volume_nl)} in {long_span(found.lasts_s)}"


def now_text(status: dict[str, Any]) -> str:
    """Return "stage 2 of 4, pass 3 of 6, 4 min left; then 1 mL/h; ends in 3 h 20 min" of a status; "" if no protocol runs."""
    now = status.get("protocol")
    if not now:
        return ""
    parts = [place_text(now)]
    if now.get("left_s") is not None and now["left_s"] == now.get("stage_left_s"):
        return f"{parts[0]}; then it ends"
    if now.get("stage") is not None and now["stage"] >= now["stages"]:
        return f"{parts[0]} until it is stopped"
    if now.get("stage") is not None and now.get("next_rate_nl") is not None and status.get("rate_seconds_s"):
        parts.append(f"then {'nothing' if not now['next_rate_nl'] else ml_per_h(now['next_rate_nl'], status['rate_seconds_s'])}")
    parts.append("without end" if now.get("left_s") is None else f"ends in {span(now['left_s'])}")
    return "; ".join(parts)


def entry_text(program: Program, entry: int) -> str:
    """Return "stage 2: 0 mL/h to 2 mL/h" of an `entry` in the journal of a protocol."""
    protocol = program.protocol
    assert protocol is not None
    if entry == WAITS:
        return "waits for its start"
    if entry >= len(protocol.stages):
        return f"holds {ml_per_h(last_nl(protocol), program.rate_seconds_s)}"
    _, *ends_nl = protocol.stages[entry]
    rates = " to ".join(dict.fromkeys(ml_per_h(rate_nl, program.rate_seconds_s) for rate_nl in ends_nl))
    again = any(first + count == entry + 1 and times != 1 for first, count, times in protocol.loops)
    return f"stage {entry + 1}: {rates}" + (", then its loop again" if again else "")


def place_text(now: dict[str, Any]) -> str:
    """Return "stage 2 of 4, pass 3 of 6, 4 min left"."""
    if now.get("stage") is None:
        return f"begins in {span(now['waits_s'])}"
    if now["stage"] >= now["stages"]:
        return "holds the last rate"
    words = [f"stage {now['stage'] + 1} of {now['stages']}"] if now["stages"] > 1 else []
    if now["passes"] != 1:
        words.append(f"pass {now['pass']}" + (f" of {now['passes']}" if now["passes"] else ""))
    if now.get("stage_left_s") is not None:
        words.append(f"{span(now['stage_left_s'])} left")
    return ", ".join(words)
