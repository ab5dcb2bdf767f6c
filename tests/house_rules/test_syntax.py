"""Annotated signatures, integers only where a step is decided, no swallowed exception; planted violations are refused."""

import pytest

from house_rules import syntax
from house_rules.tree import Source, python_sources


def test_every_signature_is_annotated() -> None:
    found = [line for source in python_sources("firmware/", "host/") for line in syntax.unannotated(source)]
    assert not found, "\n".join(found)


@pytest.mark.rule("R4")
def test_pumpcore_and_app_compute_in_integers() -> None:
    found = [line for source in python_sources("firmware/pumpcore/", "firmware/app/") for line in syntax.floats(source)]
    assert not found, "\n".join(found)


def test_no_exception_is_swallowed() -> None:
    found = [line for source in python_sources("firmware/", "host/", "tests/") for line in syntax.swallowed(source)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "code",
    [
        "def f(a) -> int: ...",
        "def f(a: int): ...",
        "def f(*a) -> int: ...",
        "def f(**a) -> int: ...",
        "def f(*, a) -> int: ...",
        "class C:\n    def __init__(self): ...",
        "def f() -> int:\n    def g(): ...",
    ],
)
def test_a_planted_signature_without_types_is_refused(code: str) -> None:
    assert len(syntax.unannotated(Source("x.py", code))) == 1


@pytest.mark.parametrize("code", ["a = 1.5", "a = 1e3", "a = 2j", "a = b / 2", "a /= 2", "a = float(3)"])
def test_a_planted_float_is_refused(code: str) -> None:
    assert len(syntax.floats(Source("x.py", code))) == 1


def test_integers_pass() -> None:
    assert syntax.floats(Source("x.py", "a = 7 // 2\nb = a % 3\na //= 2\nc = '1.5 / 2'")) == []


@pytest.mark.parametrize(
    "handler",
    [
        "except: raise",
        "except Exception: pass",
        "except BaseException: ...",
        "except (ValueError, Exception): pass",
        "except Exception:\n    'why'",
    ],
)
def test_a_planted_swallowed_exception_is_refused(handler: str) -> None:
    assert len(syntax.swallowed(Source("x.py", f"try:\n    f()\n{handler}\n"))) == 1


@pytest.mark.parametrize("handler", ["except OSError: pass", "except Exception as error: record(error)", "except Exception: raise"])
def test_a_handler_that_names_its_class_or_acts_passes(handler: str) -> None:
    assert syntax.swallowed(Source("x.py", f"try:\n    f()\n{handler}\n")) == []
