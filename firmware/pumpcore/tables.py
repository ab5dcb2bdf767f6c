"""Checked reading of decoded tables: whole numbers, texts, one of a list, known keys. Errors name the key as `table.key`."""

if 0:  # for the type checker alone
    from pumpcore.shapes import Json


class BenchError(ValueError):
    """A bench that is not complete or out of range; the text names the key."""


def _wrong(table: dict, name: str, must: str) -> BenchError:
    """Names the key, what it must be, and what it is."""
    key = name.split(".")[-1]
    return BenchError("%s %s, %s" % (name, must, "not " + _shown(table[key]) if key in table else "and is missing"))


def _shown(value: "Json") -> str:
    """A value in the words of both Pythons, which write floats and texts differently."""
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) is int:
        return "%d" % value if -(1 << 63) < value < 1 << 64 else "a number of more than 64 bits"
    if type(value) is str:
        return '"' + value[:40] + '"'
    return {float: "a number with a point", list: "a list", dict: "a table"}.get(type(value), "something else")


def integer(table: dict, name: str, low: int, high: int) -> int:
    """The whole number under the last part of `name`, `low` to `high` inclusive."""
    value = table.get(name.split(".")[-1])
    if type(value) is not int or not low <= value <= high:
        raise _wrong(table, name, "must be a whole number from %d to %d" % (low, high))
    return value


def text(table: dict, name: str) -> str:
    """The text under the last part of `name`, 1 to 40 characters."""
    value = table.get(name.split(".")[-1])
    if type(value) is not str or not 0 < len(value) <= 40:
        raise _wrong(table, name, "must be a text of 1 to 40 characters")
    return value


def one_of(table: dict, name: str, choices: tuple[str, ...]) -> str:
    """The text under the last part of `name`, which must be one of `choices`."""
    value = table.get(name.split(".")[-1])
    if type(value) is not str or value not in choices:
        raise _wrong(table, name, "must be one of " + ", ".join(choices))
    return value


def subtable(table: dict, key: str, keys: tuple[str, ...]) -> dict:
    """The table under `key`, which must hold nothing but `keys`."""
    value = table.get(key)
    if type(value) is not dict:
        raise BenchError("[%s] is missing" % key)
    for name in value:
        if name not in keys:
            raise BenchError("%s.%s is not a key of this bench: it takes %s" % (key, name, ", ".join(keys)))
    return value
