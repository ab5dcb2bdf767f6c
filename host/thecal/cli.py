"""The command line: names the verbs, and turns our errors into two lines and an exit code. That happens here and nowhere else."""

from __future__ import annotations

import json
import sys

import typer

from thecal.commands import VERBS
from thecal.errors import ThecalError

ABOUT = "Program and watch a thecal bench pump. A bench instrument: never connect it to a person or an animal."
EXITS = "Exit codes: 0 done, 1 refused or failed, 2 usage or bad file, 3 no pump, 4 link lost (outcome unknown), 5 in alarm."


def show_version(wanted: bool) -> None:
    if wanted:
        from thecal import __version__

        print(__version__)
        raise typer.Exit


def build() -> typer.Typer:
    """The application with one command per verb."""
    app = typer.Typer(
        epilog=EXITS,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(help=ABOUT)(top)
    for name, verb in VERBS.items():
        app.command(name)(verb)
    return app


def top(version: bool = typer.Option(False, "--version", help="Print the version.", callback=show_version, is_eager=True)) -> None:
    """Options before the verb."""


def main() -> int:
    """Run the command line of this process. Returns the exit code; errors that are not ours keep their traceback."""
    try:
        build()(prog_name="thecal")
    except ThecalError as error:
        report(error, "--json" in sys.argv)
        return error.exit_code
    return 0


def report(error: ThecalError, as_json: bool) -> None:
    """Cause, then what to do; as JSON on stdout when the caller reads JSON."""
    if as_json:
        print(json.dumps(error.as_dict(), ensure_ascii=False))
        return
    print(f"thecal: {error.cause}", file=sys.stderr)
    if error.do:
        print(f"        {error.do}", file=sys.stderr)
