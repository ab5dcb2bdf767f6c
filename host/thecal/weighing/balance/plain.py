"""Plain numbers: whatever a balance prints by itself, as long as it is one number, perhaps with a unit and a mark of stability.

+  12.3456 g      12.3456      12.345 g ?      ST,+00012.345  g      ST,GS,+  12.345kg
"""

from __future__ import annotations

import re

from thecal.weighing.balance import errors
from thecal.weighing.balance.reading import Weight

NAME = "plain"
FRAMING = "9600-8N1"

NUMBER = r"(?P<sign>[+-]?) *(?P<number>\d+(?:\.\d+)?)"
BEFORE = r"(?P<before>ST|US|S|U|D|\?)(?:,| )(?:(?:GS|NT|G|N),)?"
AFTER = r" *(?P<after>[?*])| +(?P<word>ST|US|S|U|D)"
LINE = re.compile(rf" *(?:{BEFORE})? *{NUMBER} *(?P<unit>[A-Za-z\u00b5\u03bc%]+)?(?:{AFTER})? *")
STABLE_MARKS, UNSTABLE_MARKS = ("ST", "S", "*"), ("US", "U", "D", "?")
UNIT = r"(?: +[a-z]{1,3})?"
OVER = re.compile(rf" *(?:OL(?:,.*)?|\^.*|over(?:load)?|high|H|\+{(2,)}){UNIT} *", re.IGNORECASE)
UNDER = re.compile(rf" *(?:UL(?:,.*)?|v +[-+]?\d.*|under(?:load)?|low|L|-{{2,}}|_{{2,}}){UNIT} *", re.IGNORECASE)
FAULT = re.compile(r" *err(?:or)? *[:.]? *(\w+) *", re.IGNORECASE)


def read(line: str) -> Weight:
    """Return the weight in a line. Raises BalanceError for every other line."""
    match = LINE.fullmatch(line)
    if match is None:
        raise _why_not(line)
    number = match["sign"].replace("+", "") + match["number"]
    return Weight(number, match["unit"] or "", _stability(match, line), fixed_width=False)


def _stability(match: re.Match[str], line: str) -> bool | None:
    marks = [mark for mark in (match["before"], match["after"], match["word"]) if mark]
    if not marks:
        return None
    said = {mark in STABLE_MARKS for mark in marks}
    if len(said) > 1:
        raise errors.unparsable(line, NAME, "it is marked stable and unstable at once")
    return said.pop()


def _why_not(line: str) -> errors.BalanceError:
    if OVER.fullmatch(line):
        return errors.overload(line)
    if UNDER.fullmatch(line):
        return errors.underload(line)
    fault = FAULT.fullmatch(line)
    if fault is not None:
        return errors.error_code(line, f"error {fault.group(1)}")
    if re.search(r"\d,\d", line):
        return errors.decimal_comma(line)
    if re.fullmatch(r" *[+-]? *\d+\. *| *[+-]? *| *\.\d+.*", line):
        return errors.half_line(line, "the number is not whole")
    return errors.unparsable(line, NAME)
