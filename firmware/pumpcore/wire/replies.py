"""The replies of every method: their keys, the kind of each value, and its range. Data only, not deployed: no pump reads it.

The host checks replies by this table. Tests compare it with the firmware's answers, the shapes of `--json` and PROTOCOL.md, section 3. A
kind is a tuple that begins with its word:

    ("whole", least, most)      an integer
    ("text", most_bytes)        a text in UTF-8
    ("hex", digits)             a text of so many lower-case hex digits
    ("hex_or_empty", digits)    the same, or ""
    ("file_name", most_bytes)   a text of ASCII letters and digits, or ""
    ("flag",)                   true or false
    ("maybe", kind)             null, or a value of that kind
    ("many", kind, most)        a list of at most so many values of that kind
    ("keys", needed, known)     an object; a reply of an older pump may lack the `known` keys, one of a newer pump may have more
    ("packed", module, empty)   bytes in base64 that pumpcore.<module> unpacks; "" too where `empty`
    ("crc",)                    8 hex digits, or an integer of 32 bits
    ("rule", name, kind)        that kind, and a rule of the host about several keys together
"""

U16, U32, U64 = (1 << 16) - 1, (1 << 32) - 1, (1 << 64) - 1
_DAY_S = 86_400
BLOCK_BYTES = 4096  # of a journal's block
LIST_MOST = 336
PUMP_NAME_BYTES = 20
_NAME_BYTES, _WORDS_BYTES, _ERROR_BYTES = 80, 400, 1000

STEPS = VOLUME_NL = RATE_NL = COUNT = ("whole", 0, U64)
UPTIME_MS = ("whole", 0, U32 * 1000)
DURATION_S = UTC_S = ("whole", 0, U32)
SECONDS_S = POSITIVE = ("whole", 1, U32)
OFFSET_S = ("whole", -_DAY_S, _DAY_S)
U16_NUMBER, U32_NUMBER = ("whole", 0, U16), ("whole", 0, U32)
ON_OFF = ("whole", 0, 1)
TRUTH = ("flag",)
TOKEN, DIGEST, DIGEST_OR_NONE = ("hex", 16), ("hex", 64), ("hex_or_empty", 64)
NAME, WORDS = ("text", _NAME_BYTES), ("text", _WORDS_BYTES)
PROGRAM = ("packed", "program.packing", True)
CALIBRATION_BYTES = ("packed", "bench.weighed", False)


def _maybe(kind: tuple) -> tuple:
    return ("maybe", kind)


def _many(kind: tuple, high: int = LIST_MOST) -> tuple:
    return ("many", kind, high)


def _keys(needed: dict, known: dict | None = None) -> tuple:
    return ("keys", needed, known or {})


def _each(names: str, kind: tuple) -> dict:
    return {name: kind for name in names.split()}


def _all(*tables: dict) -> dict:
    """Return every row of these tables. MicroPython unpacks no dict inside of another one."""
    rows = {}
    for table in tables:
        rows.update(table)
    return rows


