"""Collect hazards, markers and mutations from the files themselves; run nothing."""

from __future__ import annotations

import ast
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parent.parent
RULES = tuple(f"R{number}" for number in range(1, 13))


@dataclass(frozen=True)
class Hazard:
    """One row of hazards.toml."""

    what: str
    harm: str
    rules: tuple[str, ...]


def hazards() -> list[Hazard]:
    rows = tomllib.loads((TESTS / "hazards" / "hazards.toml").read_text(encoding="utf-8"))["hazard"]
    return [Hazard(row["what"], row["harm"], tuple(row["rules"])) for row in rows]


def found_by_rule(folder: Path = TESTS) -> dict[str, list[str]]:
    """Return {rule: "unit/test_x.py::test_y", ...} of every test with @pytest.mark.rule, or in a file whose `pytestmark` has it."""
    found: dict[str, list[str]] = defaultdict(list)
    for file in sorted(folder.rglob("test_*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        of_file = [rule for node in tree.body if is_pytestmark(node) for rule in marked(node)]
        for function in tree.body:
            if isinstance(function, ast.FunctionDef) and function.name.startswith("test_"):
                for rule in dict.fromkeys([*of_file, *(rule for mark in function.decorator_list for rule in marked(mark))]):
                    found[rule].append(f"{file.relative_to(folder).as_posix()}::{function.name}")
    return dict(found)


def is_pytestmark(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and any(isinstance(name, ast.Name) and name.id == "pytestmark" for name in node.targets)


def marked(node: ast.AST) -> Iterator[str]:
    """Return the rules of every `pytest.mark.rule("R3")` in a piece of source."""
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "rule":
            yield from (str(word.value) for word in call.args if isinstance(word, ast.Constant))


def mutations_by_rule() -> dict[str, list[str]]:
    """Return the names of the patches that break each rule, with the test that must then fail."""
    found: dict[str, list[str]] = defaultdict(list)
    for file in sorted((TESTS / "mutations" / "rules").glob("*.toml")):
        table: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
        found[table["rule"]] += [str(one["name"]) for one in table["mutation"]]
    return dict(found)


def render(names: bool = False) -> str:
    """Return the table for people; with `names`, every test and mutation is named."""
    tests, mutations = found_by_rule(), mutations_by_rule()
    lines = []
    for number, hazard in enumerate(hazards(), 1):
        lines += [f"H{number}  {hazard.what}", f"     {hazard.harm}"]
        lines += [f"     {rule}: {summary(tests[rule])}; {len(mutations[rule])} mutations caught" for rule in hazard.rules]
    if names:
        for rule in RULES:
            lines += ["", rule, *(f"  {name}" for name in tests[rule]), *(f"  mutation {name}" for name in mutations[rule])]
    return "\n".join(lines)


def summary(tests: list[str]) -> str:
    """Return "12 tests (unit 8, device 4)"."""
    folders = [name.split("/")[0] for name in tests]
    return f"{len(tests)} tests ({', '.join(f'{folder} {folders.count(folder)}' for folder in dict.fromkeys(folders))})"
