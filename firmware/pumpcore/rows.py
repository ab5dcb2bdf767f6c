"""A table of many rows as one text. A row is parsed when it is looked up.

As a dictionary each row is several objects, and MicroPython keeps each of its words as a name for ever: the four large tables took 16 kB of
a pump's memory. As text they take their length.
"""

import json

if 0:  # for the type checker alone
    from pumpcore.shapes import Iterator, Json


class Rows:
    """`text`: a line feed, then for each row its key, a space, its value in JSON, a line feed. Used like a dictionary.

    `kind` is the type of the keys, str or int. A value is a list where a dictionary's would be a tuple.
    """

    def __init__(self, text: str, kind: "type[str] | type[int]" = str) -> None:
        self._text = text
        self.kind = kind

    def find(self, key: "str | int") -> int:
        if type(key) is not self.kind or " " in str(key):
            return -1
        return self._text.find("\n%s " % key)

    def __contains__(self, key: "str | int") -> bool:
        return self.find(key) >= 0

    def __getitem__(self, key: "str | int") -> "Json":
        at = self.find(key)
        if at < 0:
            raise KeyError(key)
        begin = self._text.find(" ", at) + 1
        return json.loads(self._text[begin : self._text.find("\n", begin)])

    def __iter__(self) -> "Iterator[str | int]":
        for row in self._text[1:-1].split("\n"):
            yield self.kind(row[: row.find(" ")])

    def items(self) -> "Iterator[tuple[str | int, Json]]":
        """Yield (key, value)."""
        for key in self:
            yield key, self[key]
