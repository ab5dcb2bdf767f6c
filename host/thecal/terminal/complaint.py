"""Print an error in two lines, or as JSON."""

from __future__ import annotations

import sys

from thecal.errors import Interrupted, ThecalError
from thecal.terminal.console import emit_json, printable
from thecal.terminal.folding import folded

INDENT = len("thecal: ")


def report(error: ThecalError | Interrupted, as_json: bool) -> None:
    """Print cause and remedy on stderr; as JSON on stdout if the caller reads JSON."""
    if as_json:
        emit_json(error.as_dict())
        return
    print(folded(f"thecal: {printable(error.cause)}", INDENT, sys.stderr), file=sys.stderr)
    if error.do:
        print(folded(" " * INDENT + printable(error.do), INDENT, sys.stderr), file=sys.stderr)
