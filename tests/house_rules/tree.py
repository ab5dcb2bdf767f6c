"""The material of the rules: the files of the tree, their syntax trees and their functions."""

import ast
import re
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = re.compile(r"(^|/)(\.[^/]+|__pycache__|build|dist|demo_output|node_modules)/")

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    """One Python file: its path relative to the root, with forward slashes, and its text."""

    path: str
    text: str

    @property
    def tree(self) -> ast.Module:
        """Do not change it: the rules share the trees of the product. Those of the tests would take too much memory."""
        return ast.parse(self.text, self.path) if self.path.startswith("tests/") else _parsed(self)

    @property
    def line_count(self) -> int:
        return len(self.text.splitlines())


@cache
def _parsed(source: Source) -> ast.Module:
    return ast.parse(source.text, source.path)


@cache
def tracked_paths() -> tuple[str, ...]:
    """Return every file that is or would be committed; without git (an unpacked archive), every file that does not look generated."""
    asked = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, check=False
    )
    if asked.returncode == 0 and asked.stdout:
        names = asked.stdout.decode().split("\0")
    else:
        names = [file.relative_to(ROOT).as_posix() for file in ROOT.rglob("*") if file.is_file()]
        names = [name for name in names if not LEFT_OUT.search(name) or name.startswith(".ci/")]
    return tuple(sorted({name for name in names if name and (ROOT / name).is_file()}))


def python_sources(*folders: str) -> list[Source]:
    """Return the Python files below `folders` ("firmware/", "host/")."""
    paths = [path for path in tracked_paths() if path.endswith(".py") and path.startswith(folders)]
    return [Source(path, (ROOT / path).read_text(encoding="utf-8")) for path in paths]


def functions_of(tree: ast.Module) -> list[Function]:
    """Return every function and method, nested ones too."""
    return [node for node in ast.walk(tree) if isinstance(node, Function)]


def methods_of(tree: ast.Module) -> set[Function]:
    """Return the functions whose first argument is the object or class itself."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            found |= {item for item in node.body if isinstance(item, Function) and not _is_static(item)}
    return found


def arguments_of(function: Function, is_method: bool) -> list[ast.arg]:
    """Return the arguments that a caller gives: without self or cls."""
    every = function.args
    positional = [*every.posonlyargs, *every.args]
    stars = [argument for argument in (every.vararg, every.kwarg) if argument is not None]
    return [*positional[1 if is_method else 0 :], *every.kwonlyargs, *stars]


def length_of(function: Function) -> int:
    """Return the number of lines from `def` to the last one."""
    return (function.end_lineno or function.lineno) - function.lineno + 1


def _is_static(function: Function) -> bool:
    return any(isinstance(mark, ast.Name) and mark.id == "staticmethod" for mark in function.decorator_list)
