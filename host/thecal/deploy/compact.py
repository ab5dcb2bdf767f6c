"""Make the firmware small before it is compiled for the chip: numbers in the place of their names, and names that cost no memory.

A pump keeps every name of its code in RAM, except those that MicroPython has in its ROM. So names of our own that nothing
outside can know get names from `rom_names`: parameters that no call names, private ones (no two of one class, or of one group of
files, get the same), and public ones (public_names.py: one new name for all files); what the code does is unchanged. A name
stays as it is when it also appears in a text of the firmware (getattr, JSON, imports), as a keyword of a call, in a file that is
not compacted, or in MicroPython's ROM. Nothing here depends on the machine: the same sources give the same.
"""

from __future__ import annotations

import ast
import builtins
import keyword
import re
from collections.abc import Iterable

from thecal.deploy.constants import inline
from thecal.deploy.files import Files
from thecal.deploy.groups import groups
from thecal.deploy.lean import lean, without_types
from thecal.deploy.public_names import public_names
from thecal.deploy.rom_names import ROM_NAMES, ROM_PRIVATE
from thecal.deploy.scopes import unbound
from thecal.errors import Failed

_PRIVATE = re.compile(r"_[A-Za-z0-9]\w*")
_PARAMETERS = 12  # names for parameters; a function with more of them keeps the names of the others
_BY_TEXT = ("eval", "exec", "globals", "locals", "vars")
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef)
_FUNCTIONS = (ast.FunctionDef, ast.Lambda)
_HANDLERS = "/app/wire/handlers/"  # the name of a method is that of its function

Trees = dict[str, ast.Module]
Names = dict[str, str]


def compact(sources: Files, outside: Iterable[bytes] = ()) -> tuple[Files, dict[str, Names]]:
    """Return the same firmware in fewer bytes of memory, and by path {name: what became of it}.

    `outside` runs beside it unchanged, and keeps the names that it asks for.

    Failed when a source asks for names by texts that are made at run time, or does not compile.
    """
    trees = {path: _parsed(path, data) for path, data in sorted(sources.items())}
    others = [without_types(ast.parse(data)) for data in outside]
    texts = set().union(*map(_texts, trees.values()))  # as they are before any of them becomes a part of another one
    handlers = [node for path in trees if path.startswith(_HANDLERS) for node in trees[path].body if isinstance(node, ast.FunctionDef)]
    texts |= {node.name for node in handlers if not node.name.startswith("_")}
    lean(trees, others, texts)
    inline(trees, others)
    foreign = set().union(*map(unbound, trees.values()))
    free, kept = _free(trees, others), _kept(trees, others) | texts | foreign
    parameters, found = _Parameters(trees, kept, free[:_PARAMETERS]), {}
    for group in groups(trees):
        names = _private_names([trees[path] for path in group], kept, free[_PARAMETERS:])
        for path in group:
            parameters.rename(trees[path])
            _Renamer(names).visit(trees[path])
            found[path] = names
    most = max([len(set(names.values())) for names in found.values()], default=0)
    public = public_names(trees, kept, free[_PARAMETERS + most :])
    for tree in trees.values():
        _Renamer(public).visit(tree)
    files = {path: ast.unparse(ast.fix_missing_locations(tree)).encode() for path, tree in trees.items()}
    return files, {path: {**names, **public} for path, names in found.items()}


