"""The manual page in roff, from the same records as the help pages."""

from __future__ import annotations

import re
from typing import Any

from thecal.cli import pages
from thecal.cli.examples import EXAMPLES

FILES = (
    ("config.toml in your configuration folder", "Your defaults; `thecal config` shows its path and sets them."),
    ("the system's keyring, or keys in your data folder", "Keys of pumps; only you can read them."),
    ("a folder of your own state", "Names and clocks of pumps, and the simulated pumps that run."),
)
VARIABLES = (
    ("THECAL_PORT, THECAL_BENCH, THECAL_LIBRARY, THECAL_UNITS, THECAL_ZONE, THECAL_KEYS", "Defaults that go before the config file's."),
    ("THECAL_CONFIG", "Path of the config file."),
    ("THECAL_RUNTIME", "Folder of names, clocks, keys and simulated pumps."),
    ("THECAL_UF2", "MicroPython image for boards without one."),
    ("COLUMNS, NO_COLOR", "Width of tables and pages; no colours."),
)


def page(top: Any) -> str:
    """Return the whole manual. `top`: the context of the command `thecal`."""
    from thecal.files.version import __version__

    command = top.command
    lines = [f'.TH THECAL 1 "" "thecal {__version__}" "User commands"', ".nh", ".ad l"]  # no words are divided
    lines += [".SH NAME", "thecal \\- program and watch a bench pump"]
    lines += [".SH SYNOPSIS", ".B thecal", "[OPTIONS] VERB ...", ".SH DESCRIPTION", text(command.help or "")]
    lines += [".SH OPTIONS", "Before or after the verb.", *terms(pages.options(command, top))]
    for title, verbs in pages.groups(command).items():
        lines.append(f".SH {title.upper()}")
        for name in verbs:
            lines += verb(*pages.named(top, name))
    lines += [".SH EXIT STATUS", text((command.epilog or "").removeprefix("Exit codes: ").capitalize())]
    lines += [".SH ENVIRONMENT", *terms(list(VARIABLES)), ".SH FILES", *terms(list(FILES))]
    return "\n".join(lines) + "\n"


def verb(command: Any, ctx: Any) -> list[str]:
    """Return the lines of one verb."""
    usage = " ".join(pages.usage(ctx, 10_000).removeprefix("Usage: ").split())
    lines = [f".SS {command.name}", f".B {text(usage)}", ".PP", text(command.help or "")]
    lines += terms([row for row in pages.records(command, ctx, "argument") if row[1]])
    lines += terms([row for row in pages.options(command, ctx) if not row[0].startswith("-h,")])
    for what, typed in EXAMPLES.get(command.name, ()):
        lines += [".PP", f"{text(what)}:", ".RS 4", ".nf", text(typed), ".fi", ".RE"]
    return lines


def terms(rows: list[tuple[str, str]]) -> list[str]:
    """Return a list of terms with their texts."""
    return [line for name, what in rows for line in (".TP", f".B {text(name)}", text(what))]


def text(plain: str) -> str:
    """Escape a text for roff: no letter of it is a command, a dash stays a dash."""
    escaped = {"\\": "\\e", "-": "\\-", "`": "\\`", "'": "\\(aq", '"': "\\(dq"}
    joined = "".join(escaped.get(letter, letter) for letter in " ".join(plain.split()))
    return re.sub(r"^(?=\.)", r"\\&", joined)
