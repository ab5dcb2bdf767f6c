"""The bounds of our TOML files, counted before parsing and checked after it.

`tomllib` takes a time that grows with the square of a dotted key's parts (50,000 of them: 25 s), and follows nested brackets by
recursion. A prescription has keys of at most three parts, two brackets deep. The count passes once through the text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

MOST_PARTS, MOST_DEEP, MOST_KEYS, LONGEST_KEY = 8, 8, 10_000, 80
UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")  # Unicode's categories of letters that are invisible or reverse a line
# a text becomes one letter, so that a quoted part of a key counts as a part; a comment becomes nothing. A text that does not end is
# taken too: looked for anew from each of its quotes, its end would be sought in a time that grows with the square of the size.
TEXTS = re.compile(
    r'''"""(?:[^"\\]|\\.|"(?!""))*+(?:"""|\Z|\\)'''
    r"""|'{3}.*?(?:'{3}|\Z)"""
    r"""|"(?:[^"\\\n]|\\[^\n])*+"?"""
    r"""|'[^'\n]*'?"""
    r"|#[^\n]*",
    re.DOTALL,
)
# each part is tried once, from its first letter on, and given back never (++): else a number of 200,000 digits takes minutes
PART = r"[A-Za-z0-9_-]++"
DOTTED = re.compile(rf"(?<![A-Za-z0-9_-]){PART}(?:[ \t]*+\.[ \t]*+{PART}){{{MOST_PARTS}}}")


def excess(text: str) -> tuple[str, str]:
    """Return (what exceeds the bounds, remedy) before parsing; empty texts if nothing does."""
    bare = TEXTS.sub(lambda found: "" if found.group().startswith("#") else "x" + "\n" * found.group().count("\n"), text)
    found = DOTTED.search(bare)
    if found:
        line = bare.count("\n", 0, found.start()) + 1
        return f"line {line}: a key of more than {MOST_PARTS} parts", "write the key as in the example"
    depth = 0
    for match in re.finditer(r"[\[\]{}]", bare):
        depth = depth + 1 if match.group() in "[{" else max(0, depth - 1)
        if depth > MOST_DEEP:
            line = bare.count("\n", 0, match.start()) + 1
            return f"line {line}: nested more than {MOST_DEEP} deep", "remove brackets; compare with the example"
    count = bare.count("=") + len(re.findall(r"^[ \t]*\[", bare, re.MULTILINE))
    return (f"more than {MOST_KEYS} keys and tables", "write fewer entries: a pump takes 336") if count > MOST_KEYS else ("", "")


def odd_text(tables: dict[str, Any]) -> tuple[str, str]:
    """Return (key, error) of the first text or key with an unprintable character; empty texts if there is none."""
    for key, word in texts(tables):
        if len(key) > LONGEST_KEY:
            return key, f"a key of more than {LONGEST_KEY} letters"
        for letter in word:
            if not letter.isprintable() and unicodedata.category(letter) in UNSEEN:
                return key, f"contains the unprintable character U+{ord(letter):04X}"
    return "", ""


def texts(tables: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (key, text) of all keys and texts, at any depth."""
    waiting: list[tuple[str, Any]] = list(tables.items())
    yield from ((key, key) for key in tables)
    while waiting:
        key, value = waiting.pop()
        if isinstance(value, dict):
            yield from ((key, inner) for inner in value)
            waiting += value.items()
        elif isinstance(value, list):
            waiting += [(key, one) for one in value]
        elif isinstance(value, str):
            yield key, value