ALARM_NUMBERS = _many(U16_NUMBER)
VERSION = _many(U16_NUMBER, 2)
NOMINAL = {"volume_nl": POSITIVE, "steps": POSITIVE, "state": NAME}
CALIBRATION = _keys(
    NOMINAL,
    {
        "id": NAME, "expired": _maybe(NAME), "weighed_utc_s": _maybe(UTC_S), "expires_utc_s": _maybe(UTC_S),
        "expires_nl": _maybe(VOLUME_NL), "delivered_nl": _maybe(VOLUME_NL), "scatter_ppm": ("whole", 0, 1_000_000),
        "runs": ("whole", 0, 99),
    },
)
CEILINGS = _keys({
    "rate_nl": RATE_NL, "rate_seconds_s": SECONDS_S, "hour_nl": VOLUME_NL, "day_nl": VOLUME_NL, "max_rate_hz": POSITIVE,
    "start_rate_hz": U32_NUMBER, "acceleration_hz_per_s": U32_NUMBER,
})
BOLUS = _keys(
    {
        "token": TOKEN, "state": NAME, "rate_nl": RATE_NL, "rate_seconds_s": SECONDS_S, "ordered_steps": STEPS, "delivered_steps": STEPS,
        "volume_nl": VOLUME_NL,
    },
    {"purpose": NAME, "begins_at_ms": UPTIME_MS},
)
TEMPORARY = _keys({
    "token": TOKEN, "rate_nl": RATE_NL, "numerator": U32_NUMBER, "denominator": U32_NUMBER, "duration_s": DURATION_S,
    "rest_s": DURATION_S,
})
_FRONT = _all(
    _each("line_nl low_nl high_nl least_nl most_nl old_ng old_nl new_ng new_nl", VOLUME_NL),
    _each("needs old_fluid new_fluid", NAME),
    _each("old_until_steps new_from_steps", STEPS),
)
DRUG = _keys({"name": NAME, "ng": VOLUME_NL, "nl": VOLUME_NL})
_DRUGS = {"old_drugs": _many(DRUG, 3), "new_drugs": _many(DRUG, 3)}
STAGED_LINE = ("rule", "staged_line", _keys(_FRONT, _DRUGS))  # no bridge runs yet
LINE = ("rule", "line", _keys(_all(_FRONT, {"phase": NAME}), _DRUGS))
RESERVOIR = _keys(
    {"left_nl": _maybe(VOLUME_NL)},
    _all(
        _each("capacity_nl low_nl empty_nl delivered_nl", VOLUME_NL),
        {"spread_nl": _maybe(VOLUME_NL), "refilled_utc_s": UTC_S, "blocks": ON_OFF},
    ),
)
PROTOCOL_NOW = _keys({
    "stage": _maybe(U16_NUMBER), "stages": U16_NUMBER, "pass": COUNT, "passes": COUNT, "second_s": COUNT, "stage_left_s": _maybe(COUNT),
    "left_s": _maybe(COUNT), "waits_s": COUNT, "rate_nl": RATE_NL, "next_rate_nl": _maybe(RATE_NL),
})
THERAPY = _keys(
    {},
    {
        "demand_on": ON_OFF, "demand_wait_s": DURATION_S, "demand_barred": NAME, "library": NAME, "library_version": U32_NUMBER,
        "overrides": _many(NAME), "demands_in_day": COUNT, "demands_refused": COUNT, "boluses_in_day_nl": VOLUME_NL,
        "reservoir": _maybe(RESERVOIR), "line": _maybe(LINE),
    },
)
ORDERED = _keys({"ordered_steps": STEPS, "duration_s": DURATION_S}, {"token": TOKEN, "begins_at_ms": UPTIME_MS})
_CLOCK = {"utc_s": UTC_S, "offset_s": OFFSET_S}
_CLOCK_MORE = {
    "utc_fraction_ms": _maybe(("whole", 0, 999)), "transition_utc_s": UTC_S, "transition_offset_s": OFFSET_S, "clock_set_utc_s": UTC_S,
    "zone_known": TRUTH,
}
ROTOR = _keys({
    "table": _maybe(_keys(_all(
        _each("bins turns turns_steps", POSITIVE), {"utc_s": UTC_S}, _each("deviation_nl backflow_nl", VOLUME_NL),
        {"residual_ug": U32_NUMBER, "lag_ms": U16_NUMBER, "bench": NAME, "tube": NAME, "lot": NAME, "id": NAME},
    ))),
    "law": NAME, "law_cause": NAME, "zero_steps": _maybe(STEPS), "motor_steps": STEPS,
})
CALIBRATION_ROW = _keys({"packed": CALIBRATION_BYTES, "position_steps": STEPS})
IMPLEMENTATION = _keys({}, {"name": NAME, "version": _many(U16_NUMBER, 4), "machine": WORDS, "mpy": U32_NUMBER})
ALARM = _keys({"fault": U16_NUMBER}, {"name": NAME, "severity": NAME, "text": WORDS, "do": WORDS, "count": COUNT})
STATUS = _keys(
    _all(
        _CLOCK,
        {
            "state": NAME, "boot": COUNT, "uptime_ms": UPTIME_MS, "powered_on_s": DURATION_S, "calibration": _maybe(CALIBRATION),
            "alarms": ALARM_NUMBERS, "events_sequence": COUNT, "faults_sequence": COUNT, "hour_nl": VOLUME_NL, "day_nl": VOLUME_NL,
            "rate_seconds_s": U32_NUMBER,
        },
        _each("ordered_steps delivered_steps guard_steps uncertain_steps", STEPS),
    ),
    _all(_CLOCK_MORE, {
        "checking": TRUTH, "program_digest": DIGEST_OR_NONE, "program_name": NAME, "free_memory_bytes": COUNT,
        "last_error": ("text", _ERROR_BYTES), "entry": _maybe(U16_NUMBER), "entry_rate_nl": _maybe(RATE_NL),
        "next_change_s": _maybe(DURATION_S), "leased_steps": STEPS, "position_uncertain_steps": STEPS, "bolus": _maybe(BOLUS),
        "extended": _maybe(BOLUS), "temporary": _maybe(TEMPORARY), "protocol": _maybe(PROTOCOL_NOW),
        "therapy": _maybe(THERAPY), "motor_supply_mv": _maybe(U32_NUMBER), "motor_supply_high_mv": _maybe(U32_NUMBER),
        "counters": _keys({}), "drugs": _many(DRUG, 4), "keys": NAME, "motor_steps": STEPS, "law": NAME, "law_cause": NAME,
        "rotor_sensor": _maybe(NAME),
    }),
)
HELLO = _keys(
    {"protocol": VERSION},
    {
        "thecal": WORDS, "firmware": NAME, "release": WORDS, "implementation": IMPLEMENTATION, "unique_id": ("file_name", _NAME_BYTES),
        "journal_identity": ("hex_or_empty", 32), "bench": NAME, "program_digest": DIGEST_OR_NONE, "calibration_state": NAME,
        "calibration_id": _maybe(NAME), "calibration_expires_utc_s": _maybe(UTC_S), "calibration_expires_nl": _maybe(VOLUME_NL),
        "ceilings": _maybe(CEILINGS), "name": ("text", PUMP_NAME_BYTES), "capabilities": _many(NAME),
    },
)
REFUSAL = _keys({}, {
    "code": ("whole", -U32, U32), "message": WORDS, "data": _maybe(_keys({}, {"fault": NAME, "do": WORDS})),
})

