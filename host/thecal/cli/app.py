"""The command line: it names the verbs, and converts our errors to two lines and an exit code."""

from __future__ import annotations

import errno
import io
import os
import re
import sys
from contextlib import suppress
from functools import cache
from typing import Any

import typer

from thecal.cli.lazy_checks import defer_checks
from thecal.cli.options import AsJson, DryRun, Port, Yes
from thecal.cli.pages import Verb, Verbs
from thecal.cli.verbs import GROUPS, VERBS
from thecal.errors import BadInput, Failed, Interrupted, ThecalError
from thecal.terminal.complaint import report

ABOUT = "Program and watch a thecal bench pump. A bench instrument: never connect it to a person or an animal."
EXITS = "Exit codes: 0 done, 1 refused or failed, 2 usage or bad file, 3 no pump, 4 link lost (outcome unknown), 5 in alarm."

# the exit codes of a shell for Ctrl-C, and for a reader of the pipe that has ended
INTERRUPTED, READER_GONE = 130, 141
HELP = ["-h", "--help"]
USAGE_ERROR: Any = typer.BadParameter.__mro__[1]  # the parser's own class, which typer does not name


def show_version(wanted: bool) -> None:
    if wanted:
        from thecal.files.version import __version__

        print(__version__)
        raise typer.Exit


def asked(words: list[str]) -> str:
    """Return the verb that was typed first, "page" if only the list of verbs will be printed, otherwise "all"."""
    if "_THECAL_COMPLETE" in os.environ:  # the shell asks what may follow
        return "all"
    if not words or (len(words) == 1 and words[0] in HELP):
        return "page"
    return words[0] if words[0] in VERBS and words[0] != "help" else "all"


def build(asked: str = "all") -> typer.Typer:
    """Return the application, with one command per verb, or with that of one verb. For the "page" the commands have no options, because
    typer takes 25 ms to look at all of them."""
    app = typer.Typer(
        cls=Verbs,
        epilog=EXITS,
        no_args_is_help=True,
        rich_markup_mode=None,  # plain help: importing rich would cost half of the start
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": HELP},
    )
    app.callback(help=ABOUT)(top)
    for title, verbs in GROUPS.items():
        for name, verb in verbs.items():
            if asked in ("all", "page", name):
                app.command(name, cls=Verb, rich_help_panel=title, help=verb.__doc__)(no_options if asked == "page" else verb)
    return app


def no_options() -> None:
    """Stand for a verb on the page of `thecal`, which shows its summary alone."""


def top(
    port: Port = None,
    as_json: AsJson = False,
    yes: Yes = False,
    dry_run: DryRun = False,
    version: bool = typer.Option(False, "--version", help="Print the version.", callback=show_version, is_eager=True),
) -> None:
    """Take the options that most verbs have; those before the verb are moved behind it (`Verbs`)."""


def main() -> int:
    """Run the command line of this process. Returns the exit code; errors that are not ours keep their traceback."""
    safe_streams()
    as_json = "--json" in sys.argv
    try:
        code = run(as_json)
        sys.stdout.flush()
    except KeyboardInterrupt:
        print("thecal: interrupted; `thecal status` shows what the pump does", file=sys.stderr)
        code = INTERRUPTED
    except BrokenPipeError:
        code = READER_GONE
    except SystemExit as end:  # typer's way out of a broken pipe
        if not isinstance(end.__context__, BrokenPipeError):
            raise
        code = READER_GONE
    except OSError as error:
        if error.errno in (errno.ENAMETOOLONG, errno.ELOOP):
            report(BadInput(f"this file name can't be used: {error.strerror}", "name a file with a shorter path"), as_json)
            return BadInput.exit_code
        if error.errno not in (errno.ENOSPC, errno.EIO, errno.EBADF, errno.EINVAL):
            raise
        report(Failed(f"the output can't be written: {error.strerror}", "correct that, then run the command again"), False)
        code = Failed.exit_code
    if code:
        silence_stdout()
    return code


