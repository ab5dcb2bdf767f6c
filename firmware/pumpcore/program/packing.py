"""A program as bytes: packed, unpacked, its settings checked."""

import struct

from pumpcore.faults.faults import Refusal
from pumpcore.program.plan import BY_STAGES, CONSTANT, MINIMUM, MODES, SCHEDULE, PackedEntries, Program  # noqa: F401  (other files import them from here)
from pumpcore.program.settings import FIELDS, LIMITS, OVERRIDES, Settings
from pumpcore.units import MINUTES_PER_WEEK, const, sha256_hex

# --- settings_check ----------------------------------------------------------------------------------------------------------
# A program's settings alone: ranges, and which fields need each other.

LONGEST_LOCKOUT_S = const(86_400)
SHORTEST_DEMAND_S = const(20)
MOST_DEMANDS = const(96)
_MOST = const(1 << 48)


def check(settings: Settings) -> None:
    """Check what can be judged without bench and schedule. Refusals `program_format`, `program_settings`."""
    for name in FIELDS:
        if getattr(settings, name) > _MOST:
            raise Refusal("program_format", cause=name)
    if settings.demand_on > 1 or settings.overrides >> len(OVERRIDES):
        raise Refusal("program_format", cause="a flag of the settings")
    if bool(settings.library) != bool(settings.library_version):
        raise Refusal("program_settings", rule="R7", setting="library_version", cause="a library has a name and a version")
    _check_demand(settings)
    _check_line_and_reservoir(settings)
    _in_order(settings)


def _in_order(settings: Settings) -> None:
    for low, high in (("soft_rate_nl", "hard_rate_nl"), ("soft_bolus_nl", "hard_bolus_nl"), ("soft_day_nl", "hard_day_nl"),
                      ("hard_low_ng", "soft_low_ng"), ("soft_low_ng", "soft_high_ng"), ("soft_high_ng", "hard_high_ng"),
                      ("bolus_max_nl", "bolus_day_nl")):
        limit = getattr(settings, high)
        if limit and getattr(settings, low) > limit:
            raise Refusal("program_settings", rule="R7", setting=low, asked=getattr(settings, low), limit=limit, nearest=limit)


def _within(settings: Settings, name: str, low: int, high: int) -> None:
    value = getattr(settings, name)
    if not low <= value <= high:
        nearest = low if value < low else high
        raise Refusal("program_settings", rule="R7", setting=name, asked=value, limit=nearest, nearest=nearest)


