"""Check every reply against the table of replies (`pumpcore.wire.replies`) before anything else reads it.

A key that the table does not name is a newer pump's: it passes. A key that is missing, a value of another type or out of range ends as
BadAnswer: one line that names the key, exit code 4. So no other module has to doubt a reply.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pumpcore.wire.messages import PROTOCOL, is_hex
from pumpcore.wire.replies import REFUSAL, REPLIES, U32, U64, VERSION
from thecal.errors import BadAnswer
from thecal.terminal.console import printable

Described = tuple[Any, ...]  # a kind as the table of replies writes it
Kind = Callable[[Any], str]  # checks a value: "" for a value that fits, else "key.inner is null, not a whole number"

DEEPEST, SHOWN = 8, 30
DO = "compare the versions: `thecal find`; flash the pump with this version's firmware: `thecal flash`"


def check(method: str, reply: dict[str, Any]) -> dict[str, Any]:
    """Return `reply` with printable texts if it is an answer to `method`. Raises BadAnswer with the first wrong key."""
    wrong = "" if another_protocol(method, reply) else odd(reply) or (CHECKS[method](reply) if method in CHECKS else "")
    if wrong:
        raise bad_answer(method, wrong)
    cleaned: dict[str, Any] = plain(reply)
    return cleaned


def bad_answer(method: str, wrong: str) -> BadAnswer:
    """Return a BadAnswer; `wrong` names the key and the reason."""
    return BadAnswer(f"the pump's answer to {method} is not what this version expects: {wrong}", DO)


def check_refusal(method: str, error: dict[str, Any]) -> dict[str, Any]:
    """Return the `error` object of a refusal. Raises BadAnswer if code, message or data have another type."""
    wrong = odd(error) or _REFUSAL(error)
    if wrong:
        raise bad_answer(method, f"error.{wrong}")
    cleaned: dict[str, Any] = plain(error)
    return cleaned


def plain(value: Any) -> Any:
    """Replace unprintable characters, including line ends, by "?": a name can't add a line to a screen."""
    if type(value) is str:
        return value if value.isprintable() else printable(value)
    if type(value) is dict:
        return {plain(key): plain(inner) for key, inner in value.items()}
    return [plain(inner) for inner in value] if type(value) is list else value


def another_protocol(method: str, reply: dict[str, Any]) -> bool:
    """Return True for the `hello` of another major version, whose other keys are unknown here."""
    told: Any = reply.get("protocol")
    return method == "hello" and _VERSION(told) == "" and told[0:1] != list(PROTOCOL[:1])


def odd(value: Any, depth: int = 0) -> str:
    """Refuse values that no reply may contain, not even in a newer pump's keys: fractions, integers above 64 bits, lone surrogates."""
    kind = type(value)
    if kind is int:
        return "" if -U64 <= value <= U64 else f" is {shown(value)}, which is beyond 64 bits"
    if kind is str:
        return "" if value.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in value) else " is not UTF-8 text"
    if kind is float:
        return f" is {shown(value)}, and the protocol has whole numbers only"
    if kind is dict or kind is list:
        if depth >= DEEPEST:
            return " is nested too deeply"
        for key, inner in value.items() if kind is dict else enumerate(value):
            wrong = odd(inner, depth + 1) or (odd(key, depth + 1) if kind is dict else "")
            if wrong:
                return placed(key, wrong)
    return ""


# --- the kinds


def shown(value: Any) -> str:
    """Shorten a value for a message."""
    if value is None or value is True or value is False:
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int | float):
        return "a number of more than 20 digits" if abs(value) > U64 else str(value)
    return "a text" if isinstance(value, str) else "a list" if isinstance(value, list) else "an object"


def placed(key: object, wrong: str) -> str:
    """Prefix `wrong` with its key: "calibration" and "steps is null" give "calibration.steps is null"."""
    name = str(key)[:SHOWN]
    return f"{name}{wrong}" if wrong.startswith((" ", "[")) else f"{name}.{wrong}"


def whole(low: int, high: int) -> Kind:
    """Check an integer from `low` to `high`."""
    def check_whole(value: Any) -> str:
        if type(value) is not int:
            return f" is {shown(value)}, not a whole number"
        return "" if low <= value <= high else f" is {shown(value)}, not from {low} to {high}"

    return check_whole


def text(most_bytes: int) -> Kind:
    """Check a text of at most `most_bytes` in UTF-8."""
    def check_text(value: Any) -> str:
        if type(value) is not str:
            return f" is {shown(value)}, not a text"
        return "" if len(value.encode()) <= most_bytes else f" is a text of more than {most_bytes} bytes"

    return check_text


def digits(count: int, empty: bool = False) -> Kind:
    """Check `count` hex digits; "" too where `empty`."""
    def check_digits(value: Any) -> str:
        return "" if is_hex(value, count) or (empty and value == "") else f" is {shown(value)}, not {count} hex digits"

    return check_digits


def truth(value: Any) -> str:
    """Check true or false."""
    return "" if type(value) is bool else f" is {shown(value)}, neither true nor false"


