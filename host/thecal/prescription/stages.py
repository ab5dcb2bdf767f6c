"""The table [protocol] of a prescription: stages in the order of the file, loops of stages, what follows, and when it starts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BeforeValidator, Field, StrictBool, StrictInt

from pumpcore.program.protocol import AFTER, AT, MOST_STAGES, NOW
from pumpcore.program.protocol import SHORTEST_STAGE_S as SHORTEST_S
from thecal.errors import BadInput
from thecal.prescription.fields import Dose, Duration, Rate, Table, complaint, minute_of_day, seconds_of
from thecal.quantities.typed import quoted, shown

LONGEST_S = (1 << 32) - 1
MOST_TIMES = (1 << 32) - 1
WAYS = "write two of rate, volume and for; or pause; or ramp with for"
HEADER = re.compile(r"""\s*\[\[\s*["']?protocol["']?\s*\.\s*["']?(stage|loop)["']?\s*(\.\s*["']?stage["']?\s*)?\]\]""")


class Start(NamedTuple):
    """When a protocol begins: `kind` NOW, AFTER (`value` in powered-on seconds) or AT (`value` is a minute of the local day)."""

    kind: int
    value: int


def start_of(value: Any) -> Start:
    """Convert "now", "in 2 h" or "at 06:00"."""
    words = value.strip().split(None, 1) if isinstance(value, str) else []
    if words == ["now"]:
        return Start(NOW, 0)
    if len(words) == 2 and words[0] == "in":
        seconds_s = seconds_of(words[1])
        if not 0 < seconds_s <= LONGEST_S:
            raise complaint(f"{quoted(value)} is no time ahead", 'write "now", or a time above zero')
        return Start(AFTER, seconds_s)
    if len(words) == 2 and words[0] == "at":
        return Start(AT, minute_of_day(words[1]))
    raise complaint(f"{quoted(value)} is not a start", 'write "now", "in 2 h" or "at 06:00"')


class Stage(Table):
    """Two of `rate`, `volume`, `for`; or `pause`; or `ramp` with `for`. The file's key of `lasts_s` is `for`."""

    rate: Rate | None = None
    volume: Dose | None = None
    lasts_s: Annotated[Duration | None, Field(alias="for")] = None
    pause: Duration | None = None
    ramp: Annotated[list[Rate], Field(min_length=2, max_length=2)] | None = None


class Loop(Table):
    """Stages that run `times` times, or `forever`."""

    times: Annotated[StrictInt, Field(ge=1, le=MOST_TIMES)] | None = None
    forever: StrictBool = False
    stage: Annotated[list[Stage], Field(min_length=1)]


class Protocol(Table):
    """Stages relative to the start. `parts` holds stages and loops in the order of the file, as (word, index)."""

    start: Annotated[Start, BeforeValidator(start_of)] = Start(NOW, 0)
    then: Literal["stop", "hold"] = "stop"
    stage: list[Stage] = []
    loop: list[Loop] = []
    _parts: tuple[tuple[str, int], ...] = ()

    def parts(self) -> Iterator[tuple[str, Stage | Loop]]:
        """Yield (key, stage or loop) in the order of the file: ("protocol.stage[1]", Stage) ..."""
        found = self._parts or tuple(("stage", index) for index in range(len(self.stage))) + tuple(
            ("loop", index) for index in range(len(self.loop))
        )
        for word, index in found:
            yield f"protocol.{word}[{index + 1}]", (self.stage if word == "stage" else self.loop)[index]

    def stages(self) -> list[tuple[str, Stage]]:
        """Return (key, stage) of every stage in the order of the file; those of a loop once."""
        found: list[tuple[str, Stage]] = []
        for key, part in self.parts():
            inner = [(key, part)] if isinstance(part, Stage) else [(f"{key}.stage[{at}]", one) for at, one in enumerate(part.stage, 1)]
            found += inner
        return found


class Places:
    """Where the stages and loops of a protocol stand in the text of its file."""

    def __init__(self, text: str) -> None:
        self.parts: list[tuple[str, int]] = []
        self.lines: dict[tuple[str | int, ...], int] = {}
        counts = {"stage": 0, "loop": 0}
        inner = 0
        for number, line in enumerate(text.split("\n"), 1):
            match = HEADER.match(line)
            if not match:
                continue
            word, nested = match.groups()
            if nested:
                self.lines["protocol", "loop", counts["loop"] - 1, "stage", inner] = number
                inner += 1
                continue
            self.parts.append((word, counts[word]))
            self.lines["protocol", word, counts[word]] = number
            counts[word] += 1
            inner = 0 if word == "loop" else inner

    def line(self, location: tuple[str | int, ...]) -> int:
        """Return the line of the table that holds a key, counted from 1; 0 if unknown."""
        for count in (5, 3):
            if location[:count] in self.lines:
                return self.lines[location[:count]]
        return 0


