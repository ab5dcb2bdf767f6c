"""`thecal help [VERB]`: the page of a verb, of all verbs, or the whole manual for `man`."""

from typing import Annotated

import typer

from thecal.cli.complete import verbs
from thecal.terminal.console import emit_json


def help_of(
    ctx: typer.Context,
    verb: Annotated[str | None, typer.Argument(metavar="VERB", help="The verb to explain.", autocompletion=verbs)] = None,
    manual: Annotated[bool, typer.Option("--man", help="Print all pages as one manual page in roff.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the groups with their verbs and summaries, or a verb's page.")] = False,
) -> None:
    """Explain a verb, with examples."""
    from thecal.cli import pages

    top = ctx.find_root()
    if manual:
        from thecal.cli.manual import page

        print(page(top), end="")
    elif as_json:
        emit_json(pages.described(top, verb))
    else:
        print(pages.of(top, verb), end="")
