"""The pages of the Python interface: made from the docstrings, which name every parameter, unit and error."""

import inspect
import re

import pytest

import thecal
from thecal.tools import api_pages

PARAMETERS_OF = re.compile(r"[Pp]arameters(?: and errors)? as for\s+`([a-z_.]+)`|^As `Pump\.([a-z_]+)`")
PLAIN = [one for one in api_pages.CLASSES if not one.__name__.startswith("Async")]
METHODS = [(one, member) for one in PLAIN for member in api_pages.members(one) if not isinstance(member, property)]


def test_the_pages_are_those_of_the_docstrings() -> None:
    there = {file.name: file.read_text(encoding="utf-8") for file in api_pages.FOLDER.glob("*.md")}
    assert there == api_pages.pages(), "make docs-api writes them anew"


def test_every_public_name_has_its_place_on_a_page() -> None:
    text = "\n".join(api_pages.pages().values())
    for name in set(thecal.__all__) - {"__version__"}:
        assert f"`{name}`" in text or f"`thecal.{name}`" in text, name
        assert inspect.getdoc(getattr(thecal, name)), name


@pytest.mark.parametrize(("one", "member"), METHODS, ids=lambda part: getattr(part, "__name__", ""))
def test_a_docstring_names_every_parameter(one: type, member) -> None:
    doc = inspect.getdoc(member)
    assert doc, member.__name__
    found = PARAMETERS_OF.search(doc)
    if found:
        doc += inspect.getdoc(getattr(one, next(filter(None, found.groups())))) or ""
    for name in inspect.signature(member).parameters:
        assert name in ("self", "confirm", "order") or f"`{name}`" in doc, name


ORDERS = ("run", "program", "start", "bolus", "demand", "temporary", "prime", "stop", "restore", "cancel", "wait")


@pytest.mark.parametrize("method", ORDERS)
def test_an_order_s_docstring_names_its_errors(method: str) -> None:
    assert "Raises" in (inspect.getdoc(getattr(thecal.Pump, method)) or "")


def test_the_asyncio_twin_has_the_same_methods_and_parameters() -> None:
    twin = thecal.aio.AsyncPump
    for member in api_pages.members(thecal.Pump):
        if isinstance(member, property) or member.__name__ in ("at_end", "facts", "watching"):
            continue
        other = getattr(twin, member.__name__)
        assert inspect.iscoroutinefunction(other), member.__name__
        ours, theirs = (inspect.signature(one).parameters.values() for one in (member, other))
        assert [(one.name, one.kind, one.default) for one in ours] == [(one.name, one.kind, one.default) for one in theirs], member.__name__