def misshapen(first: Any, key: str, value: str) -> BadInput | None:
    """Return the complaint for pydantic's `first` error about the shape of a protocol; None for any other error."""
    place, context = first["loc"], first.get("ctx") or {}
    if place[0] != "protocol":
        return None
    if place[-1] == "times":
        return BadInput(f"{key} = {value} is not a number of times", f"write a whole number from 1 to {MOST_TIMES}, without quotes")
    if "ramp" in place[-1:] and first["type"] in ("list_type", "too_short", "too_long"):
        count = context.get("actual_length")
        rates = f"{count} rate{'s' if count != 1 else ''}"
        cause = f"{key} = {value} is not two rates" if count is None else f"{key} has {rates}, a ramp has two"
        return BadInput(cause, 'write it like: ramp = ["0 mL/h", "2 mL/h"] and for = "6 h"')
    if first["type"] == "list_type":
        header = ".".join(part for part in place if isinstance(part, str))
        return BadInput(f"{key} is a single table", f"begin each {place[-1]} with [[{header}]]")
    if first["type"] == "model_type":
        return BadInput(f"{key} = {value} is not a table", "write [protocol], and below it [[protocol.stage]]")
    return None


def placed(protocol: Protocol, places: Places) -> Protocol:
    """Return the protocol with its parts in the order of the file. Raises BadInput if the text does not show that order."""
    stages, loops = len(protocol.stage), len(protocol.loop)
    if sorted(places.parts) != sorted([("stage", index) for index in range(stages)] + [("loop", index) for index in range(loops)]):
        if stages and loops:
            raise BadInput(
                "the order of stages and loops is not clear", "begin each with its own line, [[protocol.stage]] or [[protocol.loop]]"
            )
        return protocol
    made = protocol.model_copy()
    made._parts = tuple(places.parts)
    return made


def contradictions(protocol: Protocol) -> Iterator[tuple[str, BadInput]]:
    """Yield (key, complaint) of what does not fit together in a protocol whose keys are each well formed."""
    stages = protocol.stages()
    if not stages:
        yield "protocol", BadInput("has no stage", "add [[protocol.stage]] with rate and for")
    if len(stages) > MOST_STAGES:
        yield "protocol", BadInput(f"has {len(stages)} stages", f"write at most {MOST_STAGES}; [[protocol.loop]] repeats stages")
    for key, stage in stages:
        yield from ((key, problem) for problem in stage_problems(stage))
    yield from loop_problems(protocol)
    yield from end_problems(protocol)


def stage_problems(stage: Stage) -> Iterator[BadInput]:
    """Yield what does not fit together in a stage."""
    given = [name for name, value in (("rate", stage.rate), ("volume", stage.volume), ("for", stage.lasts_s)) if value is not None]
    if stage.ramp is not None:
        if stage.pause is not None or given != ["for"]:
            yield BadInput("a ramp needs for, and nothing else", 'write it like: ramp = ["0 mL/h", "2 mL/h"] and for = "6 h"')
    elif stage.pause is not None:
        if given:
            yield BadInput(f"a pause has no {' and no '.join(given)}", "write pause alone; its value is its time")
    elif len(given) != 2:
        have = " and ".join(given) if given else "nothing"
        yield BadInput(f"has {have}" if len(given) < 3 else "has rate, volume and for: the third follows from two", WAYS)
    for name, seconds_s in (("for", stage.lasts_s), ("pause", stage.pause)):
        if seconds_s is not None and not SHORTEST_S <= seconds_s <= LONGEST_S:
            nearest_s = SHORTEST_S if seconds_s < SHORTEST_S else LONGEST_S
            yield BadInput(f"{name} of {seconds_s} s is out of range", f'the nearest possible is "{nearest_s} s"')
    if stage.ramp is not None and stage.ramp[0].kind() != stage.ramp[1].kind():
        both = " and ".join(shown(one.text) for one in stage.ramp)
        yield BadInput(f"ramp: {both} are different kinds", "write both as volumes, or both as masses")
    if stage.volume is not None and not stage.volume.amount:
        yield BadInput(f"volume: {shown(stage.volume.text)} is zero", "write pause with its time instead")
    if stage.volume is not None and stage.rate is not None and not stage.rate.amount:
        yield BadInput(f"rate: {shown(stage.rate.text)} is zero and delivers no volume", "write a rate above zero")


def loop_problems(protocol: Protocol) -> Iterator[tuple[str, BadInput]]:
    """Yield what does not fit together in a loop, or after it."""
    parts = list(protocol.parts())
    for at, (key, part) in enumerate(parts):
        if not isinstance(part, Loop):
            continue
        if (part.times is None) == (not part.forever):
            yield key, BadInput("needs either times or forever", "write times = 6, or forever = true")
        if part.forever and at + 1 < len(parts):
            yield key, BadInput(f"runs forever, so {parts[at + 1][0]} after it never comes", "write times, or remove what follows")


def end_problems(protocol: Protocol) -> Iterator[tuple[str, BadInput]]:
    """Yield why the last rate cannot be held."""
    if protocol.then != "hold":
        return
    last = list(protocol.parts())[-1:]
    if not last:
        return
    key, part = last[0]
    if isinstance(part, Loop) and part.forever:
        yield "protocol.then", BadInput(f'"hold" never comes: {key} runs forever', "remove then")
        return
    stage = part.stage[-1] if isinstance(part, Loop) else part
    if stage.pause is not None or (stage.rate is not None and not stage.rate.amount) or (stage.ramp and not stage.ramp[1].amount):
        yield "protocol.then", BadInput(f'"hold" keeps the last rate, and {key} ends without one', 'write then = "stop", or add a stage')
