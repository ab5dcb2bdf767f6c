"""`thecal schema VERB`: print the JSON Schema of a verb's --json."""

from typing import Annotated

import typer

from thecal.cli import complete
from thecal.errors import BadInput
from thecal.terminal.console import data, emit_json


def schema(
    verb: Annotated[
        str | None, typer.Argument(metavar="VERB", help="A verb, or error (default: list them).", autocompletion=complete.schemas)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="List them as JSON; a schema is JSON anyway.")] = False,
) -> None:
    """Print the JSON Schema of a verb's --json output."""
    from thecal.cli.schema import verbs as shapes
    from thecal.files.toml_file import suggestion

    if verb is None and as_json:
        emit_json(list(shapes.SHAPES))
    elif verb is None:
        data("\n".join(shapes.SHAPES))
    elif verb in shapes.SHAPES:
        emit_json(shapes.schema(verb))
    else:
        near = suggestion(verb, list(shapes.SHAPES))
        raise BadInput(f'"{verb[:40]}" prints no JSON', near or f"name one of {', '.join(shapes.SHAPES)}")
