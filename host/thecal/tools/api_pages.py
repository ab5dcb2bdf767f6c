"""Write the pages of the Python interface, host/api/*.md, from its docstrings: `make docs-api`."""

from __future__ import annotations

import inspect
import json
import sys
from dataclasses import is_dataclass
from typing import Any

import thecal.api.aio
from thecal import errors
from thecal.api import opening, outcome, pump, review, running, status, stopping
from thecal.files.resources import CHECKOUT

FOLDER = CHECKOUT / "host" / "api"
MADE = "<!-- made from the docstrings by `make docs-api` -->"
CLASSES: list[type] = [
    pump.Pump,
    review.Review,
    review.Part,
    review.Order,
    outcome.Outcome,
    status.Status,
    stopping.Stopped,
    running.Fluid,
    thecal.api.aio.AsyncPump,
    thecal.api.aio.AsyncReview,
]
FUNCTIONS = [opening.open, opening.simulated]
ERRORS: list[type] = [
    errors.ThecalError,
    *(errors.Refused, errors.InAlarm, errors.BadInput, review.NotConfirmed),
    *(errors.Failed, review.Stale, errors.PortBusy, errors.NoKey, errors.WrongProtocol),
    *(errors.NoPump, errors.WrongDevice, errors.Silent),
    *(errors.LinkLost, errors.Unknown, errors.BadAnswer),
]
LINE_LETTERS = 100
WARNING = "> A bench instrument. It must never be connected to a person or an animal."
EXAMPLE = """```python
import thecal

with thecal.open() as pump:                       # or thecal.simulated(speed=60)
    print(pump.status().text)
    order = pump.run("1 mL/h", duration="2 h", drug="water", confirm=lambda review: input(review.text + "\\n? ") == "y")
    print(pump.wait(order).text)
    journal = pump.journal()                      # a dict of lists: pandas.DataFrame(journal), polars.DataFrame(journal)
```"""


def pages() -> dict[str, str]:
    """Return the text of each page by its file name."""
    found = {f"{one.__name__}.md": page_of(one) for one in CLASSES}
    return {"README.md": first_page(), "errors.md": page_of_errors(), **found}


def first_page() -> str:
    """Return the page of the module: its functions, and the other pages."""
    rows = [f"| [{one.__name__}]({one.__name__}.md) | {summary(one)} |" for one in CLASSES]
    table = ["| class | what |", "|---|---|", *rows, f"| [errors](errors.md) | {summary(errors.ThecalError)} |"]
    parts = ["# `import thecal`", MADE, WARNING, EXAMPLE, *(block(one, "##") for one in FUNCTIONS), "## Classes", "\n".join(table)]
    aio = inspect.getdoc(thecal.api.aio) or ""
    return "\n\n".join([*parts, "## `thecal.aio`", text(aio)]) + "\n"


def page_of_errors() -> str:
    """Return the page of the errors, each with its parent and its exit code on the command line."""
    one_root = "Every error of thecal is a `ThecalError`: `except thecal.ThecalError as error: print(error.cause, error.do)`."
    parts = ["# Errors", MADE, one_root]
    for one in ERRORS:
        parent = one.__mro__[1].__name__
        code = getattr(one, "exit_code", 1)
        parts += [f"## `{one.__name__}`", f"A `{parent}`; exit code {code} of the command line.", text(inspect.getdoc(one) or "")]
    return "\n\n".join(parts) + "\n"


def page_of(one: type) -> str:
    """Return the page of a class: its text, then its attributes and methods in the order of the source."""
    parts = [f"# `thecal.{place(one)}`", MADE, text(inspect.getdoc(one) or "")]
    found = fields(one)
    parts += [found] if found else []
    return "\n\n".join([*parts, *(block(member, "##") for member in members(one))]) + "\n"


def place(one: type) -> str:
    """Return the public name of a class."""
    return ("aio." if one.__module__ == thecal.api.aio.__name__ else "") + one.__name__


def members(one: type) -> list[Any]:
    """Return the public methods and properties of a class and of its parts."""
    found = {name: member for part in one.__mro__ if part.__module__.startswith("thecal.api") for name, member in vars(part).items()}
    return [member for name, member in found.items() if not name.startswith("_") and (callable(member) or isinstance(member, property))]


def block(member: Any, head: str) -> str:
    """Return heading, signature and text of a function, method or property."""
    if isinstance(member, property):
        name = member.fget.__name__ if member.fget else ""
        return f"{head} `{name}`\n\n{text(inspect.getdoc(member) or '')}"
    return f"{head} `{member.__name__}`\n\n```python\n{signature(member)}\n```\n\n{text(inspect.getdoc(member) or '')}"


def signature(member: Any) -> str:
    """Return the signature as in the source, without `self`, one parameter a line if it is long."""
    made = inspect.signature(member)
    parts: list[str] = []
    for one in made.parameters.values():
        if one.name == "self":
            continue
        if one.kind is inspect.Parameter.KEYWORD_ONLY and "*" not in parts:
            parts.append("*")
        default = "" if one.default is inspect.Parameter.empty else " = " + shown(one.default)
        parts.append(f"{one.name}: {one.annotation}{default}")
    name = ("await " if inspect.iscoroutinefunction(member) else "") + member.__name__
    line = f"{name}({', '.join(parts)}) -> {made.return_annotation}"
    return line if len(line) <= LINE_LETTERS else f"{name}(\n    " + ",\n    ".join(parts) + f",\n) -> {made.return_annotation}"


def shown(default: object) -> str:
    """Return a default as it is written: texts in double quotes."""
    return json.dumps(default) if isinstance(default, str) else repr(default)


def fields(one: type) -> str:
    """Return the attributes of a data class with their types; "" for any other class."""
    if not (is_dataclass(one) or hasattr(one, "_fields")):
        return ""
    rows = [f"- `{name}: {kind}`" for name, kind in kinds(one)]
    return "\n".join(["Attributes:", "", *rows])


def kinds(one: type) -> list[tuple[str, str]]:
    """Return (name, type as text) of each attribute."""
    return [(name, getattr(kind, "__forward_arg__", str(kind))) for name, kind in one.__annotations__.items()]


def text(doc: str) -> str:
    """Return a docstring as Markdown: it is Markdown already."""
    return doc.strip()


def summary(one: Any) -> str:
    """Return the first sentence of a docstring."""
    return " ".join((inspect.getdoc(one) or "").split("\n\n")[0].split()).split(". ")[0].rstrip(".:")


def main() -> int:
    """Write the pages that changed, and remove the ones that have no class any more."""
    wanted = pages()
    FOLDER.mkdir(exist_ok=True)
    for name, content in wanted.items():
        (FOLDER / name).write_text(content, encoding="utf-8")
    for file in FOLDER.glob("*.md"):
        if file.name not in wanted:
            file.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
