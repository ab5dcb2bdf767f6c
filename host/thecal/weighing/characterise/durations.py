"""Parse durations like "4h", "30 min", "0.5 s"."""

from __future__ import annotations

import re
from fractions import Fraction

from thecal.errors import BadInput
from thecal.quantities.typed import shown

UNIT_S = {"s": 1, "min": 60, "h": 3600, "hr": 3600, "hour": 3600, "d": 86400, "day": 86400}
TEXT = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?)\s*([a-z]+)")


def seconds(text: str, option: str) -> Fraction:
    """Return exact seconds. Raises BadInput with the option's name."""
    match = TEXT.fullmatch(text.strip())
    if match is None or match.group(2) not in UNIT_S:
        raise BadInput(f"{option} {shown(text)} is not a time", 'write a number and s, min, h or d, like "4h" or "30 min"')
    return Fraction(match.group(1)) * UNIT_S[match.group(2)]
