"""Whole numbers that have a name at the top of a file: the number goes where the name is used, in every file.

What nobody asks for by its name any more is not defined any more.
"""

from __future__ import annotations

import ast
import operator
import struct
from collections import Counter
from collections.abc import Callable

_OPERATORS: dict[type, Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
    ast.BitOr: operator.or_,
    ast.BitAnd: operator.and_,
    ast.BitXor: operator.xor,
    ast.Pow: operator.pow,
}
_SMALL = 1 << 30  # a larger one is an object in memory, of which one is enough
Trees = dict[str, ast.Module]


class Constants:
    """`values[module][name]`: the numbers that a module's names stand for, own and imported."""

    def __init__(self, trees: Trees, outside: list[ast.Module]) -> None:
        self.values: dict[str, dict[str, int]] = {}
        self.modules: dict[str, dict[str, str]] = {}
        self._trees = {module_of(path): tree for path, tree in trees.items()}
        self._changed = _stored_attributes([*trees.values(), *outside])
        for module in self._trees:
            self.of(module)

    def of(self, module: str) -> dict[str, int]:
        """What the names of this module stand for."""
        if module not in self.values and module in self._trees:
            self.values[module], self.modules[module] = {}, {}
            self._read(module, self._trees[module])
        return self.values.get(module, {})

    def _read(self, module: str, tree: ast.Module) -> None:
        found, bound = self.values[module], _bindings(tree)
        for node in tree.body:
            if isinstance(node, ast.ImportFrom) and node.module:
                self._import(module, node, bound)
            elif isinstance(node, ast.Assign):
                self._assign(node, found, bound)
        for name in [name for name in found if bound[name] != 1]:
            del found[name]

    def _import(self, module: str, node: ast.ImportFrom, bound: Counter[str]) -> None:
        for alias in node.names:
            name = alias.asname or alias.name
            known = self.of(str(node.module))
            if alias.name in known:
                self.values[module][name] = known[alias.name]
            elif f"{node.module}.{alias.name}" in self._trees and bound[name] == 1:
                self.modules[module][name] = f"{node.module}.{alias.name}"

    def _assign(self, node: ast.Assign, found: dict[str, int], bound: Counter[str]) -> None:
        targets = node.targets[0]
        names = targets.elts if isinstance(targets, ast.Tuple) else [targets]
        values = node.value.elts if isinstance(targets, ast.Tuple) and isinstance(node.value, ast.Tuple) else [node.value]
        if len(node.targets) != 1 or len(names) != len(values):
            return
        for name, value in zip(names, values, strict=True):
            number = _evaluated(value, found)
            if not isinstance(name, ast.Name) or number is None or not -_SMALL <= number < _SMALL:
                continue
            if bound[name.id] == 1 and name.id not in self._changed:
                found[name.id] = number


def inline(trees: Trees, others: list[ast.Module]) -> None:
    """Puts the numbers into these modules; `others` run beside them and may ask for a name."""
    constants, outside = Constants(trees, others), set().union(*map(_asked, others))
    for path, tree in trees.items():
        module = module_of(path)
        _Inliner(constants, module).visit(tree)
        known = set(constants.of(module)) - outside  # who runs beside them may take one of these through this file
        tree.body = [node for node in tree.body if not isinstance(node, ast.ImportFrom) or _keeps(node, known)]
    asked = set().union(*map(_asked, (*trees.values(), *others)))
    for path, tree in trees.items():
        _drop(tree, set(constants.of(module_of(path))) - asked)


def _keeps(node: ast.ImportFrom, known: set[str]) -> bool:
    """Whether an import brings anything but numbers; those are left out of it."""
    node.names = [alias for alias in node.names if (alias.asname or alias.name) not in known]
    return bool(node.names)


def _asked(tree: ast.Module) -> set[str]:
    """Every name that a file reads, imports, or takes from something."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            found.add(node.id)
        elif isinstance(node, ast.ImportFrom):
            found.update(alias.name for alias in node.names)
    return found


def _drop(tree: ast.Module, names: set[str]) -> None:
    """Takes the definitions of these names out of a module."""
    kept = []
    for node in tree.body:
        if isinstance(node, ast.Assign):
            target, value = node.targets[0], node.value
            if isinstance(target, ast.Name) and target.id in names:
                continue
            if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
                pairs = [pair for pair in zip(target.elts, value.elts, strict=True) if getattr(pair[0], "id", "") not in names]
                if not pairs:
                    continue
                target.elts, value.elts = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        kept.append(node)
    tree.body = kept


class _Inliner(ast.NodeTransformer):
    def __init__(self, constants: Constants, module: str) -> None:
        self._known, self._modules, self._constants = constants.of(module), constants.modules[module], constants

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if isinstance(node.ctx, ast.Load) and node.id in self._known:
            return ast.Constant(self._known[node.id])
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if isinstance(node.value, ast.Name) and node.value.id in self._modules and isinstance(node.ctx, ast.Load):
            number = self._constants.of(self._modules[node.value.id]).get(node.attr)
            if number is not None:
                return ast.Constant(number)
        self.generic_visit(node)
        return node


def module_of(path: str) -> str:
    """`/app/pump.py` is `app.pump`."""
    return path[1:-3].replace("/", ".").removesuffix(".__init__")


def _evaluated(node: ast.expr, known: dict[str, int]) -> int | None:
    """The whole number that an expression is; None when it is none, or not for certain."""
    if isinstance(node, ast.Constant):
        return node.value if type(node.value) is int else None
    if isinstance(node, ast.Name):
        return known.get(node.id)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        number = _evaluated(node.operand, known)
        return None if number is None else -number
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        left, right = _evaluated(node.left, known), _evaluated(node.right, known)
        return None if left is None or right is None else _OPERATORS[type(node.op)](left, right)
    if isinstance(node, ast.Call) and len(node.args) == 1 and not node.keywords:
        return _called(ast.unparse(node.func), node.args[0], known)
    return None


def _called(function: str, argument: ast.expr, known: dict[str, int]) -> int | None:
    if function == "const":
        return _evaluated(argument, known)
    if function == "struct.calcsize" and isinstance(argument, ast.Constant) and str(argument.value).startswith("<"):
        return struct.calcsize(str(argument.value))
    return None


def _bindings(tree: ast.Module) -> Counter[str]:
    """How often a name is bound anywhere in a file: once, and it is the same everywhere in it."""
    found: Counter[str] = Counter()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found[node.id] += 1
        elif isinstance(node, ast.arg):
            found[node.arg] += 1
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            found[node.name] += 1
        elif isinstance(node, ast.alias):
            found[(node.asname or node.name).split(".")[0]] += 1
        elif isinstance(node, ast.ExceptHandler) and node.name:
            found[node.name] += 1
        elif isinstance(node, ast.Global):
            found.update(node.names)
    return found


def _stored_attributes(trees: list[ast.Module]) -> set[str]:
    """What somebody might change from another file."""
    nodes = [node for tree in trees for node in ast.walk(tree)]
    return {node.attr for node in nodes if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load)}
