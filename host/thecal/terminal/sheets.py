"""Cells of the CSV files that we write, so that a spreadsheet shows a text as it is: no formula runs, no token becomes a number.

The known practice (OWASP, "CSV Injection"): an apostrophe goes before a text that begins with = + - @ or a tab, or that looks like a
number. A text that begins with an apostrophe gets one more, so that taking the first one away gives every text back.
"""

from __future__ import annotations

import re
from typing import Any

MARK = "'"
FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", MARK, "\uff1d", "\uff0b", "\uff0d", "\uff20")  # the last four are the wide ones
NUMBER = re.compile(r"[0-9]+([.,][0-9]*)?([eE][+-]?[0-9]+)?|(?i:inf|infinity|nan|true|false)")


def cell(value: Any) -> Any:
    """Return a value for `csv.writer`: a text is protected, a number is unchanged."""
    if not isinstance(value, str):
        return value
    bare = value.strip(" ")
    formula = bare.startswith(FORMULAS) and len(bare) > 1  # a single dash is harmless
    return MARK + value if formula or value.startswith(MARK) or NUMBER.fullmatch(bare) else value


def text_of(read: str) -> str:
    """Return the text of a cell that `cell` may have protected."""
    return read.removeprefix(MARK)
