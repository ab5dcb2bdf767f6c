"""Rules for the firmware's types: no `Any`, no bare `object`, no silenced checker; and every attribute is declared."""

import ast
import re

from house_rules.tree import Function, Source, arguments_of, functions_of, methods_of

_IGNORED = re.compile(r"#\s*type:\s*ignore(?P<codes>\[[a-z, -]+\])?(?P<reason>\s+#\s*\S.*)?")
_OF_MICROPYTHON = ("_machine", "_mpy")
_NEVER = ("Any", "Incomplete")


def shapeless(source: Source) -> list[str]:
    """Return `Any` and bare `object` in annotations, quoted ones too, and any `__getattr__`, with which everything would fit."""
    found = [f"{source.path}:{line}: {name} is no type" for line, name in _names_in_types(source.tree)]
    functions = functions_of(source.tree)
    return found + [f"{source.path}:{one.lineno}: __getattr__ hides every slip" for one in functions if one.name == "__getattr__"]


def _names_in_types(tree: ast.Module) -> list[tuple[int, str]]:
    imports = [(node.lineno, name.name) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for name in node.names]
    found = [(line, name) for line, name in imports if name in _NEVER]
    for given in _annotations(tree):
        typed = ast.parse(given.value, mode="eval") if isinstance(given, ast.Constant) and isinstance(given.value, str) else given
        for node in ast.walk(typed):
            name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
            if name in (*_NEVER, "object"):
                found.append((given.lineno, name))
    return found


def _annotations(tree: ast.Module) -> list[ast.expr]:
    methods = methods_of(tree)
    found = [node.annotation for node in ast.walk(tree) if isinstance(node, ast.AnnAssign)]
    for function in functions_of(tree):
        found += [argument.annotation for argument in arguments_of(function, function in methods) if argument.annotation is not None]
        found += [function.returns] if function.returns is not None else []
    return found


def silenced(source: Source) -> list[str]:
    """Return each `type: ignore` without the complaint and the reason, and each `mypy:` comment that silences a whole file."""
    found = []
    for number, line in enumerate(source.text.splitlines(), 1):
        if re.match(r"\s*#\s*mypy:", line):
            found.append(f"{source.path}:{number}: silences the checker for a whole file")
        ignored = _IGNORED.search(line)
        if ignored and not (ignored["codes"] and ignored["reason"]):
            found.append(f"{source.path}:{number}: type: ignore needs a code and a reason: `# type: ignore[code]  # reason`")
    return found


def reached_into(source: Source) -> list[str]:
    """Return uses of another object's private attributes, except those by which MicroPython identifies itself."""
    found = []
    for node in ast.walk(source.tree):
        private = isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.endswith("__")
        if private and node.attr not in _OF_MICROPYTHON and not (isinstance(node.value, ast.Name) and node.value.id == "self"):
            found.append(f"{source.path}:{node.lineno}: {ast.unparse(node)} is private")
    return found


def born_late(sources: list[Source]) -> list[str]:
    """Return attributes that a method other than `__init__` sets on itself and that neither the class nor a base declares.

    A type checker takes a misspelt attribute for a new one.
    """
    classes = [(source, node) for source in sources for node in ast.walk(source.tree) if isinstance(node, ast.ClassDef)]
    found = []
    for source, node in classes:
        known = _declared(node).union(*(_declared(base) for base in _bases(node, [one for _, one in classes])))
        late = [(line, name) for method in _methods(node) for line, name in _set_on_self(method) if name not in known]
        found += [f"{source.path}:{line}: {node.name}.{name} is not set in __init__ and not declared" for line, name in late]
    return found


def _bases(node: ast.ClassDef, classes: list[ast.ClassDef]) -> list[ast.ClassDef]:
    """Return the bases of a class, as far as they are ours, all the way up."""
    names = {base.id for base in node.bases if isinstance(base, ast.Name)} - {node.name}
    direct = [one for one in classes if one.name in names]
    return direct + [more for one in direct for more in _bases(one, classes)]


def _declared(node: ast.ClassDef) -> set[str]:
    found = {item.target.id for item in node.body if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)}
    assigned = [part for item in node.body if isinstance(item, ast.Assign) for target in item.targets for part in ast.walk(target)]
    found |= {part.id for part in assigned if isinstance(part, ast.Name)}
    return found | {name for method in _methods(node) if method.name == "__init__" for _, name in _set_on_self(method)}


def _methods(node: ast.ClassDef) -> list[Function]:
    return [item for item in node.body if isinstance(item, Function)]


def _set_on_self(method: Function) -> list[tuple[int, str]]:
    attributes = [node for node in ast.walk(method) if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)]
    return [(node.lineno, node.attr) for node in attributes if isinstance(node.value, ast.Name) and node.value.id == "self"]