def name_of_file(most_bytes: int) -> Kind:
    """Check a text that becomes the name of a folder."""

    def check_name(value: Any) -> str:
        fits = type(value) is str and value.isascii() and len(value) <= most_bytes and (value.isalnum() or not value)
        return "" if fits else f" is {shown(value)}, not letters and digits"

    return check_name


def maybe(kind: Described) -> Kind:
    """Accept null, or a value of this kind."""
    check_value = checker(kind)
    return lambda value: "" if value is None else check_value(value)


def many(item: Described, most: int) -> Kind:
    """Check a list of at most `most` values of one kind."""
    kind = checker(item)

    def check_list(value: Any) -> str:
        if type(value) is not list:
            return f" is {shown(value)}, not a list"
        if len(value) > most:
            return f" is a list of more than {most}"
        return next((placed(f"[{at}]", wrong) for at, one in enumerate(value) if (wrong := kind(one))), "")

    return check_list


def table(needed: dict[str, Described], known: dict[str, Described]) -> Kind:
    """Check an object with all of the `needed` keys; `known` keys are optional."""
    must = {name: checker(kind) for name, kind in needed.items()}
    may = {name: checker(kind) for name, kind in known.items()}

    def check_table(value: Any) -> str:
        if type(value) is not dict:
            return f" is {shown(value)}, not an object"
        for name, kind in must.items():
            if name not in value:
                return f"{name} is missing"
            if wrong := kind(value[name]):
                return placed(name, wrong)
        return next((placed(name, wrong) for name, kind in may.items() if name in value and (wrong := kind(value[name]))), "")

    return check_table


def packed(module: str, empty: bool) -> Kind:
    """Check base64 that `pumpcore.<module>.unpack` reads."""
    import base64
    from importlib import import_module

    from pumpcore.faults.faults import Refusal

    what = {"bench.weighed": "calibration", "bench.learned": "table of the rotor", "program.packing": "program"}[module]

    def check_packed(value: Any) -> str:
        if empty and value == "":
            return ""
        if type(value) is not str:
            return f" is {shown(value)}, not a text in base64"
        try:
            import_module(f"pumpcore.{module}").unpack(base64.b64decode(value, validate=True))
        except (ValueError, Refusal):
            return f" holds no {what} that this version can read"
        return ""

    return check_packed


def crc(value: Any) -> str:
    """Check a CRC-32: 8 hex digits, or an integer."""
    return "" if is_hex(value, 8) or (type(value) is int and 0 <= value <= U32) else f" is {shown(value)}, not 8 hex digits"


# --- what concerns several keys of a reply that fit by themselves


def a_line(value: dict[str, Any]) -> str:
    """Of a status: with the phase of a bridge that runs."""
    return _between_two(value) if value["phase"] else ""


def a_staged_line(value: dict[str, Any]) -> str:
    """Of a staged program: with the bridge that it would need."""
    return _between_two(value) if value["needs"] == "bridge" else ""


def _between_two(value: dict[str, Any]) -> str:
    """Refuse a zero in any of the four numbers of a bridge between two concentrations."""
    for drug in (*(value.get("old_drugs") or ()), *(value.get("new_drugs") or ())):
        if not drug["ng"] or not drug["nl"]:
            return "a drug has no concentration with a bridge"
    return next((f"{name} is 0 with a bridge" for name in ("old_ng", "old_nl", "new_ng", "new_nl") if not value[name]), "")


def a_bolus(value: dict[str, Any]) -> str:
    """One that was seen has its steps."""
    missing = (name for name in ("ordered_steps", "delivered_steps") if name not in value and value["state"] not in NEVER_SEEN)
    return next((f"{name} is missing" for name in missing), "")


def a_status(value: dict[str, Any]) -> str:
    """A rate needs the seconds that it is for, a transition its offset."""
    if value.get("temporary") and not value["rate_seconds_s"]:
        return "rate_seconds_s is 0 beside a temporary rate"
    if value.get("transition_utc_s") and "transition_offset_s" not in value:
        return "transition_offset_s is missing"
    return ""


def turns(value: dict[str, Any]) -> str:
    """A run of one turn makes at least one step."""
    return "turns_steps is less than turns" if value["turns_steps"] < value["turns"] else ""


NEVER_SEEN = ("never_ordered", "forgotten", "searching")
RULES = {"line": a_line, "staged_line": a_staged_line, "bolus": a_bolus, "status": a_status, "turns": turns}


def ruled(name: str, inner: Described) -> Kind:
    """Check a kind, then the rule of this name about several of its keys."""
    kind, rule = checker(inner), RULES[name]
    return lambda value: kind(value) or rule(value)


# by the words of `pumpcore.wire.replies`
KINDS: dict[str, Callable[..., Kind]] = {
    "whole": whole,
    "text": text,
    "hex": digits,
    "hex_or_empty": lambda count: digits(count, empty=True),
    "file_name": name_of_file,
    "flag": lambda: truth,
    "maybe": maybe,
    "many": many,
    "keys": table,
    "packed": packed,
    "crc": lambda: crc,
    "rule": ruled,
}

def checker(kind: Described) -> Kind:
    """The check of a value of this kind."""
    return KINDS[kind[0]](*kind[1:])


CHECKS = {method: checker(kind) for method, kind in REPLIES.items()}
_REFUSAL, _VERSION = checker(REFUSAL), checker(VERSION)
