"""Build one offline HTML page from a template: it contains everything it shows, and it prints well."""

from __future__ import annotations

import base64
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


def inline_png(picture: bytes) -> str:
    """Return the picture as a data URL."""
    return "data:image/png;base64," + base64.b64encode(picture).decode()
