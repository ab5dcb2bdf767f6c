"""Names that a file binds, and those that it reads and never binds."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

_FUNCTIONS = (ast.FunctionDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def bound(nodes: Iterable[ast.AST]) -> set[str]:
    """Names that these statements bind, in their own scope."""
    found: set[str] = set()
    for node in _own(nodes):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found.add(node.id)
        elif isinstance(node, ast.alias):
            found.add(node.asname or node.name)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            found.add(node.name)
    return found


def bound_inside(tree: ast.Module) -> set[str]:
    """Names that any function, class or comprehension of a file binds and reads for itself."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, _FUNCTIONS):
            found |= _parameters(node) | bound(node.body if isinstance(node, ast.FunctionDef) else [])
        elif isinstance(node, ast.ClassDef):
            read = [inner.id for inner in _own(node.body) if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Load)]
            found |= bound(node.body).intersection(read)
        elif isinstance(node, ast.comprehension):
            found |= bound([node.target])
    return found


def unbound(tree: ast.Module) -> set[str]:
    """Names that a file reads and never binds: builtins, and words that only somebody else knows (those of the PIO assembler)."""
    read = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    return read - bound(tree.body) - bound_inside(tree)


def _own(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """All nodes but those inside of other scopes."""
    for node in nodes:
        yield node
        if not isinstance(node, (*_FUNCTIONS, *_COMPREHENSIONS, ast.ClassDef)):
            yield from _own(ast.iter_child_nodes(node))


def _parameters(node: ast.FunctionDef | ast.Lambda) -> set[str]:
    return {inner.arg for inner in ast.walk(node.args) if isinstance(inner, ast.arg)}
