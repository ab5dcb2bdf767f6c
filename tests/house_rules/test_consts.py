"""`_NAME = const(1)`: MicroPython's compiler puts the number in place of the name below that line, and keeps no name.

Above the line, and in another file, it does not know the name: where CPython finds it, the pump's command would end in a NameError.
"""

import ast

import pytest

from house_rules.tree import Source, python_sources
from thecal.deploy.files import firmware_files
from thecal.deploy.units import CHIP, SIMULATOR, of_target
from thecal.files.resources import firmware_folder


def consts(tree: ast.Module) -> dict[str, int]:
    """Return {private name: line} of the names that become a number."""
    found = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and getattr(node.value.func, "id", "") == "const":
            target = node.targets[0]
            assert isinstance(target, ast.Name), "one name for each const"
            found.update({target.id: node.lineno} if target.id.startswith("_") else {})
    return found


def violations(sources: list[Source]) -> list[str]:
    """Return one line for each use that MicroPython would not know."""
    elsewhere, found = {}, []
    for source in sources:
        for node in ast.walk(source.tree):
            names = [node.attr] if isinstance(node, ast.Attribute) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.ImportFrom) else []
            elsewhere.update(dict.fromkeys([name for name in names if name.startswith("_")], source.path))
    for source in sources:
        known = consts(source.tree)
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Name) and node.lineno < known.get(node.id, 0):
                found.append(f"{source.path}:{node.lineno}: {node.id} stands above its const")
        found += [f"{source.path}: {name} is a const, and {elsewhere[name]} asks for it" for name in known if name in elsewhere]
    return found


def test_a_private_number_is_known_wherever_it_is_used() -> None:
    found = violations(python_sources("firmware/"))
    assert not found, "\n".join(found)


def test_a_number_is_known_in_its_unit_wherever_it_is_used() -> None:
    files = [of_target(firmware_files(firmware_folder()), hal) for hal in (CHIP, SIMULATOR)]
    assert violations([Source("firmware" + path, data.decode()) for made in files for path, data in made.items()]) == []


@pytest.mark.parametrize("code", ["def f():\n    return _A\n_A = const(1)\n", "_A = const(1)\n", "_A = const(2)\n"])
def test_a_planted_one_is_found(code: str) -> None:
    other = {"_A = const(1)\n": "from app.one import _A\n", "_A = const(2)\n": "one._A\n"}.get(code, "")
    assert violations([Source("firmware/app/one.py", code), Source("firmware/app/two.py", other)])
