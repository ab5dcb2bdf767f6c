"""Which files share private names: a class and what is derived from it, and a file that uses a private name of another one."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from thecal.deploy.constants import module_of
from thecal.deploy.rom_names import ROM_PRIVATE

Trees = dict[str, ast.Module]


def groups(trees: Trees) -> list[list[str]]:
    """All paths, in groups; what is private in one group means nothing in another."""
    leader = {path: path for path in trees}

    def lead(path: str) -> str:
        while leader[path] != path:
            path = leader[path]
        return path

    for one, other in _ties(trees):
        first, second = sorted((lead(one), lead(other)))
        leader[second] = first
    return [[path for path in trees if lead(path) == first] for first in trees if leader[first] == first]


def _ties(trees: Trees) -> Iterator[tuple[str, str]]:
    paths = {module_of(path): path for path in trees}
    owned = {path: _owned(tree) for path, tree in trees.items()}
    for path, tree in trees.items():
        for name in _foreign(tree) - owned[path]:
            yield from ((path, other) for other in trees if name in owned[other])
        if any(isinstance(node, ast.ClassDef) and node.bases for node in ast.walk(tree)):
            imported = [paths.get(str(node.module)) for node in tree.body if isinstance(node, ast.ImportFrom)]
            yield from ((path, other) for other in imported if other is not None)


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name not in ROM_PRIVATE


def _owned(tree: ast.Module) -> set[str]:
    """Private names that this file gives to something."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            found.add(node.attr)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
    return {name for name in found if _is_private(name)}


def _foreign(tree: ast.Module) -> set[str]:
    """Private names that this file uses as something that may belong to another one."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.ImportFrom):
            found.update(alias.name for alias in node.names)
    return {name for name in found if _is_private(name)}
