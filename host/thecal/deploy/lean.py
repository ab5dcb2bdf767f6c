"""What the compiled firmware can do without: annotations, imports that only they needed, and one object for each key of a long answer."""

from __future__ import annotations

import ast

_LEAST_KEYS = 10
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def lean(tree: ast.Module) -> None:
    """Changes a file in place; what it does stays, but that a dictionary's keys are made when it is."""
    _Lean().visit(tree)
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    used |= {name for node in ast.walk(tree) if isinstance(node, ast.Global) for name in node.names}
    tree.body = [node for node in tree.body if not isinstance(node, ast.ImportFrom) or _keeps(node, used)]


def _keeps(node: ast.ImportFrom, used: set[str]) -> bool:
    """Whether an import brings anything that is used; the rest is left out of it."""
    node.names = [alias for alias in node.names if (alias.asname or alias.name) in used]
    return bool(node.names)


class _Lean(ast.NodeTransformer):
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

    def visit_Dict(self, node: ast.Dict) -> ast.AST:
        """`{"a": x, "b": y}` is `dict(zip("a b".split(), (x, y)))`: one text."""
        self.generic_visit(node)
        keys = [key.value for key in node.keys if isinstance(key, ast.Constant) and isinstance(key.value, str)]
        if len(keys) < _LEAST_KEYS or len(keys) != len(node.keys) or any(len(key.split()) != 1 or key.strip() != key for key in keys):
            return node
        text = ast.Call(ast.Attribute(ast.Constant(" ".join(keys)), "split", ast.Load()), [], [])
        pairs = ast.Call(ast.Name("zip", ast.Load()), [text, ast.Tuple(node.values, ast.Load())], [])
        return ast.Call(ast.Name("dict", ast.Load()), [pairs], [])
