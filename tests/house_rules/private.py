"""Tests use public names: a test function may use at most one private attribute of another object, and never reach through one."""

import ast
from collections.abc import Iterator

from house_rules.tree import Function, Source, python_sources

MOST = 1
# it repairs a library whose parts are private
LEFT_OUT = ("tests/support/emulator/",)
BY_NAME = ("getattr", "setattr", "delattr", "hasattr")  # of the language, and of pytest's monkeypatch
NO_ATTRIBUTE = ("os._exit",)


def violations() -> list[str]:
    found = []
    for source in python_sources("tests/"):
        if not source.path.startswith(LEFT_OUT):
            found += file_violations(source)
    return found


def file_violations(source: Source) -> list[str]:
    found = []
    for function in _outermost(source.tree):
        where = f"{source.path}:{function.lineno}: {function.name}"
        reached = [(node, name) for node, name in _foreign(function)]
        names = sorted({name for _, name in reached})
        if len(names) > MOST:
            found.append(f"{where} reaches for {', '.join(names)}: at most {MOST} private attribute; ask from outside")
        through = sorted({ast.unparse(node) for node, _ in reached if isinstance(node, ast.Attribute) and _passes_a_private(node.value)})
        found += [f"{where} reaches through a private attribute: {text}" for text in through]
    return found


def _outermost(tree: ast.AST) -> Iterator[Function]:
    """Return functions and methods; what is defined inside one belongs to it."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, Function):
            yield node
        else:
            yield from _outermost(node)


def _foreign(function: Function) -> Iterator[tuple[ast.AST, str]]:
    """Return each use of a private attribute that is not the object's own."""
    for node in ast.walk(function):
        if isinstance(node, ast.Attribute) and is_private(node.attr):
            if not _is_own(node.value) and ast.unparse(node) not in NO_ATTRIBUTE:
                yield node, node.attr
        elif isinstance(node, ast.Call) and _called(node) in BY_NAME:
            own = bool(node.args) and _is_own(node.args[0])
            texts = [word.value for word in node.args if isinstance(word, ast.Constant) and isinstance(word.value, str)]
            names = [part for text in texts for part in text.split(".")[-1:] if is_private(part)]
            yield from ((node, name) for name in names if not own)


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name != "_" and name.isidentifier()


def _called(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else call.func.attr if isinstance(call.func, ast.Attribute) else ""


def _is_own(value: ast.AST) -> bool:
    if isinstance(value, ast.Call) and _called(value) == "super":
        return True
    return isinstance(value, ast.Name) and value.id in ("self", "cls")


def _passes_a_private(value: ast.AST) -> bool:
    """Return True if another object's private attribute is on the way; the object's own is allowed."""
    while isinstance(value, ast.Attribute | ast.Subscript | ast.Call):
        if isinstance(value, ast.Attribute) and is_private(value.attr) and not _is_own(value.value):
            return True
        value = value.func if isinstance(value, ast.Call) else value.value
    return False
