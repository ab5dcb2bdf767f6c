"""The shape of every reply: the host compares each one with this page before it uses it.

A key that this page does not name comes from a newer pump and passes. A key that is missing, has another type or is out of range raises
BadAnswer: one line with the key, exit code 4. Source: PROTOCOL.md, section 3.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pumpcore.wire.messages import PROTOCOL, is_hex
from thecal.errors import BadAnswer
from thecal.terminal.console import printable

Kind = Callable[[Any], str]  # "" for a value that fits, else "key.inner is null, not a whole number"

U16, U32, U64 = (1 << 16) - 1, (1 << 32) - 1, (1 << 64) - 1
DAY_S = 86_400
NAME_BYTES, WORDS_BYTES, ERROR_BYTES = 80, 400, 1000
BLOCK_BYTES = 4096  # of a journal's block
LIST_MOST = 336
DEEPEST, SHOWN = 8, 30
DO = "compare the versions: `thecal find`; flash the pump with this version's firmware: `thecal flash`"


def check(method: str, reply: dict[str, Any]) -> dict[str, Any]:
    """Return `reply` with printable texts if it is an answer to `method`. Raises BadAnswer with the first wrong key."""
    wrong = "" if another_protocol(method, reply) else odd(reply) or REPLIES.get(method, _anything)(reply)
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
    return method == "hello" and _PROTOCOL(told) == "" and told[0:1] != list(PROTOCOL[:1])


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


def whole(low: int = 0, high: int = U64) -> Kind:
    def check_whole(value: Any) -> str:
        if type(value) is not int:
            return f" is {shown(value)}, not a whole number"
        return "" if low <= value <= high else f" is {shown(value)}, not from {low} to {high}"

    return check_whole


def text(most_bytes: int = NAME_BYTES) -> Kind:
    def check_text(value: Any) -> str:
        if type(value) is not str:
            return f" is {shown(value)}, not a text"
        return "" if len(value.encode()) <= most_bytes else f" is a text of more than {most_bytes} bytes"

    return check_text


def digits(count: int, empty: bool = False) -> Kind:
    def check_digits(value: Any) -> str:
        return "" if is_hex(value, count) or (empty and value == "") else f" is {shown(value)}, not {count} hex digits"

    return check_digits


def truth(value: Any) -> str:
    return "" if type(value) is bool else f" is {shown(value)}, neither true nor false"


def name_of_file(value: Any) -> str:
    """Check a text that becomes the name of a folder."""
    fits = type(value) is str and value.isascii() and len(value) <= NAME_BYTES and (value.isalnum() or not value)
    return "" if fits else f" is {shown(value)}, not letters and digits"


def maybe(kind: Kind) -> Kind:
    """Accept null, or a value of this kind."""
    return lambda value: "" if value is None else kind(value)


def many(kind: Kind, most: int = LIST_MOST) -> Kind:
    def check_list(value: Any) -> str:
        if type(value) is not list:
            return f" is {shown(value)}, not a list"
        if len(value) > most:
            return f" is a list of more than {most}"
        return next((placed(f"[{at}]", wrong) for at, one in enumerate(value) if (wrong := kind(one))), "")

    return check_list


def table(needed: dict[str, Kind], known: dict[str, Kind] | None = None) -> Kind:
    """Check an object with all of the `needed` keys; `known` keys are optional."""
    optional = known or {}

    def check_table(value: Any) -> str:
        if type(value) is not dict:
            return f" is {shown(value)}, not an object"
        for name, kind in needed.items():
            if name not in value:
                return f"{name} is missing"
            if wrong := kind(value[name]):
                return placed(name, wrong)
        return next((placed(name, wrong) for name, kind in optional.items() if name in value and (wrong := kind(value[name]))), "")

    return check_table


def bytes_in(value: Any, unpack_name: str) -> str:
    """Check base64 that `pumpcore.<unpack_name>.unpack` reads."""
    import base64
    from importlib import import_module

    from pumpcore.faults import Refusal

    if type(value) is not str:
        return f" is {shown(value)}, not a text in base64"
    try:
        import_module(f"pumpcore.{unpack_name}").unpack(base64.b64decode(value, validate=True))
    except (ValueError, Refusal):
        return f" holds no {unpack_name} that this version can read"
    return ""


def packed_program(value: Any) -> str:
    return "" if value == "" else bytes_in(value, "program")


def packed_calibration(value: Any) -> str:
    return bytes_in(value, "weighed").replace("weighed", "calibration")


def any_calibration(value: Any) -> str:
    """Accept an empty object for the nominal calibration."""
    return "" if value == "" else packed_calibration(value)


# --- the replies

STEPS, VOLUME_NL, RATE_NL, UPTIME_MS = whole(), whole(), whole(), whole(0, U32 * 1000)
DURATION_S, UTC_S, OFFSET_S = whole(0, U32), whole(0, U32), whole(-DAY_S, DAY_S)
NUMBER, SECONDS_S = whole(), whole(1, U32)
TOKEN, DIGEST, FLAG = digits(16), digits(64, empty=True), whole(0, 1)
NAME, WORDS = text(), text(WORDS_BYTES)
ALARM_NUMBERS = many(whole(0, U16))

_PROTOCOL = many(whole(0, U16), 2)
_REFUSAL = table({}, {"code": whole(-U32, U32), "message": WORDS, "data": maybe(table({}, {"fault": NAME, "do": WORDS}))})

PAIR = {"volume_nl": whole(1, U32), "steps": whole(1, U32)}
CALIBRATION = table(
    {**PAIR, "state": NAME},
    {"id": NAME, "expired": maybe(NAME), "weighed_utc_s": maybe(UTC_S), "expires_utc_s": maybe(UTC_S), "expires_nl": maybe(VOLUME_NL),
     "delivered_nl": maybe(VOLUME_NL)},
)  # fmt: skip
CEILINGS = table(
    {"rate_nl": RATE_NL, "rate_seconds_s": SECONDS_S, "hour_nl": VOLUME_NL, "day_nl": VOLUME_NL, "max_rate_hz": whole(1, U32),
     "start_rate_hz": whole(0, U32), "acceleration_hz_per_s": whole(0, U32)},
)  # fmt: skip
BOLUS = table(
    {"token": TOKEN, "state": NAME, "rate_nl": RATE_NL, "rate_seconds_s": SECONDS_S, "ordered_steps": STEPS, "delivered_steps": STEPS,
     "volume_nl": VOLUME_NL},
    {"purpose": NAME, "begins_at_ms": UPTIME_MS},
)  # fmt: skip
TEMPORARY = table(
    {"token": TOKEN, "rate_nl": RATE_NL, "numerator": whole(0, U32), "denominator": whole(0, U32), "duration_s": DURATION_S,
     "rest_s": DURATION_S},
)  # fmt: skip
_FRONT = table(
    {**dict.fromkeys(("line_nl", "low_nl", "high_nl", "least_nl", "most_nl", "old_ng", "old_nl", "new_ng", "new_nl"), VOLUME_NL),
     **dict.fromkeys(("needs", "old_fluid", "new_fluid"), NAME),
     **dict.fromkeys(("old_until_steps", "new_from_steps"), STEPS)},
)  # fmt: skip
_PHASE = table({"phase": NAME})


def line(value: Any) -> str:
    """Check the line of a status, with the phase of a running bridge."""
    return front(value) or _PHASE(value) or (_between_two(value) if value["phase"] else "")


def front(value: Any) -> str:
    """Check the line that a staged program would find; it has no running bridge yet."""
    return _FRONT(value) or (_between_two(value) if value["needs"] == "bridge" else "")


def _between_two(value: dict[str, Any]) -> str:
    """Refuse a zero in any of the four numbers of a bridge between two concentrations."""
    return next((f"{name} is 0 with a bridge" for name in ("old_ng", "old_nl", "new_ng", "new_nl") if not value[name]), "")


RESERVOIR = table(
    {"left_nl": maybe(VOLUME_NL)},
    {**dict.fromkeys(("capacity_nl", "low_nl", "empty_nl", "delivered_nl"), VOLUME_NL), "spread_nl": maybe(VOLUME_NL),
     "refilled_utc_s": UTC_S, "blocks": FLAG},
)  # fmt: skip
THERAPY = table(
    {},
    {"demand_on": FLAG, "demand_wait_s": DURATION_S, "demand_barred": NAME, "library": NAME, "library_version": whole(0, U32),
     "overrides": many(NAME), "demands_in_day": NUMBER, "demands_refused": NUMBER, "boluses_in_day_nl": VOLUME_NL,
     "reservoir": maybe(RESERVOIR), "line": maybe(line)},
)  # fmt: skip
ORDERED = table({"ordered_steps": STEPS, "duration_s": DURATION_S}, {"token": TOKEN, "begins_at_ms": UPTIME_MS})
CLOCK = {"utc_s": UTC_S, "offset_s": OFFSET_S}
CLOCK_MORE = {"utc_fraction_ms": maybe(whole(0, 999)), "transition_utc_s": UTC_S, "transition_offset_s": OFFSET_S, "clock_set_utc_s": UTC_S,
              "zone_known": truth}  # fmt: skip
ROW = table({"packed": packed_calibration, "position_steps": STEPS})
IMPLEMENTATION = table({}, {"name": NAME, "version": many(whole(0, U16), 4), "machine": text(WORDS_BYTES), "mpy": whole(0, U32)})
STATUS = table(
    {"state": NAME, "boot": NUMBER, "uptime_ms": UPTIME_MS, **CLOCK, "powered_on_s": DURATION_S, "calibration": maybe(CALIBRATION),
     "alarms": ALARM_NUMBERS, "events_sequence": NUMBER, "faults_sequence": NUMBER,
     **dict.fromkeys(("ordered_steps", "delivered_steps", "guard_steps", "uncertain_steps"), STEPS),
     "hour_nl": VOLUME_NL, "day_nl": VOLUME_NL, "rate_seconds_s": whole(0, U32)},
    {**CLOCK_MORE, "program_digest": DIGEST, "program_name": NAME, "free_memory_bytes": NUMBER, "last_error": text(ERROR_BYTES),
     "entry": maybe(whole(0, U16)), "entry_rate_nl": maybe(RATE_NL), "next_change_s": maybe(DURATION_S), "leased_steps": STEPS,
     "position_uncertain_steps": STEPS, "bolus": maybe(BOLUS), "extended": maybe(BOLUS), "temporary": maybe(TEMPORARY),
     "therapy": maybe(THERAPY), "motor_supply_mv": maybe(whole(0, U32)), "counters": table({})},
)  # fmt: skip
HELLO = table(
    {"protocol": _PROTOCOL},
    {"thecal": WORDS, "firmware": NAME, "release": text(WORDS_BYTES), "implementation": IMPLEMENTATION, "unique_id": name_of_file,
     "journal_identity": digits(32, empty=True),
     "bench": NAME, "program_digest": DIGEST, "calibration_state": NAME, "calibration_id": maybe(NAME),
     "calibration_expires_utc_s": maybe(UTC_S), "calibration_expires_nl": maybe(VOLUME_NL), "ceilings": maybe(CEILINGS),
     "capabilities": many(NAME)},
)  # fmt: skip
_BOLUS_STATUS = table({"token": TOKEN, "state": NAME}, {
    "purpose": NAME, "volume_nl": VOLUME_NL, "rate_nl": RATE_NL, "rate_seconds_s": whole(0, U32), "ordered_steps": STEPS,
    "delivered_steps": STEPS, "begins_at_ms": UPTIME_MS,
})  # fmt: skip
_STEPS_OF_BOLUS = table({"ordered_steps": STEPS, "delivered_steps": STEPS})
_CALIBRATION_READ = table(
    {"nominal": table({**PAIR, "state": NAME}), "turns": whole(1, U32), "turns_steps": whole(1, U32), "calibration": maybe(ROW),
     "history": many(ROW), "status": CALIBRATION},
    {"bench": NAME},
)  # fmt: skip
NEVER_SEEN = ("never_ordered", "forgotten", "searching")


def _anything(value: Any) -> str:
    return ""


def bolus_status(value: Any) -> str:
    return _BOLUS_STATUS(value) or ("" if value["state"] in NEVER_SEEN else _STEPS_OF_BOLUS(value))


def status(value: Any) -> str:
    """Check pairs of keys: a rate needs its seconds, a transition its offset."""
    wrong = STATUS(value)
    if not wrong and value.get("temporary") and not value["rate_seconds_s"]:
        return "rate_seconds_s is 0 with a temporary rate"
    if not wrong and value.get("transition_utc_s") and "transition_offset_s" not in value:
        return "transition_offset_s is missing"
    return wrong


def calibration_read(value: Any) -> str:
    """Refuse a run with fewer steps than turns."""
    wrong = _CALIBRATION_READ(value)
    return wrong or ("turns_steps is less than turns" if value["turns_steps"] < value["turns"] else "")


def crc(value: Any) -> str:
    return "" if is_hex(value, 8) or (type(value) is int and 0 <= value <= U32) else f" is {shown(value)}, not 8 hex digits"


_SEQUENCES = dict.fromkeys(("first_sequence", "next_sequence", "last_sequence"), NUMBER)

# one row per method of pumpcore.wire.messages.METHODS
REPLIES: dict[str, Kind] = {
    "hello": HELLO,
    "status": status,
    "clock.set": table(CLOCK, {**CLOCK_MORE, "old_utc_s": UTC_S}),
    "program.stage": table({"digest": digits(64), "program": packed_program}, {"bytes": NUMBER, "line": maybe(front)}),
    "program.check": table({"digest": digits(64), "done": truth, "done_permille": whole(0, 1000)}),
    "program.activate": table({"digest": digits(64)}),
    "program.read": table({"digest": DIGEST, "program": maybe(packed_program)}),
    "start": table({"digest": DIGEST, "position_steps": STEPS}),
    "bridge.start": table({
        "token": TOKEN, "line_nl": VOLUME_NL, "numerator": NUMBER, "denominator": NUMBER, "position_steps": STEPS,
        "old_until_steps": STEPS, "new_from_steps": STEPS,
    }),
    "stop": table({"state": NAME, "delivered_steps": STEPS}),
    "bolus.token": table({"token": TOKEN}, {"valid_ms": NUMBER}),
    "bolus.start": ORDERED,
    "bolus.status": bolus_status,
    "bolus.cancel": table({"token": TOKEN, "planned_steps": STEPS}),
    "bolus.demand": ORDERED,
    "bolus.extended": ORDERED,
    "bolus.prime": ORDERED,
    "run.start": ORDERED,
    "calibration.check": table({"id": NAME, "calibration": any_calibration}),
    "calibration.set": CALIBRATION,
    "calibration.read": calibration_read,
    "temporary.start": table({"begins_at_ms": UPTIME_MS, "ends_at_ms": UPTIME_MS}, {"token": TOKEN}),
    "temporary.cancel": table({"token": TOKEN, "ends_at_ms": UPTIME_MS}),
    "reservoir.refill": table({**dict.fromkeys(("expected_nl", "measured_nl", "filled_nl", "left_nl"), VOLUME_NL), "blocks": FLAG}),
    "reservoir.acknowledge": table({"blocks": FLAG}),
    "alarms": table({"alarms": many(table(
        {"fault": whole(0, U16)}, {"name": NAME, "severity": NAME, "text": WORDS, "do": WORDS, "count": NUMBER},
    ))}),
    "ack": table({"alarms": ALARM_NUMBERS}),
    "journal.read": table({"ring": NAME, "bytes": whole(0, BLOCK_BYTES), "crc32": crc, **_SEQUENCES}, {"more": truth}),
    "maintenance": table({"state": NAME}),
    "forecast.digest": table(
        {"second_s": DURATION_S, "remainder": NUMBER, "chain": digits(64), "done": truth}, {"position_steps": STEPS},
    ),
}  # fmt: skip
