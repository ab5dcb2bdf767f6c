"""The commands that the README tells a reader to type."""

import re
from dataclasses import dataclass

from house_rules.tree import ROOT

MOST_LINES = 170


@dataclass(frozen=True)
class Block:
    """One fenced block: its commands, and whether continuous integration runs it."""

    commands: tuple[str, ...]
    is_test: bool


def readme() -> str:
    return (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(text: str) -> list[Block]:
    """Return the fenced blocks of a Markdown text, in order; not the Python script, which tests/unit/api/test_notebooks.py runs."""
    found, lines, marked = [], None, False
    for line in without_python(text).splitlines():
        if line.startswith("```"):
            if lines is not None:
                found.append(Block(tuple(part for part in lines if part.strip()), marked))
                marked = False
            lines = [] if lines is None else None
        elif lines is not None:
            lines.append(line)
        elif line.strip() == "<!-- test -->":
            marked = True
    return found


def without_python(text: str) -> str:
    return re.sub(r"^```python\n.*?^```\n", "", text, flags=re.DOTALL | re.MULTILINE)


def commands(text: str) -> list[str]:
    return [command for block in blocks(text) for command in block.commands]


def inline_verbs(text: str) -> set[str]:
    """Return the verbs in `thecal VERB ...` and the targets in `make TARGET` of running text, like "thecal new" and "make demo"."""
    return {" ".join(pair) for pair in re.findall(r"`(thecal|make) ([a-z][a-z-]*)", text)}
