"""SBI, the print format of Sartorius: 16 characters a line with CR and LF, or 22 with an identifier of six before them.

+   12.3456 g          sign, value in nine characters, space, unit in three; no unit while the pan moves
N     +   12.3456 g    the same behind an identifier
      High             overload; Low: underload; - -: no value; Err 123: an error

The manuals (WZA, CPA, FB, Cubis MSE) give the three places as "unit or spaces": spaces while the value is not stable. There is no
other word on stability, and nothing in a line with a unit says that its maker keeps to this. See `guard`.
"""

from __future__ import annotations

import re

from thecal.weighing.balance import errors
from thecal.weighing.balance.reading import Weight

NAME = "sbi"
FRAMING = "9600-8O1"
ASK_NOW = b"\x1bP\r\n"
ASK_MODEL = b"\x1bx1_\r\n"
ASK_SERIAL = b"\x1bx2_\r\n"
SHORT_CHARACTERS, LONG_CHARACTERS = 14, 20
ID_CHARACTERS = 6

# a verified balance puts its last digit in brackets; the second one replaces the space
VALUE = re.compile(r"([+\- ])( *)(\d+(?:\.\d+)?|\d+\.\d*\[\d\])( ?)(.{3})")
# identifiers of a net or gross weight; others (a sum, a nominal value, the clock) are numbers of another kind
WEIGHT_IDS = ("", "N", "N1", "G", "G#", "Stat")
WORDS = {"High": errors.overload, "H": errors.overload, "HH": errors.overload}
WORDS |= {"Low": errors.underload, "L": errors.underload, "LL": errors.underload}
WORDS |= {"- -": errors.busy, "--": errors.busy, "C": errors.busy, "Cal.Ext.": errors.busy, "Cal.Int.": errors.busy}


def read(line: str) -> Weight:
    """Return the weight in a line. Raises BalanceError for every other line. Without a unit it is not stable."""
    body = _body(line)
    _refuse_words(line, body)
    match = VALUE.fullmatch(body)
    if match is None:
        raise errors.decimal_comma(line) if re.search(r"\d,\d", body) else errors.unparsable(line, NAME)
    sign, _, number, _, unit = match.groups()
    if not re.fullmatch(r"[^\W\d_]*|%|/lb", unit.strip()):  # a mark of another protocol, as in "12.345 g ?"
        raise errors.unparsable(line, NAME, "its unit is not one")
    if len(body) != SHORT_CHARACTERS or ("]" not in number and body[10] != " "):
        raise errors.half_line(line, "value and unit are not in their places")
    number = sign.strip().replace("+", "") + number.replace("[", "").replace("]", "")
    return Weight(number, unit.strip(), bool(unit.strip()))


def _body(line: str) -> str:
    """Return the part of 14 characters; an identifier before it must be that of a weight."""
    if len(line) == SHORT_CHARACTERS:
        return line
    if len(line) != LONG_CHARACTERS:
        raise errors.half_line(line, f"{len(line)} characters, SBI has {SHORT_CHARACTERS} or {LONG_CHARACTERS} before the line's end")
    if line[:ID_CHARACTERS].strip() not in WEIGHT_IDS:
        raise errors.unparsable(line, NAME, "its identifier is not one of a weight")
    return line[ID_CHARACTERS:]


def _refuse_words(line: str, body: str) -> None:
    text = body.strip()
    if text in WORDS:
        raise WORDS[text](line)
    fault = re.fullmatch(r"(?i:err) *(\d+)", text)
    if fault is not None:
        raise errors.error_code(line, f"error {fault.group(1)}")
