"""Large dictionaries at the top of a file of pumpcore become one text each, of which a pump reads the row that it needs.

What a dictionary holds is found by running the files, which is possible because pumpcore needs nothing of a pump.
"""

from __future__ import annotations

import ast
import builtins
import json
import types
from collections.abc import Mapping, Sequence
from typing import Any

from thecal.deploy.constants import module_of

Trees = dict[str, ast.Module]
_PACKAGE = "pumpcore"
_MODULE, TABLE = "pumpcore.rows", "Rows"
_LEAST_ROWS = 20


def pack_tables(trees: Trees) -> None:
    """Puts the texts in the place of the dictionaries, where `pumpcore.rows` is one of the files."""
    modules = {module_of(path): tree for path, tree in trees.items()}
    if _MODULE not in modules:
        return
    files = _Files(modules)
    for module, tree in modules.items():
        if module.split(".")[0] == _PACKAGE and any(map(_may_be_large, tree.body)):
            _pack(tree, vars(files.load(module)))


def _may_be_large(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Dict | ast.DictComp)


def _pack(tree: ast.Module, values: dict[str, Any]) -> None:
    packed = False
    for statement in tree.body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name) and _may_be_large(statement):
            better = _packed(statement.value, values[statement.targets[0].id])
            packed = packed or ast.dump(better) != ast.dump(statement.value)
            statement.value = better
    if packed:
        tree.body.insert(0, ast.ImportFrom(_MODULE, [ast.alias(TABLE)], 0))
        _drop_unused(tree)


def _packed(node: ast.expr, value: Any) -> ast.expr:
    """The call that makes the table; a small dictionary as it is, but for large ones in it."""
    if not isinstance(value, dict):
        return node
    kinds = {type(key) for key in value}
    if len(value) >= _LEAST_ROWS and kinds in ({str}, {int}) and all(map(_plain, value.values())):
        text = "\n" + "".join(f"{key}\t{json.dumps(row, ensure_ascii=False, separators=(',', ':'))}\n" for key, row in value.items())
        kind = [] if kinds == {str} else [ast.Name("int", ast.Load())]
        return ast.Call(ast.Name(TABLE, ast.Load()), [ast.Constant(text), *kind], [])
    if isinstance(node, ast.Dict) and len(node.values) == len(value):
        values = [_packed(inner, row) for inner, row in zip(node.values, value.values(), strict=True)]
        return ast.Dict(node.keys, values)
    return node


def _plain(value: Any) -> bool:
    """Whether JSON can tell it."""
    if isinstance(value, dict):
        return all(isinstance(key, str) for key in value) and all(map(_plain, value.values()))
    return all(map(_plain, value)) if isinstance(value, list | tuple) else value is None or type(value) in (str, int, bool)


def _drop_unused(tree: ast.Module) -> None:
    """What only the dictionaries needed."""
    while True:
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
        kept = [statement for statement in tree.body if _names(statement) & used or not all(map(_private, _names(statement)))]
        kept = [statement for statement in tree.body if statement in kept or not _names(statement)]
        if len(kept) == len(tree.body):
            return
        tree.body = kept


def _names(statement: ast.stmt) -> set[str]:
    """What a statement defines, if it does nothing else."""
    if isinstance(statement, ast.FunctionDef):
        return {statement.name}
    if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
        return {statement.targets[0].id}
    return set()


def _private(name: str) -> bool:
    return name.startswith("_")


class _Files:
    """Runs these files, each once, as they would be imported from one another; everything else comes from Python's library."""

    def __init__(self, trees: Mapping[str, ast.Module]) -> None:
        self._trees = trees
        self._loaded: dict[str, types.ModuleType] = {}

    def load(self, name: str) -> types.ModuleType:
        if name not in self._loaded:
            module = self._loaded[name] = types.ModuleType(name)
            package, _, own = name.rpartition(".")
            if package:
                setattr(self.load(package), own, module)
            module.__dict__["__builtins__"] = {**vars(builtins), "__import__": self._import}
            exec(compile(ast.fix_missing_locations(self._trees[name]), name, "exec"), module.__dict__)
        return self._loaded[name]

    def _import(self, name: str, given: Any = None, local: Any = None, wanted: Sequence[str] = (), level: int = 0) -> types.ModuleType:
        if name not in self._trees:
            return __import__(name, given, local, wanted, level)
        module = self.load(name)
        for inner in wanted or ():
            if f"{name}.{inner}" in self._trees:
                self.load(f"{name}.{inner}")
        return module if wanted else self.load(name.split(".")[0])
