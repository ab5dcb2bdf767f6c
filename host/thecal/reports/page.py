"""Build one offline HTML page from a template: it contains everything it shows, and it prints well."""

from __future__ import annotations

from typing import Any

from thecal.files.resources import DATA
from thecal.terminal.console import printable


def page(template: str, values: dict[str, Any]) -> str:
    """Render `template` of the data folder with `values`; text is escaped, and printable but for its line ends."""
    import jinja2

    loader = jinja2.FileSystemLoader(DATA)
    environment = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=seen
    )
    return environment.get_template(template).render(values)


def seen(value: Any) -> Any:
    """Remove letters that hide others or reverse a line."""
    return "\n".join(map(printable, value.split("\n"))) if type(value) is str else value


def markup(made: str) -> Any:
    """Return text of ours that is HTML already: a picture, or the colours. It must not hold a text from outside that is not escaped."""
    from markupsafe import Markup

    return Markup(made)