def run(as_json: bool) -> int:
    """Return the verb's exit code; report the user's errors."""
    try:
        check_words()
        code = int(parser(asked(sys.argv[1:]))(prog_name="thecal", standalone_mode=False) or 0)
        if code == INTERRUPTED:  # typer's code for Ctrl-C
            raise KeyboardInterrupt
        return code
    except ThecalError as error:
        report(error, as_json)
        return error.exit_code
    except Interrupted as end:
        with suppress(OSError):  # the terminal may have gone
            report(end, as_json)
        return end.exit_code
    except USAGE_ERROR as error:
        if len(sys.argv) == 1:  # `thecal` alone: the error text is its help
            print(error.format_message())
            return BadInput.exit_code
        usage = usage_error(error)
        report(usage, as_json)
        return usage.exit_code
    except typer.Abort:
        print("thecal: aborted, nothing was changed", file=sys.stderr)
        return Failed.exit_code


@cache
def parser(asked: str = "all") -> Any:
    """Return the parser of the command line, for what was `asked`. That of all verbs takes 40 ms to make, so a process makes it once."""
    command = typer.main.get_command(build(asked))
    defer_checks(command)
    return command


def check_words() -> None:
    """Raise BadInput for an argument, or a variable of ours, that is not text in this system's encoding."""
    ours = {name: value for name, value in os.environ.items() if name.startswith("THECAL_")}
    for what, word in (*(("an argument", word) for word in sys.argv[1:]), *ours.items()):
        if not word.isascii() and any("\ud800" <= letter <= "\udfff" for letter in word):
            shown = word.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
            raise BadInput(f'{what} is not text in UTF-8: "{shown[:60]}"', "type it in UTF-8; rename a file whose name is not UTF-8")


def usage_error(error: Any) -> BadInput:
    """Convert an error of the command line parser to BadInput; `do` names similar words, and the verb's help."""
    said = " ".join(str(error.format_message()).split())
    found = re.fullmatch(r"(.*?)\.?(?: Did you mean (.*)\?| \(Possible options: (.*)\)\.?)?", said)
    cause, near = (found.group(1), found.group(2) or found.group(3)) if found else (said, "")
    negative = re.fullmatch(r"No such option: (-[0-9.].*)", cause)
    if negative:
        typed = next((word for word in sys.argv[1:] if word.startswith(negative.group(1))), negative.group(1))
        return BadInput(f'"{typed[:40]}" is negative', "write a value of zero or more")
    wrong = typed_value(getattr(error, "param", None))
    if wrong and "Invalid value" in cause:
        cause = re.sub(r"Invalid value for '(.*?)': Input", f"{wrong}:", cause)
    words = getattr(error.ctx, "command_path", "thecal") if error.ctx else "thecal"
    return BadInput(cause, (f"did you mean {near}? " if near else "") + f"`{words} --help` lists the commands and options")


def typed_value(parameter: Any) -> str:
    """Return "--from x" as typed, for an option with a wrong value."""
    for option in getattr(parameter, "opts", None) or ():
        for word, following in zip(sys.argv, [*sys.argv[1:], ""]):
            if word == option:
                return f"{option} {following[:40]}"
            if word.startswith(option + "="):
                return word[:60]
    return ""


class Nowhere(io.TextIOBase):
    """A stream that drops its output."""

    def write(self, text: str) -> int:
        return len(text)


def safe_streams() -> None:
    """Make the streams safe: a closed stdout or stderr drops its output, and a letter that the terminal lacks is written as its code.
    Input that is not text never answers a question with yes."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Nowhere())
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    if hasattr(sys.stdin, "reconfigure"):
        sys.stdin.reconfigure(errors="replace")


def silence_stdout() -> None:
    """Drop buffered output, so that it does not fail again when the interpreter closes stdout."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        with open(os.devnull, "w", encoding="utf-8") as nowhere:
            os.dup2(nowhere.fileno(), sys.__stdout__.fileno() if sys.__stdout__ else 1)
