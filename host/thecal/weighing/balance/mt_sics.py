"""MT-SICS, the command set of Mettler Toledo (and of others that copied it): one line out, one line back, upper case.

A weight is `S S     12.3456 g`: id, status, a right-aligned field of ten characters, a unit. Status S is stable, D moving,
I not possible now, + and - out of range.
"""

from __future__ import annotations

import re

from thecal.weighing.balance import errors
from thecal.weighing.balance.reading import Weight

NAME = "mt-sics"
FRAMING = "9600-8N1"
ASK_STABLE = b"S\r\n"
ASK_NOW = b"SI\r\n"
REPEAT = b"SIR\r\n"
ASK_SERIAL = b"I4\r\n"
FIELD_CHARACTERS = 10

WEIGHT = re.compile(r"S ([SD]) ((?: *)(-?\d+(?:\.\d+)?)) (\S+) *")
SERIAL = re.compile(r'I4 A "([^"]*)" *')
GENERAL = {"ES": "syntax error", "ET": "transmission error", "EL": "logical error"}
FAULT = re.compile(r"S [SDI]? ?Error (\S+) *")


def read(line: str) -> Weight:
    """Return the weight in a line. Raises BalanceError for every other line."""
    match = WEIGHT.fullmatch(line)
    if match is None:
        raise _why_not(line)
    status, field, number, unit = match.groups()
    # ten characters, more only if the number itself needs them, so that a lost byte shows
    if len(field) != max(FIELD_CHARACTERS, len(number)):
        raise errors.half_line(line, f"the value's field has {len(field)} characters, MT-SICS has {FIELD_CHARACTERS}")
    return Weight(number, unit, status == "S")


def serial_number(line: str) -> str | None:
    """Return the serial number in an answer to I4; None for any other line."""
    match = SERIAL.fullmatch(line)
    return match.group(1) if match else None


def is_refusal(line: str) -> bool:
    """Return True if the balance understood a command but can't carry it out."""
    return line.strip() in GENERAL or line.rstrip() == "I4 I"


def _why_not(line: str) -> errors.BalanceError:
    text = line.rstrip()
    if text in GENERAL:
        return errors.error_code(line, f"{text}, {GENERAL[text]}")
    if text == "S +":
        return errors.overload(line)
    if text == "S -":
        return errors.underload(line)
    if text == "S I":
        return errors.busy(line)
    fault = FAULT.fullmatch(line)
    if fault is not None:
        return errors.error_code(line, f"error {fault.group(1)}")
    if "," in line and re.fullmatch(r"S [SD] +-?\d+,\d+ \S+ *", line):
        return errors.decimal_comma(line)
    if re.fullmatch(r"S( [SD]( *-?[\d.]*)?)?", text):
        return errors.half_line(line, "the unit is missing")
    return errors.unparsable(line, NAME)
