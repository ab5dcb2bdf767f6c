"""Plant misspelt attribute uses in a copy of the firmware: the type check must refuse each of them.

`python tests/house_rules/misspelt.py [SEED]`, from the root of the checkout: the 50 that a test planted, else all of them, in a minute.
"""

import ast
import random
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SLIP = "_misspelt"
ROOMS = ("app", "hal", "pumpcore")


@dataclass(frozen=True)
class Plant:
    """One attribute use: `path` below the firmware's folder, line from 1, column (in characters) after the attribute's name."""

    path: str
    line: int
    column: int
    use: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.use}{SLIP}"


def uses(firmware: Path, *rooms: str) -> list[Plant]:
    """Return every attribute use in the files of these rooms. An attribute that a class sets on itself is a definition, not a use."""
    return [use for room in rooms for file in sorted((firmware / room).rglob("*.py")) for use in _uses_in(file, firmware)]


def _uses_in(file: Path, firmware: Path) -> list[Plant]:
    text = file.read_text(encoding="utf-8")
    lines, tree, found = text.splitlines(), ast.parse(text), []
    marks = [mark for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) for mark in node.decorator_list]
    given = {part for mark in marks for part in ast.walk(mark)}  # names for a compiler
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute) or node in given or _defines(node):
            continue
        column = len(lines[node.end_lineno - 1].encode()[: node.end_col_offset].decode())
        found.append(Plant(file.relative_to(firmware).as_posix(), node.end_lineno, column, ast.unparse(node)))
    return found


def _defines(node: ast.Attribute) -> bool:
    return isinstance(node.ctx, ast.Store) and isinstance(node.value, ast.Name) and node.value.id == "self"


def plant(plants: list[Plant], firmware: Path, copy: Path) -> None:
    """Copy the firmware and misspell the planted uses in the copy."""
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(firmware, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for one in sorted(plants, key=lambda one: one.column, reverse=True):
        file = copy / one.path
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
        text = lines[one.line - 1]
        lines[one.line - 1] = text[: one.column] + SLIP + text[one.column :]
        file.write_text("".join(lines), encoding="utf-8")


def choose(every: list[Plant], count: int, seed: int) -> list[Plant]:
    """Return `count` random ones, at most one a line."""
    mixed, chosen = list(every), {}
    random.Random(seed).shuffle(mixed)
    for one in mixed:
        chosen.setdefault((one.path, one.line), one)
        if len(chosen) == count:
            break
    return list(chosen.values())


def overlooked(plants: list[Plant], firmware: Path, copy: Path, check: Callable[[], list[str]]) -> list[Plant]:
    """Return the plants that `check` does not report by file and name.

    A misspelt use has no type, nor has anything computed from it, so a plant may hide another: that one is planted again alone.
    """
    left = plants
    while left:
        plant(left, firmware, copy)
        complaints = [line for line in check() if ": error: " in line]
        missed = [one for one in left if not any(_tells(line, one) for line in complaints)]
        if len(missed) == len(left):
            return missed
        left = missed
    return []


def _tells(complaint: str, one: Plant) -> bool:
    name = one.use.rpartition(".")[2] + SLIP
    return f"{one.path}:{one.line}:" in complaint and name in complaint


def main() -> int:
    from firmware_types import check

    firmware, copy = Path("firmware"), Path("build", "misspelt")
    planted = [choose(uses(firmware, "app", "hal"), 50, int(sys.argv[1]))] if sys.argv[1:] else _one_a_line(uses(firmware, *ROOMS))
    missed = [one for some in planted for one in overlooked(some, firmware, copy, lambda: check(str(copy), ".mypy_cache/misspelt"))]
    print(*missed, sep="\n", end="\n" if missed else "")
    print(f"{sum(map(len, planted))} misspelt attribute uses, {len(missed)} not refused")
    return 1 if missed else 0


def _one_a_line(every: list[Plant]) -> list[list[Plant]]:
    """Return all of them in lists with at most one use of a line each."""
    rounds: list[dict[tuple[str, int], Plant]] = []
    for one in every:
        place = (one.path, one.line)
        free = next((some for some in rounds if place not in some), None)
        if free is None:
            free = {}
            rounds.append(free)
        free[place] = one
    return [list(some.values()) for some in rounds]


if __name__ == "__main__":
    sys.exit(main())
