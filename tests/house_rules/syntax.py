"""Checks on the syntax tree of one file: annotations, floats, swallowed exceptions."""

import ast

from house_rules.tree import Source, arguments_of, functions_of, methods_of


def unannotated(source: Source) -> list[str]:
    """Return arguments without a type and functions without a return type (`__init__` returns nothing by definition)."""
    tree, found = source.tree, []
    methods = methods_of(tree)
    for function in functions_of(tree):
        where = f"{source.path}:{function.lineno}: {function.name}"
        bare = [argument.arg for argument in arguments_of(function, function in methods) if argument.annotation is None]
        if bare:
            found.append(f"{where}: no type on {', '.join(bare)}")
        if function.returns is None:
            found.append(f"{where}: no return type")
    return found


def floats(source: Source) -> list[str]:
    """Return float literals, `/` and float(): the board computes in single precision, CPython in double."""
    found = []
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, float | complex):
            found.append(f"{source.path}:{node.lineno}: float {node.value!r}")
        elif isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div):
            found.append(f"{source.path}:{node.lineno}: true division")
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "float":
            found.append(f"{source.path}:{node.lineno}: float()")
    return found


def swallowed(source: Source) -> list[str]:
    """Return each bare `except:`, and each broad `except` that does nothing."""
    found = []
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.ExceptHandler):
            continue
        if node.type is None:
            found.append(f"{source.path}:{node.lineno}: bare except")
        elif _is_broad(node.type) and all(_does_nothing(statement) for statement in node.body):
            found.append(f"{source.path}:{node.lineno}: swallows every exception")
    return found


def _is_broad(type_: ast.expr) -> bool:
    parts = type_.elts if isinstance(type_, ast.Tuple) else [type_]
    return any(isinstance(part, ast.Name) and part.id in ("Exception", "BaseException") for part in parts)


def _does_nothing(statement: ast.stmt) -> bool:
    is_text = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return is_text or isinstance(statement, ast.Pass | ast.Continue)
