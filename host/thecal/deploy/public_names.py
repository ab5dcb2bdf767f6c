"""Names that the files of the firmware share with each other and with nobody else: the same new name in all of them.

Kept are names of modules (a handler is looked up by the name of its file), of exceptions (`status` tells them), and everything that
a hal uses: that is what somebody works with at the prompt of a pump.
"""

from __future__ import annotations

import ast

from thecal.deploy.constants import module_of

Trees = dict[str, ast.Module]
Names = dict[str, str]
_HALS = "/hal/"


def public_names(trees: Trees, kept: set[str], free: list[str]) -> Names:
    """{name that our files define: one of `free`}, as far as they go."""
    modules = {part for path in trees for part in module_of(path).split(".")}
    ours = {name for path, tree in trees.items() if not path.startswith(_HALS) for name in _defined(tree)}
    hals = {name for path, tree in trees.items() if path.startswith(_HALS) for name in _mentioned(tree)}
    given = sorted(name for name in ours - kept - modules - hals if not name.startswith("_"))
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


def _mentioned(tree: ast.Module) -> set[str]:
    found = {getattr(node, kind, "") for node in ast.walk(tree) for kind in ("id", "attr", "arg", "name", "asname")}
    return {name for name in found if isinstance(name, str)}