# one row per method of pumpcore.wire.messages.METHODS
REPLIES = {
    "hello": HELLO,
    "status": ("rule", "status", STATUS),
    "clock.set": _keys(_CLOCK, _all(_CLOCK_MORE, {"old_utc_s": UTC_S})),
    "program.stage": _keys({"digest": DIGEST, "program": PROGRAM}, {"bytes": COUNT, "line": _maybe(STAGED_LINE)}),
    "program.check": _keys({"digest": DIGEST, "done": TRUTH, "done_permille": ("whole", 0, 1000)}),
    "program.activate": _keys({"digest": DIGEST}),
    "program.read": _keys({"digest": DIGEST_OR_NONE, "program": _maybe(PROGRAM)}),
    "start": _keys({"digest": DIGEST_OR_NONE, "position_steps": STEPS}),
    "bridge.start": _keys({
        "token": TOKEN, "line_nl": VOLUME_NL, "numerator": COUNT, "denominator": COUNT, "position_steps": STEPS,
        "old_until_steps": STEPS, "new_from_steps": STEPS,
    }),
    "stop": _keys({"state": NAME, "delivered_steps": STEPS}),
    "bolus.token": _keys({"token": TOKEN}, {"valid_ms": COUNT}),
    "bolus.start": ORDERED,
    "bolus.status": ("rule", "bolus", _keys({"token": TOKEN, "state": NAME}, {
        "purpose": NAME, "volume_nl": VOLUME_NL, "rate_nl": RATE_NL, "rate_seconds_s": U32_NUMBER, "ordered_steps": STEPS,
        "delivered_steps": STEPS, "begins_at_ms": UPTIME_MS,
    })),
    "bolus.cancel": _keys({"token": TOKEN, "planned_steps": STEPS}),
    "bolus.demand": ORDERED,
    "bolus.extended": ORDERED,
    "bolus.prime": ORDERED,
    "run.start": ORDERED,
    "calibration.check": _keys({"id": NAME, "calibration": ("packed", "bench.weighed", True)}),
    "calibration.set": CALIBRATION,
    "calibration.read": ("rule", "turns", _keys(
        {
            "nominal": _keys(NOMINAL), "turns": POSITIVE, "turns_steps": POSITIVE, "calibration": _maybe(CALIBRATION_ROW),
            "history": _many(CALIBRATION_ROW), "status": CALIBRATION,
        },
        {"bench": NAME},
    )),
    "rotor.check": _keys({"id": NAME, "rotor": ("packed", "bench.learned", True)}),
    "rotor.set": ROTOR,
    "rotor.phase": ROTOR,
    "rotor.read": _keys({"rotor": _maybe(("packed", "bench.learned", False)), "status": ROTOR}),
    "temporary.start": _keys({"begins_at_ms": UPTIME_MS, "ends_at_ms": UPTIME_MS}, {"token": TOKEN}),
    "temporary.cancel": _keys({"token": TOKEN, "ends_at_ms": UPTIME_MS}),
    "reservoir.refill": _keys(_all(_each("expected_nl measured_nl filled_nl left_nl", VOLUME_NL), {"blocks": ON_OFF})),
    "reservoir.acknowledge": _keys({"blocks": ON_OFF}),
    "alarms": _keys({"alarms": _many(ALARM)}),
    "ack": _keys({"alarms": ALARM_NUMBERS}),
    "journal.read": _keys(
        _all(
            {"ring": NAME, "bytes": ("whole", 0, BLOCK_BYTES), "crc32": ("crc",)},
            _each("first_sequence next_sequence last_sequence", COUNT),
        ),
        {"more": TRUTH},
    ),
    "bench.set": _keys({"done": TRUTH, "wait_s": DURATION_S, "hold_s": DURATION_S}),
    "maintenance": _keys({"state": NAME}),
    "key.challenge": _keys({"challenge": ("hex", 32)}, {"valid_ms": COUNT}),
    "key.set": _keys({"done": TRUTH, "wait_s": DURATION_S, "hold_s": DURATION_S}),
    "name.set": _keys({"name": ("text", PUMP_NAME_BYTES)}),
    "forecast.digest": _keys(
        {"second_s": DURATION_S, "remainder": COUNT, "chain": DIGEST, "done": TRUTH}, {"position_steps": STEPS},
    ),
}


def keys(kind: tuple) -> dict:
    """Return {name: kind} of the object that this kind is, or holds below a "maybe", "many" or "rule"; {} for any other kind."""
    if kind[0] == "keys":
        return _all(kind[1], kind[2])
    inner = kind[-1] if kind[0] in ("maybe", "rule") else kind[1] if kind[0] == "many" else ()
    return keys(inner) if inner else {}
