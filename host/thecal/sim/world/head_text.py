"""A head as a user writes it: a name, then what differs from it, like `dip20` or `dip35,line=5s,seed=3`."""

from __future__ import annotations

import difflib
import re
from dataclasses import fields, replace
from typing import NamedTuple

from thecal.sim.errors import SimulatorError
from thecal.sim.world.head import NAMED, HeadSpec


class Key(NamedTuple):
    """A word of a head: the field that it sets, the unit as it is written, the range, the unit's factor; `steady`: only at the start."""

    field: str
    unit: str
    low: float
    high: float
    factor: float = 1.0
    steady: bool = False


_PERCENT = 0.01
KEYS = {
    "rollers": Key("rollers", "", 1, 24, steady=True),
    "swing": Key("swing", "%", 0, 200, _PERCENT),
    "loss": Key("loss", "%", 0, 80, _PERCENT),
    "width": Key("width", "%", 1, 60, _PERCENT),
    "skew": Key("skew", "%", -90, 90, _PERCENT),
    "unequal": Key("loss_spread", "%", 0, 50, _PERCENT),
    "askew": Key("angle_spread_deg", "deg", 0, 10),
    "jitter": Key("jitter", "%", 0, 50, _PERCENT),
    "wear": Key("wear", "%", 0, 1000, _PERCENT),
    "ripple": Key("ripple", "%", 0, 300, _PERCENT),
    "line": Key("line_s", "s", 0, 600),
    "compliance": Key("compliance_nl_per_kpa", "nl/kPa", 0, 1000),
    "pressure": Key("pressure_kpa", "kPa", -50, 300),
    "jumps": Key("jumps", "", 0, 1),
    "seed": Key("seed", "", 0, 2**32 - 1, steady=True),
    "start": Key("start_deg", "deg", 0, 360, steady=True),
}
EXAMPLE = 'write it like "dip20" or "dip35,line=5s,seed=3"'
_NUMBER = re.compile(r"([+-]?\d+(?:\.\d+)?)\s*(.*)")
_SWITCH = {"on": "1", "off": "0"}
_WHOLE = {one.name for one in fields(HeadSpec) if one.type.startswith("int")}


def head_of(text: str) -> HeadSpec:
    """Return the head of a text. Raises SimulatorError with the words that are known, a unit that is missing, or the range."""
    name, *words = _words(text)
    if name not in NAMED:
        raise SimulatorError(f"the head {name!r} is not known", _instead(name, [*NAMED]))
    return _changed(NAMED[name], words, running=False)


def altered(spec: HeadSpec, text: str) -> HeadSpec:
    """Return a head that is changed while the pump runs, like `ripple=105%` or `line=0s,pressure=10kPa`. Raises SimulatorError."""
    return _changed(spec, _words(text), running=True)


def _words(text: str) -> list[str]:
    words = [word.strip() for word in text.split(",")]
    if not all(words):
        raise SimulatorError(f"the head {text!r} has an empty part", EXAMPLE)
    return words


def _changed(spec: HeadSpec, words: list[str], running: bool) -> HeadSpec:
    changes: dict[str, object] = {}
    for word in words:
        name, equals, value = (part.strip() for part in word.partition("="))
        if name not in KEYS:
            raise SimulatorError(f"a head has no {name!r}", _instead(name, [*KEYS]))
        key = KEYS[name]
        if not equals or not value:
            raise SimulatorError(f"{name!r} of the head has no value", f"write it like {_like(name)}")
        if running and key.steady:
            raise SimulatorError(f"{name!r} of a head can't change while the pump runs", "start another simulator with it")
        if key.field in changes:
            raise SimulatorError(f"{name!r} of the head is given twice", "leave one out")
        changes[key.field] = _value(name, key, value)
    return replace(spec, **changes)  # type: ignore[arg-type]


def _value(name: str, key: Key, text: str) -> float | int | bool:
    if key.field == "jumps":
        text = _SWITCH.get(text, text)
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise SimulatorError(f"{name}={text} of the head is not a number", f"write it like {_like(name)}")
    number, unit = float(match[1]), match[2].strip()
    if unit != key.unit and (unit or number):
        given = f"has the unit {unit!r}" if unit else "has no unit"
        raise SimulatorError(f"{name}={text} of the head {given}", f"write it like {_like(name)}")
    if not key.low <= number <= key.high:
        raise SimulatorError(f"{name}={text} of the head is out of range", f"write {key.low:g}{key.unit} to {key.high:g}{key.unit}")
    if key.field == "jumps":
        return bool(number)
    if key.field not in _WHOLE:
        return number * key.factor
    if number != int(number):
        raise SimulatorError(f"{name}={text} of the head is not a whole number", f"write it like {_like(name)}")
    return int(number)


def _like(name: str) -> str:
    key = KEYS[name]
    if key.field == "jumps":
        return "jumps=on or jumps=off"
    return f"{name}={min(key.high, max(key.low, 5)):g}{key.unit}"


def _instead(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, 1)
    return f"did you mean {close[0]}?" if close else f"known are {', '.join(known)}"
