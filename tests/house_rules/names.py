"""Every quantity has its unit in its name: `volume_nl`, `timeout_ms`. A bare `volume` in a signature or a number field is refused."""

import ast
import re

from house_rules.tree import Source, arguments_of, functions_of, methods_of

# A name that is, or ends in, one of these is a quantity without a visible unit.
QUANTITIES = ("volume", "rate", "duration", "timeout", "interval", "delay", "period", "uptime", "elapsed", "lockout")
# As a whole name these are quantities too; at the end of a longer one (`start_time` of a mode, `boot_speed`) they may be anything.
BARE_ONLY = ("time", "dose", "flow", "distance", "age", "deadline", "frequency", "weight", "mass", "density")
PATTERN = re.compile(rf"^((?:\w+_)?(?:{'|'.join(QUANTITIES)})|{'|'.join(BARE_ONLY)})$")
NUMBERS = frozenset(("int", "float", "Decimal", "Fraction"))
SAY_NOTHING = NUMBERS | {"None", "Any", "Optional", "Annotated", "Union"}


def is_quantity_without_unit(name: str) -> bool:
    return PATTERN.match(name.strip("_")) is not None


def violations(source: Source) -> list[str]:
    """Return arguments and number fields of classes without a unit. Text ("120 ug/day") and value objects carry their own."""
    tree, found = source.tree, []
    methods = methods_of(tree)
    for function in functions_of(tree):
        for argument in arguments_of(function, function in methods):
            if is_quantity_without_unit(argument.arg) and not _carries_its_unit(argument.annotation):
                found.append(f"{source.path}:{argument.lineno}: argument {argument.arg} of {function.name} has no unit in its name")
    for field in _fields(tree):
        if is_quantity_without_unit(field.target.id) and _names(field.annotation) & NUMBERS:
            found.append(f"{source.path}:{field.lineno}: field {field.target.id} has no unit in its name")
    return found


def _fields(tree: ast.Module) -> list[ast.AnnAssign]:
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    return [item for node in classes for item in node.body if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)]


def _carries_its_unit(annotation: ast.expr | None) -> bool:
    """Return True if the type is text or a class of ours, and not a number in any of its alternatives."""
    names = _names(annotation)
    return not names & NUMBERS and any(name == "str" or (name[:1].isupper() and name not in SAY_NOTHING) for name in names)


def _names(annotation: ast.expr | None) -> set[str]:
    """Return the names in an annotation, also in a quoted one."""
    if annotation is None:
        return set()
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        return set(re.findall(r"\w+", annotation.value))
    return {node.id for node in ast.walk(annotation) if isinstance(node, ast.Name)}
