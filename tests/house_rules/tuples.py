"""Tuples in signatures: values with different meanings need names, in a small class.

The rule covers what the host takes, and what crosses a module's wall in the firmware.
"""

import ast
from collections.abc import Iterator

from house_rules.tree import Source, functions_of

MOST_VALUES = 2
# path: name -> why it may have more
ALLOWED = {
    "host/thecal/hardware/board/layout.py: wires": "a wire as the bench file writes it: colour, cross-section, hole, hole",
    "host/thecal/hardware/rig.py: harness": "a wire as the bench file writes it: from, to, colour",
}
# The same for the firmware, where an object costs memory and time.
OF_THE_FIRMWARE = {
    "firmware/app/records/journal.py: stamp": "the head of a record, in the order of its bytes",
    "firmware/app/records/journal.py: self.posted": "the arguments of an append, kept",
    "firmware/hal/absent.py: look": "four counters of one moment, asked in each turn of the loop",
    "firmware/hal/rp2/generator.py: marks": "the lines of a PIO program, by place",
    "firmware/hal/rp2/stepper.py: look": "four counters of one moment, asked in each turn of the loop",
    "firmware/hal/rp2/words.py: wanted": "what a PIO program was made for, to compare",
    "firmware/app/wire/session.py: self.rest": "the rest of a flood, kept to the next turn",
    "firmware/pumpcore/orders/bolus.py: asked": "what was asked, to compare, and the payload of its record",
    "firmware/pumpcore/orders/bolus.py: self.rows": "the doses of a window, many and small",
    "firmware/pumpcore/program/forecast.py: rows": "64 in each block of a forecast",
    "firmware/pumpcore/program/schedule.py: values": "a zone in the order of its bytes",
    "firmware/pumpcore/wire/record_types.py: TYPES": "a row of a table in text",
    "firmware/pumpcore/wire/record_types.py: stamp": "the head of a record, in the order of its bytes",
    "firmware/pumpcore/wire/records.py: stamp": "the head of a record, in the order of its bytes",
}


def violations(source: Source) -> list[str]:
    """Return one line per argument that is a tuple of several values, and per annotation or alias with a tuple of more than two."""
    found = [f"{source.path}:{line}: {name} is one argument of several values: {text}" for line, name, text in _arguments(source.tree)]
    for line, name, annotation in _annotations(source.tree):
        longest = max((len(values) for values in _tuples(annotation)), default=0)
        if longest > MOST_VALUES and f"{source.path}: {name}" not in ALLOWED:
            found.append(f"{source.path}:{line}: {name} has a tuple of {longest} values without names: {ast.unparse(annotation)}")
    return found


def across_walls(source: Source) -> list[str]:
    """Return one line per tuple of more than two values in the public names of a firmware file."""
    found = []
    for line, name, annotation in _annotations(source.tree):
        longest = max((len(values) for values in _tuples(annotation)), default=0)
        private = name.removeprefix("self.").startswith("_")
        if longest > MOST_VALUES and not private and f"{source.path}: {name}" not in OF_THE_FIRMWARE:
            found.append(f"{source.path}:{line}: {name} has a tuple of {longest} values without names: {ast.unparse(annotation)}")
    return found


def _arguments(tree: ast.Module) -> Iterator[tuple[int, str, str]]:
    """Return place, name and annotation of each argument that is itself a tuple of fixed length, or None."""
    for function in functions_of(tree):
        for argument in _all_arguments(function.args):
            if argument.annotation is not None and any(_values(part) for part in _united(_parsed(argument.annotation))):
                yield argument.lineno, argument.arg, ast.unparse(argument.annotation)


def _annotations(tree: ast.Module) -> Iterator[tuple[int, str, ast.expr]]:
    """Return place, name and type of every argument, return value, annotated name and alias."""
    for function in functions_of(tree):
        for argument in _all_arguments(function.args):
            if argument.annotation is not None:
                yield argument.lineno, argument.arg, argument.annotation
        if function.returns is not None:
            yield function.lineno, function.name, function.returns
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign):
            yield node.lineno, ast.unparse(node.target), node.annotation
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Subscript):
            yield node.lineno, ast.unparse(node.targets[0]), node.value


def _all_arguments(arguments: ast.arguments) -> list[ast.arg]:
    stars = [one for one in (arguments.vararg, arguments.kwarg) if one is not None]
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *stars]


def _parsed(annotation: ast.expr) -> ast.expr:
    """Parse an annotation, also a quoted one."""
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        return ast.parse(annotation.value, mode="eval").body
    return annotation


def _united(annotation: ast.expr) -> list[ast.expr]:
    if isinstance(annotation, ast.BinOp) and isinstance(annotation.op, ast.BitOr):
        return [*_united(annotation.left), *_united(annotation.right)]
    return [annotation]


def _tuples(annotation: ast.expr) -> Iterator[list[ast.expr]]:
    return filter(None, map(_values, ast.walk(_parsed(annotation))))


def _values(node: ast.AST) -> list[ast.expr]:
    """Return the types in `tuple[a, b]`; none for `tuple[a, ...]`, which is an immutable list."""
    if not isinstance(node, ast.Subscript) or ast.unparse(node.value) not in ("tuple", "Tuple", "typing.Tuple"):
        return []
    values = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    return [] if any(isinstance(one, ast.Constant) and one.value is Ellipsis for one in values) else list(values)