def _parsed(path: str, data: bytes) -> ast.Module:
    """Without types and the texts that document it. Failed when it asks for names by texts that are made at run time."""
    try:
        tree = ast.parse(data)
    except SyntaxError as error:
        raise Failed(f"{path[1:]} does not compile: SyntaxError: {error.msg}, line {error.lineno}", "correct it") from None
    without_types(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in _BY_TEXT:
            raise Failed(f"{path[1:]} calls {node.id}, and names are made shorter when the firmware is compiled", "do without it")
        if isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            node.body[:1] = [] if len(node.body) > 1 else [ast.Pass()]
    return tree


def _free(trees: Trees, others: list[ast.Module]) -> list[str]:
    """Names of the ROM that mean nothing in this firmware."""
    taken = set(keyword.kwlist) | set(dir(builtins))
    for tree in (*trees.values(), *others):
        taken |= _identifiers(tree) | _texts(tree)
    return [name for name in ROM_NAMES if name not in taken]


def _kept(trees: Trees, others: list[ast.Module]) -> set[str]:
    """Names that somebody may look up who is not renamed with us."""
    kept = set(dir(builtins)) | set(ROM_NAMES) | set(ROM_PRIVATE)
    for tree in (*trees.values(), *others):
        kept |= _texts(tree)
    for tree in others:
        kept |= _identifiers(tree)
    return kept


def _private_names(group: list[ast.Module], kept: set[str], free: list[str]) -> Names:
    """Return {private name: one of `free`}. The first names of the ROM are the shortest in a compiled file.

    What is asked of `self` alone gets a name that nothing else of the same class, or of its bases, has.
    """
    ours = sorted({name for tree in group for name in _identifiers(tree) if _PRIVATE.fullmatch(name)} - kept)
    own = _of_self(group)
    shared = [name for name in ours if not any(name in names for names in own)]
    given = dict(zip(shared, free, strict=False))
    for name in [name for name in ours if name not in given]:
        beside = set().union(*(names for names in own if name in names))
        taken = {given[other] for other in beside if other in given}
        found = next((one for one in free[len(shared) :] if one not in taken), None)
        given.update({name: found} if found else {})
    return given


def _of_self(group: list[ast.Module]) -> list[set[str]]:
    """Return the attributes that are asked of `self` alone, a set for each class with its bases."""
    classes = {node.name: node for tree in group for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    asked = {name: _private_attributes(node) for name, node in classes.items()}
    outside: set[str] = set()
    for tree in group:
        selves = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "self"]
        methods = [node for owner in classes.values() for node in owner.body if isinstance(node, ast.FunctionDef)]
        known = {id(node) for node in (*selves, *methods)}
        outside |= set().union(*(_names_of(node) for node in ast.walk(tree) if id(node) not in known))
    sets: list[tuple[set[str], set[str]]] = []  # (classes, their attributes)
    for name, attributes in asked.items():
        together = ({name, *(base.id for base in classes[name].bases if isinstance(base, ast.Name))}, set(attributes))
        for one in [one for one in sets if one[0] & together[0]]:
            sets.remove(one)
            together = (together[0] | one[0], together[1] | one[1])
        sets.append(together)
    return [attributes - outside for _, attributes in sets]


def _private_attributes(owner: ast.ClassDef) -> set[str]:
    found = {node.attr for node in ast.walk(owner) if isinstance(node, ast.Attribute)}
    return {name for name in found | {node.name for node in owner.body if isinstance(node, ast.FunctionDef)} if _PRIVATE.fullmatch(name)}


def _names_of(node: ast.AST) -> set[str]:
    """Return the names of one node, not of those below it."""
    found = {getattr(node, kind, None) for kind in ("id", "attr", "arg", "name", "asname")}
    found.update(node.names if isinstance(node, ast.Global | ast.Nonlocal) else [])
    return {part for name in found if isinstance(name, str) for part in name.split(".")}


def _texts(tree: ast.Module) -> set[str]:
    """Every text that could be a name, and every keyword of a call."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.update(part for part in node.value.split(".") if part.isidentifier())
        elif isinstance(node, ast.keyword) and node.arg:
            found.add(node.arg)
    return found


def _identifiers(tree: ast.Module) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        for name in ("id", "attr", "arg", "name", "asname"):
            value = getattr(node, name, None)
            if isinstance(value, str):
                found.update(value.split("."))
        if isinstance(node, ast.ImportFrom) and node.module:
            found.update(node.module.split("."))
        if isinstance(node, ast.Global | ast.Nonlocal):
            found.update(node.names)
    return found


class _Renamer(ast.NodeVisitor):
    """Puts the new name wherever the old one is; both stand for the same thing everywhere."""

    def __init__(self, names: Names) -> None:
        self._names = names

    def generic_visit(self, node: ast.AST) -> None:
        for name in ("id", "attr", "arg", "name", "asname"):
            value = getattr(node, name, None)
            if isinstance(value, str) and not isinstance(node, ast.keyword):
                setattr(node, name, self._names.get(value, value))
        if isinstance(node, ast.Global | ast.Nonlocal):
            node.names = [self._names.get(name, name) for name in node.names]
        super().generic_visit(node)


class _Parameters:
    """Parameters that no call names: names of their function alone, so each function begins anew with the same few."""

    def __init__(self, trees: Trees, kept: set[str], free: list[str]) -> None:
        kept = kept.union(*map(_shared, trees.values()))
        self._own = {node.arg for tree in trees.values() for node in ast.walk(tree) if isinstance(node, ast.arg)} - kept
        self._free = free

    def rename(self, tree: ast.Module) -> None:
        for scope in _outermost_functions(tree):
            found: list[str] = []
            for node in ast.walk(scope):
                name = node.arg if isinstance(node, ast.arg) else ""
                if name in self._own and name not in found:
                    found.append(name)
            _Locals(dict(zip(found, self._free, strict=False))).visit(scope)


class _Locals(ast.NodeVisitor):
    def __init__(self, names: Names) -> None:
        self._names = names

    def visit_Name(self, node: ast.Name) -> None:
        node.id = self._names.get(node.id, node.id)

    def visit_arg(self, node: ast.arg) -> None:
        node.arg = self._names.get(node.arg, node.arg)
        self.generic_visit(node)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        node.name = self._names.get(node.name or "", node.name)
        self.generic_visit(node)

    def visit_Nonlocal(self, node: ast.Nonlocal) -> None:
        node.names = [self._names.get(name, name) for name in node.names]


def _outermost_functions(tree: ast.AST) -> list[ast.AST]:
    found: list[ast.AST] = []
    for node in ast.iter_child_nodes(tree):
        found += [node] if isinstance(node, _FUNCTIONS) else _outermost_functions(node)
    return found


def _shared(tree: ast.AST) -> set[str]:
    """Names that mean something outside a function: of the module and its classes, imported ones, attributes."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.alias):
            found.update((node.asname or node.name).split("."))
        elif isinstance(node, ast.Global):
            found.update(node.names)
    return found | {name.id for name in _outside_functions(tree) if isinstance(name, ast.Name)}


def _outside_functions(tree: ast.AST) -> Iterable[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if not isinstance(node, _FUNCTIONS):
            yield node
            yield from _outside_functions(node)
