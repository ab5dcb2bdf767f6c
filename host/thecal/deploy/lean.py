"""What the compiled firmware can do without: annotations, imports that only they needed, functions and values that only the host and
the tests ask for, and one object for each key of a long answer."""

from __future__ import annotations

import ast

from thecal.deploy.constants import module_of

_LEAST_KEYS = 6
_TABLE = "Rows"  # pumpcore.rows
_HALS = "/hal/"
Trees = dict[str, ast.Module]


def lean(trees: Trees, others: list[ast.Module], texts: set[str]) -> None:
    """Changes files in place; what they do stays, but that a dictionary's keys are made when it is. `texts`: what might be looked up."""
    for tree in trees.values():
        without_types(tree)
        _Lean().visit(tree)
    dropped = True
    while dropped:
        nodes = {path: list(ast.walk(tree)) for path, tree in trees.items()}
        nodes[""] = [node for tree in others for node in ast.walk(tree)]
        everywhere = texts.union(*map(_asked, nodes.values()))
        taken = set().union(*(_taken(own, {module_of(path) for path in trees}) for own in nodes.values()))
        dropped = False
        for path, tree in trees.items():
            module = module_of(path)
            asked = texts | _asked(nodes[""]) | {name for of, name in taken if of == module} | {module.split(".")[-1]}
            asked |= {node.id for node in nodes[path] if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Store)}
            asked |= {node.attr for node in nodes[path] if isinstance(node, ast.Attribute)}  # a unit takes names from itself as a module
            dropped |= _drop_imports(tree, asked)
            if not path.startswith(_HALS):  # somebody asks a hal from the prompt
                dropped |= _drop_unasked(tree, asked)
                for owner in [node for node in tree.body if isinstance(node, ast.ClassDef)]:
                    dropped |= _drop_unasked(owner, everywhere)


def _asked(nodes: list[ast.AST]) -> set[str]:
    """Every name that a file takes from something, reads, or imports."""
    found = {node.attr for node in nodes if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Store)}
    found |= {node.id for node in nodes if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Store)}
    return found | {name.name for node in nodes if isinstance(node, ast.ImportFrom) for name in node.names}


def _taken(nodes: list[ast.AST], modules: set[str]) -> set[tuple[str, str]]:
    """(module, name) of what a file imports, and of what it takes from a module that it has imported."""
    imports = [(str(node.module), name) for node in nodes if isinstance(node, ast.ImportFrom) for name in node.names]
    whole = {(name.asname or name.name): f"{of}.{name.name}" for of, name in imports if f"{of}.{name.name}" in modules}
    attributes = [node for node in nodes if isinstance(node, ast.Attribute)]
    found = {(whole[node.value.id], node.attr) for node in attributes if isinstance(node.value, ast.Name) and node.value.id in whole}
    return found | {(of, name.name) for of, name in imports}


def _drop_imports(tree: ast.Module, read: set[str]) -> bool:
    """Those at the top of a file that neither it nor anybody else needs."""
    before = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    count = sum(len(node.names) for node in before)
    tree.body = [node for node in tree.body if not isinstance(node, ast.ImportFrom) or _keeps(node, read)]
    return sum(len(node.names) for node in before) < count


def _keeps(node: ast.ImportFrom, read: set[str]) -> bool:
    node.names = [alias for alias in node.names if (alias.asname or alias.name) in read]
    return bool(node.names)


def _drop_unasked(owner: ast.Module | ast.ClassDef, asked: set[str]) -> bool:
    kept = [node for node in owner.body if not _defined(node) or any(map(asked.__contains__, _defined(node)))]
    dropped = len(kept) < len(owner.body)
    owner.body = kept or [ast.Pass()]
    return dropped


def _defined(node: ast.stmt) -> list[str]:
    """What a statement defines for others, when that is all that it does."""
    if isinstance(node, ast.FunctionDef) and not node.name.startswith("__"):
        return [node.name]
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and not any(map(_calls, ast.walk(node.value))):
        return [node.targets[0].id]
    return []


def _calls(node: ast.AST) -> bool:
    """Whether more may happen than that a value is made."""
    table = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == _TABLE
    return isinstance(node, ast.Call | ast.Yield | ast.Await) and not table


def without_types(tree: ast.Module) -> ast.Module:
    """Drop annotations, and what stands below `if 0:`, in place: only a checker reads them, and a type in quotes is not a text that
    might be looked up. Returns `tree`."""
    _Untyped().visit(tree)
    return tree


class _Untyped(ast.NodeTransformer):
    def visit_If(self, node: ast.If) -> ast.AST | None:
        self.generic_visit(node)
        never = isinstance(node.test, ast.Constant) and node.test.value == 0 and not node.orelse
        return None if never else node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        self.generic_visit(node)
        node.body = node.body or [ast.Pass()]
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        if not node.decorator_list:  # machine code is compiled by its annotations
            node.returns = None
            for argument in ast.walk(node.args):
                if isinstance(argument, ast.arg):
                    argument.annotation = None
        self.generic_visit(node)
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        self.generic_visit(node)
        return ast.Assign([node.target], node.value) if node.value else None


class _Lean(ast.NodeTransformer):
    def visit_Dict(self, node: ast.Dict) -> ast.AST:
        """`{"a": x, "b": y}` is `dict(zip("a b".split(), (x, y)))`: one text."""
        self.generic_visit(node)
        keys = [key.value for key in node.keys if isinstance(key, ast.Constant) and isinstance(key.value, str)]
        if len(keys) < _LEAST_KEYS or len(keys) != len(node.keys) or any(len(key.split()) != 1 or key.strip() != key for key in keys):
            return node
        text = ast.Call(ast.Attribute(ast.Constant(" ".join(keys)), "split", ast.Load()), [], [])
        pairs = ast.Call(ast.Name("zip", ast.Load()), [text, ast.Tuple(node.values, ast.Load())], [])
        return ast.Call(ast.Name("dict", ast.Load()), [pairs], [])
