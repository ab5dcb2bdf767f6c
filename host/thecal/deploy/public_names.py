"""Names that the files of the firmware share with each other and with nobody else: the same new name in all of them.

The names of modules stay, because a handler is looked up by the name of its file, and those of exceptions, because `status` shows them.
"""

from __future__ import annotations

import ast

from thecal.deploy.constants import module_of

Trees = dict[str, ast.Module]
Names = dict[str, str]


def public_names(trees: Trees, kept: set[str], free: list[str]) -> Names:
    """{name that our files define: one of `free`}, as far as they go."""
    modules = {part for path in trees for part in module_of(path).split(".")}
    ours = {name for tree in trees.values() for name in _defined(tree)} - kept - modules
    given = sorted(name for name in ours if not name.startswith("_"))
    return dict(zip(given, free, strict=False))


def _defined(tree: ast.Module) -> set[str]:
    """What others can ask this file, its classes and its objects for."""
    found = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)}
    for body in [tree.body, *(node.body for node in ast.walk(tree) if isinstance(node, ast.ClassDef))]:
        for statement in body:
            if isinstance(statement, ast.FunctionDef) or (isinstance(statement, ast.ClassDef) and not statement.bases):
                found.add(statement.name)
            elif isinstance(statement, ast.Assign | ast.AnnAssign):
                found.update(node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
    return found
