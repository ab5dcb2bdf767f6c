"""Parse option texts that several verbs share."""

from __future__ import annotations

from thecal.errors import BadInput


def seconds(option: str, text: str) -> int:
    """Convert a typed duration to whole seconds."""
    from pydantic_core import PydanticCustomError

    from thecal.prescription.fields import seconds_of

    try:
        return seconds_of(text)
    except PydanticCustomError as error:
        context = error.context or {}
        raise BadInput(f"{option}: {context.get('cause')}", str(context.get("do"))) from None


def over(text: str) -> int:
    """Return the duration of an extended bolus in seconds."""
    return seconds("--extended", text)


def check_token(text: str) -> None:
    from pumpcore.wire.messages import TOKEN_DIGITS, is_hex
    from thecal.quantities.typed import shown

    if not is_hex(text, TOKEN_DIGITS):
        raise BadInput(f"{shown(text)} is not a token", f"give the {TOKEN_DIGITS} hex digits that the order printed")


def one_port(pump: str | None, port: str | None) -> str | None:
    """Return the pump that was named as an argument or by --port. Raises BadInput if both differ."""
    if pump is not None and port is not None and pump != port:
        raise BadInput(f"{pump[:40]} and --port {port[:40]} name two pumps", "name one")
    return pump or port
