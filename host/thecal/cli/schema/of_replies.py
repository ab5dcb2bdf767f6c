"""Shapes that repeat a reply: their keys, types and ranges come from the table of replies (`pumpcore.wire.replies`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, create_model

from pumpcore.wire.replies import keys

Kind = tuple[Any, ...]  # as the table of replies writes it


class Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


Made = TypeVar("Made", bound=Shape)
# the shape of each kind of object that has one
_SHAPES: list[tuple[Kind, type[Shape]]] = []
_TEXTS = ("text", "hex", "hex_or_empty", "file_name", "packed")


def repeats(*kinds: Kind, without: str = "") -> Callable[[type[Made]], type[Made]]:
    """Give a shape every key of these kinds that it does not write itself. A key is required if each kind has it and it is not among
    `without`, the keys that a reply of this version may lack. The shapes of nested objects must stand before."""
    tables: list[dict[str, Kind]] = [keys(kind) for kind in kinds]

    def filled(shape: type[Made]) -> type[Made]:
        fields: dict[str, Any] = {}
        for name in dict.fromkeys(name for table in tables for name in table):
            found = [table[name] for table in tables if name in table]
            kind, required = _widest(found), len(found) == len(tables) and name not in without.split()
            if name not in shape.model_fields:
                fields[name] = (_type(kind), ...) if required else (_type(kind) | None, None)
        made: type[Made] = create_model(shape.__name__, __base__=shape, __doc__=shape.__doc__, __module__=shape.__module__, **fields)
        _SHAPES.append((kinds[0], made))
        return made

    return filled


def _widest(kinds: list[Kind]) -> Kind:
    """Return the kind that takes the values of all of these: of integers the widest range, else the first."""
    if kinds[0][0] != "whole":
        return kinds[0]
    return "whole", min(kind[1] for kind in kinds), max(kind[2] for kind in kinds)


def _type(kind: Kind) -> Any:
    """Return the type of a key's values, with the range of an integer."""
    word = kind[0]
    if word == "whole":
        return Annotated[int, Field(ge=kind[1], le=kind[2])]
    if word in _TEXTS:
        return str
    if word == "flag":
        return bool
    if word == "maybe":
        return _type(kind[1]) | None
    if word == "many":
        return list[_type(kind[1])]  # type: ignore[misc]
    return next(shape for known, shape in _SHAPES if known is kind)
