"""The program: a prescription compiled to integers and packed. Its digest is the SHA-256 of exactly these bytes.

Layout, little-endian (struct notation in _HEAD): magic, mode, on_clock_loss, after_power_loss, length of the library's
name, seconds, number of entries, length of name, length of fluid, max rate, hour, day (0 = not limited by the program),
concentration ng and nl; then name, fluid and library in UTF-8; then the settings (pumpcore/settings.py), which a program
of magic TPR1 has not got; then the entries, each minute-of-week u16 and rate u64 (nl per `rate_seconds_s`).
"""

import struct

from pumpcore.faults import Refusal
from pumpcore.hashes import sha256_hex
from pumpcore.plan import CONSTANT, MINIMUM, MODES, SCHEDULE, Program  # noqa: F401  (for those who know them by this module)
from pumpcore.units import MINUTES_PER_WEEK

MAX_ENTRIES = 336
MAX_BYTES = 4096
MAX_TEXT_BYTES = 80
SETTINGS_BYTES = 173
CLOCK_LOSS = ("stop", "lowest")
POWER_LOSS = ("stop", "resume")
MAX_RATE_NL = 1 << 48

_PLAIN, _WITH_SETTINGS = b"TPR1", b"TPR2"
_HEAD = "<4sBBBBIHBBQQQQQ"
_ENTRY = "<HQ"
_ENTRY_BYTES = struct.calcsize(_ENTRY)


def digest(packed: bytes) -> str:
    """The program's name for machines: SHA-256 in 64 hex digits."""
    return sha256_hex(packed)


def pack(program: Program) -> bytes:
    """The program's bytes; Refusal `program_size` or `program_format` when it does not fit the format."""
    settings = program.settings
    texts = [program.name.encode(), program.fluid.encode()]
    magic, block = _PLAIN, b""
    if settings is not None:
        magic, block = _WITH_SETTINGS, settings.pack()
        texts.append(settings.library.encode())
    if len(program.entries) > MAX_ENTRIES or max([len(text) for text in texts]) > MAX_TEXT_BYTES:
        raise Refusal("program_size", entries=len(program.entries), limit=MAX_ENTRIES)
    head = struct.pack(
        _HEAD, magic, program.mode, CLOCK_LOSS.index(program.on_clock_loss),
        POWER_LOSS.index(program.after_power_loss), len(texts[2]) if settings is not None else 0, program.rate_seconds_s,
        len(program.entries), len(texts[0]), len(texts[1]), program.max_rate_nl, program.hour_nl, program.day_nl,
        program.concentration[0], program.concentration[1],
    )
    rows = [struct.pack(_ENTRY, minute, rate_nl) for minute, rate_nl in program.entries]
    return head + b"".join(texts) + block + b"".join(rows)


def unpack(packed: bytes) -> Program:
    """The program of `packed`. Refusals: `program_size`, `program_format`, `program_schedule`, `program_settings`; never
    another exception."""
    if len(packed) > MAX_BYTES:
        raise Refusal("program_size", bytes=len(packed), limit=MAX_BYTES)
    head_bytes = struct.calcsize(_HEAD)
    if len(packed) < head_bytes or packed[:4] not in (_PLAIN, _WITH_SETTINGS):
        raise Refusal("program_format", cause="no header")
    head = struct.unpack(_HEAD, packed[:head_bytes])
    _, mode, clock_loss, power_loss, library_bytes, seconds_s, count, name_bytes, fluid_bytes = head[:9]
    plain = packed[:4] == _PLAIN
    if mode > MINIMUM or clock_loss > 1 or power_loss > 1 or not 0 < seconds_s < 1 << 32 or (plain and (library_bytes or mode == MINIMUM)):
        raise Refusal("program_format", cause="a field of the header")
    if count > MAX_ENTRIES:
        raise Refusal("program_size", entries=count, limit=MAX_ENTRIES)
    fluid_end = head_bytes + name_bytes + fluid_bytes
    rows_at = len(packed) - count * _ENTRY_BYTES
    if rows_at != fluid_end + (0 if plain else library_bytes + SETTINGS_BYTES):
        raise Refusal("program_format", cause="length")
    program = Program(
        _text(packed[head_bytes : head_bytes + name_bytes]),
        _text(packed[head_bytes + name_bytes : fluid_end]),
        seconds_s,
        [struct.unpack_from(_ENTRY, packed, at) for at in range(rows_at, len(packed), _ENTRY_BYTES)],
    )
    program.mode = mode
    program.on_clock_loss = CLOCK_LOSS[clock_loss]
    program.after_power_loss = POWER_LOSS[power_loss]
    program.max_rate_nl, program.hour_nl, program.day_nl = head[9:12]
    program.concentration = head[12:]
    _check_values(program)
    if not plain:
        _take_settings(program, packed[fluid_end:rows_at], library_bytes)
    return program


def _take_settings(program: Program, block: bytes, library_bytes: int) -> None:
    from pumpcore import settings, settings_check

    program.settings = settings.unpack(block[library_bytes:], _text(block[:library_bytes]))
    settings_check.check(program.settings)
    if not program.settings and program.mode != MINIMUM:  # it would have two forms, and two digests
        raise Refusal("program_format", cause="settings without one")


def _text(raw: bytes) -> str:
    """Strict UTF-8. MicroPython's decoder also takes overlong forms, surrogates and what lies beyond the last letter, which no host could
    read back: each shows in a letter's first byte or the one behind it."""
    before = 0
    for byte in raw:
        most = 0x9F if before == 0xED else 0x8F if before == 0xF4 else 0xF4
        if byte in (0xC0, 0xC1) or byte > most or (before == 0xE0 and byte < 0xA0) or (before == 0xF0 and byte < 0x90):
            raise Refusal("program_format", cause="a text is not UTF-8")
        before = byte
    try:
        return raw.decode()
    except (UnicodeError, ValueError):
        raise Refusal("program_format", cause="a text is not UTF-8")


def _check_values(program: Program) -> None:
    if (program.concentration[0] == 0) != (program.concentration[1] == 0):
        raise Refusal("program_format", cause="concentration")
    for value_nl in (program.max_rate_nl, program.hour_nl, program.day_nl):
        if value_nl > MAX_RATE_NL:
            raise Refusal("program_format", cause="a limit is out of range")
    if not program.entries or (program.mode != SCHEDULE and (len(program.entries) != 1 or program.entries[0][0])):
        raise Refusal("program_schedule", cause="a constant program has one entry, at minute 0; a schedule at least one")
    before = -1
    for minute, rate_nl in program.entries:
        if not before < minute < MINUTES_PER_WEEK:
            raise Refusal("program_schedule", minute_of_week=minute)
        if rate_nl > MAX_RATE_NL:
            raise Refusal("program_format", cause="a rate is out of range")
        before = minute
