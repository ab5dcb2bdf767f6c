"""One offline HTML page from a template: everything it shows is inside it, and it prints well."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

TEMPLATES = Path(__file__).resolve().parent.parent / "data"


def write_page(path: Path, template: str, values: dict[str, Any]) -> None:
    """Render `template` of the data folder with `values`; text is escaped."""
    import jinja2

    loader = jinja2.FileSystemLoader(TEMPLATES)
    environment = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    path.write_text(environment.get_template(template).render(values), encoding="utf-8")


def inline_png(path: Path) -> str:
    """The picture as a data URL."""
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()
