"""Parse the typed texts that several orders share."""

from __future__ import annotations

from thecal.errors import BadInput


def seconds(option: str, text: str) -> int:
    """Convert a typed duration to whole seconds; `option` names it in a message. Raises BadInput."""
    from pydantic_core import PydanticCustomError

    from thecal.prescription.fields import seconds_of

    try:
        return seconds_of(text)
    except PydanticCustomError as error:
        context = error.context or {}
        raise BadInput(f"{option}: {context.get('cause')}", str(context.get("do"))) from None


def over(text: str) -> int:
    """Return the duration of an extended bolus in seconds. Raises BadInput."""
    return seconds("--extended", text)


def check_token(text: str) -> None:
    """Raise BadInput for a text that is not a token."""
    from pumpcore.wire.messages import TOKEN_DIGITS, is_hex
    from thecal.quantities.typed import shown

    if not is_hex(text, TOKEN_DIGITS):
        raise BadInput(f"{shown(text)} is not a token", f"give the {TOKEN_DIGITS} hex digits that the order printed")
