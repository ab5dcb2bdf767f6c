"""Write output files of a verb: never overwrites without --force, and checks every file before it reads from a pump."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

from thecal.errors import BadInput, Failed
from thecal.files import extras
from thecal.terminal.console import talk

STDOUT = "-"


def check_free(files: list[Path], force: bool) -> None:
    """Raise BadInput if a file exists already, is a folder, or is named twice; Failed if its folder is missing."""
    named = [file for file in files if str(file) != STDOUT]
    for file in named:
        if named.count(file) > 1:
            raise BadInput(f"{file} is named twice", "name a different file for each output")
        if file.is_dir():
            raise BadInput(f"{file} is a folder", "name a file")
        if not file.parent.is_dir():
            raise Failed(f"{file} can't be written: there is no folder {file.parent}", "make the folder, or name another file")
        if file.exists() and not force:
            raise BadInput(f"{file} exists already", "name another file, or add --force to overwrite it")


def check_picture(file: Path | None, force: bool) -> None:
    """Check the file of a picture as `check_free` does. Raises Failed if pictures cannot be drawn here."""
    if file is not None:
        check_free([file], force)
        extras.require_drawing()


def write(content: str | bytes, file: Path) -> None:
    """Write the whole file as UTF-8, lines unchanged; "-" is stdout. Raises Failed if that is impossible."""
    if str(file) == STDOUT:
        if isinstance(content, str):
            sys.stdout.write(content)
        else:
            sys.stdout.buffer.write(content)
        return
    try:
        if file.is_fifo():
            os.close(os.open(file, os.O_WRONLY | os.O_NONBLOCK))  # without a reader: an error now, where a plain open waits for ever
        file.write_bytes(content.encode() if isinstance(content, str) else content)
    except OSError as error:
        why = "no program reads from it" if error.errno == errno.ENXIO else error.strerror
        raise Failed(f"{file} can't be written: {why}", "name a file in a folder you may write to") from error
    talk(f"wrote {file}")
