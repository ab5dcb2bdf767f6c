"""Keeps pydantic out of the start of verbs that don't need it: typer 0.29 imports it to check any value, also a plain text.

That is half of what `thecal status` takes. With a typer that works otherwise nothing happens here.
"""

from __future__ import annotations

from typing import Any

import typer


class Lazily:
    """Replaces typer's check of one parameter: builds it only for a value that must be converted or checked."""

    def __init__(self, parameter: Any) -> None:
        self._parameter = parameter

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """Return the value as annotated. A missing value, our own default, or plain text needs no check."""
        kind = self._parameter.type_descriptor
        if value is None or (value is param.default and isinstance(value, kind.annotation)):
            return value
        if kind.annotation is str and kind.parameter_info.parser is None and isinstance(value, str):
            return value
        self._parameter._runtime_param = None
        return self._parameter.get_runtime_param().coerce(value, param=param, ctx=ctx)


def defer_checks(command: Any) -> None:
    """Give every parameter with one value of every verb the lazy check, its --help included."""
    words = command.context_settings.get("help_option_names", ["--help"])
    for verb in [command, *getattr(command, "commands", {}).values()]:
        for parameter in [*verb.params, verb.get_help_option(typer.Context(verb, help_option_names=words))]:
            if is_plain(parameter):
                parameter._runtime_param = Lazily(parameter)


def is_plain(parameter: Any) -> bool:
    """Return True if this typer checks lazily by itself, and the parameter takes one value of one class."""
    if not hasattr(parameter, "_runtime_param") or not hasattr(parameter, "type_descriptor"):
        return False
    return parameter.nargs == 1 and not parameter.multiple and isinstance(parameter.type_descriptor.annotation, type)
