"""`thecal new FILE`: write an example prescription with comments."""

from pathlib import Path
from typing import Annotated

import typer

from thecal.cli.options import AsJson
from thecal.errors import BadInput, Failed
from thecal.terminal.console import emit_json, talk


def new(file: Annotated[Path, typer.Argument(metavar="FILE", help="File to write, e.g. rx.toml.")], as_json: AsJson = False) -> None:
    """Write an example prescription with comments."""
    from thecal.files.resources import DATA

    try:
        with file.open("x", encoding="utf-8") as handle:
            handle.write((DATA / "new.toml").read_text(encoding="utf-8"))
    except FileExistsError as error:
        raise BadInput(f"{file} exists already", "name another file, or remove this one first") from error
    except OSError as error:
        raise Failed(f"{file} can't be written: {error.strerror}", "name a file in a folder you may write to") from error
    talk(f"wrote {file}; edit it, then check it with: thecal program {file} --dry-run")
    if as_json:
        emit_json({"file": str(file)})
