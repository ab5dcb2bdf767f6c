"""The runner itself: real MicroPython, `pumpcore` importable, failures reported, memory never collected."""

import json

import pytest

from support.micropython import FIRMWARE, MicroPythonError, run_in_micropython


def test_it_is_micropython_with_a_heap_of_half_a_gigabyte() -> None:
    printed = run_in_micropython("import gc, json\nprint(json.dumps([sys.implementation.name, gc.mem_free()]))\n")
    name, free_bytes = json.loads(printed)
    assert name == "micropython"
    assert free_bytes > 500_000_000


def test_pumpcore_is_importable() -> None:
    assert run_in_micropython("import pumpcore\nprint(pumpcore.__name__)\n") == "pumpcore\n"


def test_every_module_of_pumpcore_imports() -> None:
    files = sorted((FIRMWARE / "pumpcore").rglob("*.py"))
    names = [".".join(file.relative_to(FIRMWARE).with_suffix("").parts).removesuffix(".__init__") for file in files]
    assert run_in_micropython("".join(f"import {name}\n" for name in names) + "print('all')\n") == "all\n"


def test_an_exception_in_the_script_is_told_with_its_traceback() -> None:
    with pytest.raises(MicroPythonError, match="ZeroDivisionError"):
        run_in_micropython("print('before')\n1 // 0\n")


def test_an_exit_code_is_told() -> None:
    with pytest.raises(MicroPythonError, match="exit code 3"):
        run_in_micropython("sys.exit(3)\n")
