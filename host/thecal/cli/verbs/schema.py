"""`thecal schema VERB`: print the JSON Schema of a verb's --json."""

from typing import Annotated

import typer

from thecal.errors import BadInput
from thecal.terminal.console import data, emit_json


def schema(
    verb: Annotated[str | None, typer.Argument(metavar="[VERB]", help="A verb, or error (default: list them).")] = None,
) -> None:
    """Print the JSON Schema of a verb's --json output."""
    from thecal.files.toml_file import suggestion
    from thecal.schema import verbs as shapes

    if verb is None:
        data("\n".join(shapes.SHAPES))
    elif verb in shapes.SHAPES:
        emit_json(shapes.schema(verb))
    else:
        near = suggestion(verb, list(shapes.SHAPES))
        raise BadInput(f'"{verb[:40]}" prints no JSON', near or f"name one of {', '.join(shapes.SHAPES)}")
