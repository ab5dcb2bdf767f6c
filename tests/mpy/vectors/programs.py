"""Packed programs: bytes, digests, and the refusals of damaged ones. Two Pythons that disagree would make two prescriptions."""

import binascii

from pumpcore.faults.fault_texts import sentence
from pumpcore.faults.faults import Refusal
from pumpcore.program import packing
from pumpcore.program.packing import pack, unpack
from pumpcore.program.plan import Program
from pumpcore.program.settings import FIELDS, Settings


def _programs() -> list:
    plain = Program("demo", "water", 3600, [(0, 900_000)])
    empty = Program("", "", 1, [(0, 0)])
    week = Program("n\u00e4chtlich \u00b5L \U0001f4a7", "w" * 80, 4_294_967_295, [(minute, minute * 7) for minute in range(0, 10_080, 30)])
    week.mode, week.on_clock_loss, week.after_power_loss = packing.SCHEDULE, "lowest", "resume"
    week.max_rate_nl, week.hour_nl, week.day_nl = 1 << 48, (1 << 48) - 1, 1
    week.concentration = ((1 << 64) - 1, 1)
    full = Program("all of it", "dye", 3600, [(0, 7)])
    full.mode = packing.MINIMUM
    full.settings = Settings(_FULL, "bench fluids")
    several = Program("four", "dye", 3600, [(0, 7), (3, 1 << 48)])
    several.mode, several.concentration = packing.SCHEDULE, (500, 1)
    several.drugs = (("m\u00e4rker", 250, 1), ("b", 1, (1 << 64) - 1), ("c", 3, 2))
    several.settings = Settings(_FULL, "bench fluids")
    own = (1 << 41, 1 << 40, 1 << 39, 1, 1 << 48, 0, 1, 2, 3, 4)
    several.settings.drugs = (("dye", ()), ("m\u00e4rker", own), ("b", (0,) * 10), ("c", own))
    return [plain, empty, week, full, several]


# in the order of FIELDS
_FULL = (
    1,
    4,
    300,
    3600,
    50_000,
    60_000,
    400_000,
    20_000,
    140_000,
    199_000,
    50,
    100_000,
    20_000_000,
    2_000_000,
    500_000,
    3,
    5,
    1 << 40,
    1 << 39,
    1 << 38,
    1,
    1 << 48,
    0,
    1,
    2,
    3,
    4,
)


def _settings() -> list:
    """Return the refusal of each setting if it alone is 0, 1 more, or 200."""
    made = _programs()[3]
    found = []
    for index, name in enumerate(FIELDS):
        for value in (0, _FULL[index] + 1, 200):
            setattr(made.settings, name, value)
            found.append([name, value, _told(pack(made))[:2]])
            setattr(made.settings, name, _FULL[index])
    return found


def _told(packed: bytes) -> list:
    try:
        made = unpack(packed)
    except Refusal as refused:
        return [refused.fault.name, sentence(refused)]
    rows = sorted(made.describe().items())
    return [[key, _plain(value)] for key, value in rows if key != "entries"] + [len(made.entries)]


def _plain(value: object) -> object:
    if type(value) is dict:
        return [[key, str(value[key])] for key in sorted(value)]
    return value if type(value) is not int else str(value)


def _damaged(packed: bytes) -> list:
    found = []
    for at in range(min(len(packed), 80)):
        for value in (0, 1, 0x7F, 0xFF):
            found.append(_told(packed[:at] + bytes([value]) + packed[at + 1 :])[0])
    return found + [_told(packed[:size])[0] for size in range(0, len(packed), 7)] + [_told(packed + b"\0")]


# overlong forms, surrogates, beyond the last code point, lone bytes, cut short
_TEXTS = (
    b"\xc0\x80",
    b"\xc1\xbf",
    b"\xe0\x80\xaf",
    b"\xed\xa0\x80",
    b"\xed\xbf\xbf",
    b"\xf0\x80\x80\xaf",
    b"\xf4\x90\x80\x80",
    b"\xf5\x80\x80\x80",
    b"\xf8\x88\x80\x80\x80",
    b"\x80",
    b"\xff",
    b"\xe2\x82",
    b"a\xe2",
    b"\xe2\x28\xa1",
    b"\xc3\xa4",
    b"\xf0\x9f\x92\xa7",
    b"\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf",  # each at the edge of what is refused
    b"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf",
    b"\x00",
    b"\x7f",
)


def _texts() -> list:
    found = []
    for raw in _TEXTS:
        packed = pack(Program("x" * len(raw), "f", 1, [(0, 1)]))
        at = packed.index(b"x" * len(raw))
        found.append([binascii.hexlify(raw).decode(), _told(packed[:at] + raw + packed[at + len(raw) :])[0] == "program_format"])
    return found


def run() -> list:
    packed = [pack(made) for made in _programs()]
    told = [[binascii.hexlify(raw[:400]).decode(), len(raw), packing.digest(raw), _told(raw)] for raw in packed]
    rates = [[str(made.highest_rate_nl()), str(made.lowest_rate_nl()), made.needs_clock()] for made in _programs()]
    return [told, rates, [_damaged(raw) for raw in packed], _texts(), _settings()]
