"""What a name in a file means where it stands: something at the top of a file, a module, or what only its function knows."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_FUNCTIONS = (ast.FunctionDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(frozen=True)
class Meaning:
    """`name` at the top of `module`; "" when it is that module itself."""

    module: str
    name: str = ""


Scope = dict[str, Meaning | None]  # None: known only here


def imported(node: ast.ImportFrom, modules: Iterable[str]) -> Iterator[tuple[ast.alias, Meaning]]:
    """What each name of an import stands for, where it is one of our `modules` or in one."""
    for alias in node.names:
        whole = f"{node.module}.{alias.name}"
        if whole in modules:
            yield alias, Meaning(whole)
        elif str(node.module) in modules:
            yield alias, Meaning(str(node.module), alias.name)


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


class Scopes(ast.NodeTransformer):
    """Walks a file; whoever derives from it asks `meaning` for a name."""

    def __init__(self, top: Scope, modules: Iterable[str]) -> None:
        self._scopes = [top]
        self._modules = modules

    def meaning(self, name: str) -> Meaning | None:
        """None when it is known only to a function, or not ours."""
        for scope in reversed(self._scopes):
            if name in scope:
                return scope[name]
        return None

    def _inside(self, names: set[str], nodes: list[ast.AST]) -> list[ast.AST]:
        scope: Scope = dict.fromkeys(names)
        for node in _own(nodes):
            if isinstance(node, ast.ImportFrom):
                scope.update({alias.asname or alias.name: meaning for alias, meaning in imported(node, self._modules)})
        self._scopes.append(scope)
        visited: list[ast.AST] = []
        for node in nodes:
            changed = self.visit(node)
            visited += changed if isinstance(changed, list) else [] if changed is None else [changed]
        self._scopes.pop()
        return visited

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self._signature(node)
        return self._with_body(node)

    def _signature(self, node: ast.FunctionDef) -> None:
        node.args = self.visit(node.args)
        node.decorator_list = [self.visit(decorator) for decorator in node.decorator_list]

    def _with_body(self, node: ast.FunctionDef) -> ast.AST:
        body: list[ast.AST] = list(node.body)
        node.body = self._inside(_parameters(node) | bound(body), body) or [ast.Pass()]  # type: ignore[assignment]
        return node

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        node.args = self.visit(node.args)
        node.body = self._inside(_parameters(node), [node.body])[0]  # type: ignore[assignment]
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        """What a class binds is unknown to its methods, but for what stands in their first lines."""
        node.bases = [self.visit(base) for base in node.bases]
        scope: Scope = dict.fromkeys(bound(node.body))
        for statement in node.body:
            self._scopes.append(scope)
            if isinstance(statement, ast.FunctionDef):
                self._signature(statement)
            else:
                self.visit(statement)
            self._scopes.pop()
            if isinstance(statement, ast.FunctionDef):
                self._with_body(statement)
        return node

    def _comprehension(self, node: ast.AST) -> ast.AST:
        targets = [inner.target for inner in node.generators]  # type: ignore[attr-defined]
        self._scopes.append(dict.fromkeys(bound(targets)))
        self.generic_visit(node)
        self._scopes.pop()
        return node

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension
