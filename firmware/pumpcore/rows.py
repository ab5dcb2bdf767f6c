"""A table of many rows as one text, of which a row is read when it is asked for.

As a dictionary each row is several objects, and each word in it a name that is kept for ever. The sources have dictionaries; what is
compiled for a pump has this in the place of the large ones (`thecal.deploy.tables`). It can be asked what they are asked there.
"""

import json

if 0:  # for the type checker alone
    from pumpcore.shapes import Iterator, Json


class Rows:
    """`text`: a line feed, then for each row its key, a tab, its value in JSON, a line feed. `kind` is the type of the keys, str or
    int. A value that was a tuple comes as a list."""

    def __init__(self, text: str, kind: type[str] | type[int] = str) -> None:
        self._text = text
        self._kind = kind

    def _find(self, key: str | int) -> int:
        if type(key) is not self._kind or ("\t" in str(key)):
            return -1
        return self._text.find("\n%s\t" % key)

    def __contains__(self, key: str | int) -> bool:
        return self._find(key) >= 0

    def __getitem__(self, key: str | int) -> "Json":
        at = self._find(key)
        if at < 0:
            raise KeyError(key)
        begin = self._text.find("\t", at) + 1
        return json.loads(self._text[begin : self._text.find("\n", begin)])

    def __iter__(self) -> "Iterator[str | int]":
        for row in self._text[1:-1].split("\n"):
            yield self._kind(row[: row.find("\t")])

    def items(self) -> "Iterator[tuple[str | int, Json]]":
        """Yields (key, value)."""
        for key in self:
            yield key, self[key]