def _check_demand(settings: Settings) -> None:
    given = (settings.demand_nl, settings.demand_s, settings.lockout_s, settings.demand_per_day)
    if not any(given):
        if settings.demand_on:
            raise Refusal("program_settings", rule="R7", setting="demand_on", cause="it has no dose")
        return
    _within(settings, "demand_nl", 1, _MOST)
    _within(settings, "demand_per_day", 1, MOST_DEMANDS)
    _within(settings, "demand_s", SHORTEST_DEMAND_S, LONGEST_LOCKOUT_S)
    _within(settings, "lockout_s", settings.demand_s + 1, LONGEST_LOCKOUT_S)
    limit_nl = settings.bolus_limit_nl()
    if limit_nl:
        _within(settings, "demand_nl", 1, limit_nl)
    if settings.bolus_day_nl and settings.demand_nl * settings.demand_per_day > settings.bolus_day_nl:
        _within(settings, "demand_per_day", 0, settings.bolus_day_nl // settings.demand_nl)


def _check_line_and_reservoir(settings: Settings) -> None:
    if bool(settings.line_nl()) != bool(settings.line_day):
        cause = "the volumes of the line and the day they were measured go together"
        raise Refusal("program_settings", rule="R7", setting="line_day", cause=cause)
    reservoir = (settings.low_nl, settings.empty_nl, settings.tolerance_nl, settings.tolerance_permille)
    if not settings.capacity_nl:
        if any(reservoir):
            raise Refusal("program_settings", rule="R7", setting="capacity_nl", cause="a reservoir needs a capacity")
        return
    _within(settings, "empty_nl", 1, settings.capacity_nl)
    _within(settings, "low_nl", settings.empty_nl, settings.capacity_nl)
    _within(settings, "tolerance_permille", 0, 1000)
    _within(settings, "tolerance_nl", 1, settings.capacity_nl)


# --- program -----------------------------------------------------------------------------------------------------------------
# The program is a prescription compiled to integers and packed. Its digest is the SHA-256 of exactly these bytes.
#
# Layout, little-endian (struct notation in _HEAD): magic, mode, on_clock_loss, after_power_loss, length of the library's name, seconds,
# number of entries, length of name, length of fluid, max rate, hour, day (0 = not limited by the program), concentration ng and nl; then
# name, fluid and library in UTF-8; then the settings (settings.py), which a program of magic TPR1 lacks; then the entries, each
# minute-of-week u16 and rate u64 (nl per `rate_seconds_s`).
#
# TPR3 is for a program with a protocol, or with more than one drug. After its header come the numbers of other drugs and of stages (u8
# each), after the texts the other drugs, then always the settings, then the protocol's block (staging.py), then the entries with a rate
# of seven bytes: 336 of them, four drugs and every setting fit in MAX_BYTES.
#
# Another drug has a head (_DRUG: bytes of its name, concentration ng and nl, the library's limits for it) and its name in UTF-8.

MAX_ENTRIES = const(336)
MAX_BYTES = const(4096)
MAX_TEXT_BYTES = const(80)
SETTINGS_BYTES = const(173)
CLOCK_LOSS = const(("stop", "lowest"))
POWER_LOSS = const(("stop", "resume"))
MAX_RATE_NL = const(1 << 48)

_PLAIN = const(b"TPR1")
_WITH_SETTINGS = const(b"TPR2")
_WITH_MORE = const(b"TPR3")
_HEAD = const("<4sBBBBIHBBQQQQQ")
_ENTRY = const("<HQ")
_ENTRY_BYTES = const(10)
_SHORT_ENTRY_BYTES = const(9)
_DRUG = const("<B12Q")
_DRUG_BYTES = const(97)
_MOST_OTHERS = const(3)


def digest(packed: bytes) -> str:
    """Return the digest of a program: SHA-256 in 64 hex digits."""
    return sha256_hex(packed)


def pack(program: Program) -> bytes:
    """Return the program's bytes. Refusals `program_size`, `program_format`."""
    settings, protocol = program.settings, program.protocol
    texts = [program.name.encode(), program.fluid.encode()]
    more = protocol is not None or len(program.drugs) > 0
    magic, block, size = (_WITH_MORE, bytes(SETTINGS_BYTES), _SHORT_ENTRY_BYTES) if more else (_PLAIN, b"", _ENTRY_BYTES)
    if settings is not None:
        magic, block = _WITH_MORE if more else _WITH_SETTINGS, settings.pack()
        texts.append(settings.library.encode())
    if len(program.entries) > MAX_ENTRIES or max([len(text) for text in texts]) > MAX_TEXT_BYTES:
        raise Refusal("program_size", entries=len(program.entries), limit=MAX_ENTRIES)
    head = struct.pack(
        _HEAD, magic, program.mode, CLOCK_LOSS.index(program.on_clock_loss),
        POWER_LOSS.index(program.after_power_loss), len(texts[2]) if settings is not None else 0, program.rate_seconds_s,
        len(program.entries), len(texts[0]), len(texts[1]), program.max_rate_nl, program.hour_nl, program.day_nl,
        program.concentration[0], program.concentration[1],
    )
    if more:
        head += bytes((len(program.drugs), 0 if protocol is None else len(protocol.stages)))
        texts += _pack_drugs(program)
        if protocol is not None:
            from pumpcore.program import staging

            block += staging.pack(protocol)
    rows = [struct.pack(_ENTRY, minute, rate_nl)[:size] for minute, rate_nl in program.entries]
    packed = head + b"".join(texts) + block + b"".join(rows)
    if len(packed) > MAX_BYTES:
        raise Refusal("program_size", bytes=len(packed), limit=MAX_BYTES)
    return packed


def _pack_drugs(program: Program) -> list[bytes]:
    """Return the bytes of the drugs after the first."""
    parts, settings = [], program.settings
    limits = [own for _, own in settings.drugs[1:]] if settings is not None else []
    for at, (name, mass_ng, volume_nl) in enumerate(program.drugs):
        raw = name.encode()
        own = limits[at] if at < len(limits) else (0,) * len(LIMITS)
        if len(raw) > MAX_TEXT_BYTES or at >= _MOST_OTHERS:
            raise Refusal("program_size", drugs=1 + len(program.drugs), limit=1 + _MOST_OTHERS, nearest=1 + _MOST_OTHERS)
        parts += [struct.pack(_DRUG, len(raw), mass_ng, volume_nl, *own), raw]
    return parts


def unpack(packed: bytes) -> Program:
    """Return the program of `packed`. Refusals `program_size`, `program_format`, `program_schedule`, and those of settings and protocol.

    Raises nothing else, whatever the bytes are.
    """
    if len(packed) > MAX_BYTES:
        raise Refusal("program_size", bytes=len(packed), limit=MAX_BYTES)
    head_bytes = struct.calcsize(_HEAD)
    if len(packed) < head_bytes or packed[:4] not in (_PLAIN, _WITH_SETTINGS, _WITH_MORE):
        raise Refusal("program_format", cause="no header")
    head = struct.unpack(_HEAD, packed[:head_bytes])
    _, mode, clock_loss, power_loss, library_bytes, seconds_s, count, name_bytes, fluid_bytes = head[:9]
    plain, more = packed[:4] == _PLAIN, packed[:4] == _WITH_MORE
    odd = mode > (BY_STAGES if more else MINIMUM) or (plain and (library_bytes or mode == MINIMUM))
    if odd or clock_loss > 1 or power_loss > 1 or not 0 < seconds_s < 1 << 32:
        raise Refusal("program_format", cause="a field of the header")
    if count > MAX_ENTRIES:
        raise Refusal("program_size", entries=count, limit=MAX_ENTRIES)
    name_at = head_bytes + (2 if more else 0)
    fluid_end = name_at + name_bytes + fluid_bytes
    size = _SHORT_ENTRY_BYTES if more else _ENTRY_BYTES
    rows_at = len(packed) - count * size
    drugs: list = []
    settings_at = fluid_end + library_bytes
    if more:
        drugs, settings_at = _drugs(packed, head_bytes, settings_at)
    block_at = settings_at + (0 if plain else SETTINGS_BYTES)
    if rows_at != block_at and not (more and rows_at > block_at):
        raise Refusal("program_format", cause="length")
    program = Program(
        _text(packed[name_at : name_at + name_bytes]), _text(packed[name_at + name_bytes : fluid_end]), seconds_s,
        PackedEntries(packed, rows_at, size))
    program.mode = mode
    program.on_clock_loss = CLOCK_LOSS[clock_loss]
    program.after_power_loss = POWER_LOSS[power_loss]
    program.max_rate_nl, program.hour_nl, program.day_nl = head[9:12]
    program.concentration = head[12:]
    program.drugs = tuple([drug[:3] for drug in drugs])
    if more:
        _take_more(program, packed[head_bytes + 1], memoryview(packed)[block_at:rows_at])
    _check_values(program)
    if not plain:
        _take_settings(program, packed[settings_at:block_at], _text(packed[fluid_end : fluid_end + library_bytes]))
    if drugs:
        _take_limits(program, drugs)
    return program


def _drugs(packed: bytes, start: int, at: int) -> tuple[list, int]:
    """Return [(name, ng, nl, its limits)] of the drugs after the first, which begin at byte `at`, and where they end."""
    found: list = []
    if len(packed) < start + 2 or packed[start] > _MOST_OTHERS:
        raise Refusal("program_format", cause="numbers of drugs and stages")
    for _ in range(packed[start]):
        name_at = at + _DRUG_BYTES
        if name_at > len(packed):
            raise Refusal("program_format", cause="length")
        head = struct.unpack(_DRUG, packed[at:name_at])
        at = name_at + head[0]
        found.append((_text(packed[name_at:at]), head[1], head[2], head[3:]))
    return found, at


def _take_more(program: Program, stages: int, data: memoryview) -> None:
    """Read what only TPR3 has. Each program has one form: without other drugs and without a protocol it is not a TPR3."""
    if not (program.drugs or stages) or (program.mode == BY_STAGES) != (stages > 0):
        raise Refusal("program_format", cause="numbers of drugs and stages")
    if not stages:
        if len(data):
            raise Refusal("program_format", cause="length")
        return
    from pumpcore.program import staging

    if len(data) != staging.block_bytes(stages, data):
        raise Refusal("program_format", cause="length")
    program.protocol = staging.unpack(stages, data)
    if program.on_clock_loss != CLOCK_LOSS[0]:  # a protocol has no lowest rate to go on with
        raise Refusal("program_format", cause="on_clock_loss of a protocol")


def _take_settings(program: Program, data: bytes, library: str) -> None:
    from pumpcore.program import settings

    program.settings = settings.unpack(data, library)
    check(program.settings)
    if program.settings or program.mode == MINIMUM:
        return
    if program.protocol is None and not program.drugs:  # otherwise one program would have two forms and two digests
        raise Refusal("program_format", cause="settings without one")
    program.settings = None


def _take_limits(program: Program, drugs: list) -> None:
    """Check the drugs after the first and their limits in the library, within which the program's own limits must be."""
    settings = program.settings
    content = program.content()
    if not all([drug[0] and drug[1] and drug[2] for drug in content]) or len(set([drug[0] for drug in content])) != len(content):
        raise Refusal("program_format", cause="several drugs need different names, each with its concentration")
    for name, _, _, own in drugs:
        if max(own) > (_MOST if settings is not None and settings.library else 0):
            raise Refusal("program_format", cause="limits of a drug", drug=name)
        _in_order(Settings((0,) * (len(FIELDS) - len(LIMITS)) + own))
        for field, limit in zip(LIMITS[:6], own):
            asked = getattr(settings, field, 0)
            if limit and not 0 < asked <= limit:
                raise Refusal("program_settings", rule="R7", setting=field, drug=name, asked=asked, limit=limit, nearest=limit)
    if settings is not None:
        settings.drugs = ((program.fluid, ()),) + tuple([(drug[0], drug[3]) for drug in drugs])


def _text(raw: bytes) -> str:
    """Decode strict UTF-8. Refusal `program_format`.

    MicroPython's decoder also accepts overlong forms, surrogates and code points beyond the last, which no host could read back. Each of
    them shows in the first byte of a letter or the one after it.
    """
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
    if program.mode == BY_STAGES:
        if len(program.entries):
            raise Refusal("program_schedule", cause="a protocol has stages and no entries")
        return
    if not len(program.entries) or (program.mode != SCHEDULE and (len(program.entries) != 1 or program.entries[0][0])):
        raise Refusal("program_schedule", cause="a constant program has one entry, at minute 0; a schedule at least one")
    before = -1
    for minute, rate_nl in program.entries:
        if not before < minute < MINUTES_PER_WEEK:
            raise Refusal("program_schedule", minute_of_week=minute)
        if rate_nl > MAX_RATE_NL:
            raise Refusal("program_format", cause="a rate is out of range")
        before = minute
