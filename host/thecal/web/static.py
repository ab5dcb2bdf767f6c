"""The files of the page, read once: nothing outside of page/ can be named."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import NamedTuple

TYPES = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
    "png": "image/png",
    "ico": "image/x-icon",
    "json": "application/json",
    "txt": "text/plain; charset=utf-8",
}
SECRET = '<meta name="thecal-secret" content="">'


class File(NamedTuple):
    """A file and its media type."""

    content: bytes
    media_type: str


@cache
def all_files() -> dict[str, File]:
    """Return every file of page/ of a known type, by its path below it."""
    found: dict[str, File] = {}
    waiting = [("", resources.files("thecal.web") / "page")]
    while waiting:
        prefix, folder = waiting.pop()
        for one in folder.iterdir():
            if one.is_dir():
                waiting.append((f"{prefix}{one.name}/", one))
            elif (kind := one.name.rpartition(".")[2].lower()) in TYPES:
                found[prefix + one.name] = File(one.read_bytes(), TYPES[kind])
    return found


def page(name: str, secret: str) -> str:
    """Return a page with the secret of this start in its head."""
    return all_files()[name].content.decode().replace(SECRET, SECRET.replace('""', f'"{secret}"'))
