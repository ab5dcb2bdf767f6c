"""Help pages: verbs in groups, summaries that are not cut, examples, and no line that breaks in mid-word, also at 40 columns."""

from __future__ import annotations

import re
import shutil
import textwrap
from typing import Any

import typer.core

from thecal.cli import words

WIDEST, NARROWEST = 80, 20
INDENT = 2
LONGEST_LABEL = 24  # a longer one stands on its own line
LEAST_TEXT = 24  # cells for a text next to its label; with fewer, it goes below
# of a command line: a quoted text is not cut, an option stays with its value
WORDS = re.compile(r'--?[a-z-]+ (?!-)(?:"[^"]*"|[^\s"])+|(?:"[^"]*"|[^\s"])+')

Rows = list[tuple[str, str]]


class Verb(typer.core.TyperCommand):
    """A verb: its page has examples. An option whose value is written [VALUE] may be typed without one."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the page."""
        formatter.write(verb_page(self, ctx, width_cells()))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the words after the verb."""
        return super().parse_args(ctx, words.with_values(self.params, args))


class Verbs(typer.core.TyperGroup):
    """The command `thecal`: its page lists the verbs in groups. Takes the options of the verb before the verb as well."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the page."""
        formatter.write(top_page(self, ctx, width_cells()))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse all words."""
        return super().parse_args(ctx, args if ctx.resilient_parsing else words.verb_first(self.params, args))


def width_cells() -> int:
    """Return the width of a page: that of the terminal, at most 80."""
    return max(NARROWEST, min(WIDEST, shutil.get_terminal_size().columns))


def top_page(command: Any, ctx: Any, width: int) -> str:
    """Return the page of `thecal --help`."""
    parts = [usage(ctx, width), filled(command.help or "", width)]
    for title, verbs in groups(command).items():
        rows = [(name, summary(verb)) for name, verb in verbs.items()]
        parts.append(section(title, rows, width, max(map(len, command.commands)) + INDENT))
    parts.append(section("Options, before or after the verb", options(command, ctx), width))
    parts.append(filled("`thecal help VERB` explains a verb, with examples.", width))
    parts.append(filled(command.epilog or "", width))
    return "\n\n".join(parts) + "\n"


def groups(command: Any) -> dict[str, dict[str, Any]]:
    """Return the verbs by the titles of their groups, in their order."""
    found: dict[str, dict[str, Any]] = {}
    for name, verb in command.commands.items():
        found.setdefault(verb.rich_help_panel, {})[name] = verb
    return found


def verb_page(command: Any, ctx: Any, width: int) -> str:
    """Return the page of one verb."""
    from thecal.cli.examples import EXAMPLES

    parts = [usage(ctx, width), filled(command.help or "", width)]
    arguments = [record for record in records(command, ctx, "argument") if record[1]]
    if arguments:
        parts.append(section("Arguments", arguments, width))
    parts.append(section("Options", options(command, ctx), width))
    if command.name in EXAMPLES:
        parts.append("\n".join(["Examples:", *(line for what, typed in EXAMPLES[command.name] for line in example(what, typed, width))]))
    return "\n\n".join(parts) + "\n"


def summary(command: Any) -> str:
    """Return the first sentence of a verb's help."""
    return re.split(r"(?<=\.)\s", " ".join((command.help or "").split()))[0]


def options(command: Any, ctx: Any) -> Rows:
    return records(command, ctx, "option")


def records(command: Any, ctx: Any, kind: str) -> Rows:
    found = [parameter.get_help_record(ctx) for parameter in command.get_params(ctx) if parameter.param_type_name == kind]
    return [(re.sub(" <[a-z]+>$", "", name), in_words(" ".join(text.split()))) for name, text in filter(None, found)]


def in_words(text: str) -> str:
    """Write a range as people do: typer has "[default: 30; 1<=x<=31]"."""
    between = re.sub(r"([0-9.]+)<=x<=([0-9.]+)", r"\1 to \2", text)
    return re.sub(r"x>=([0-9.]+)", r"at least \1", re.sub("(; )?x>=0(?=])", "", between)).replace(" []", "").removesuffix(" [required]")


def usage(ctx: Any, width: int) -> str:
    pieces = re.sub(r"\{(\w+)\}", r"\1", " ".join(ctx.command.collect_usage_pieces(ctx))).replace("COMMAND [ARGS]...", "VERB ...")
    first = f"Usage: {ctx.command_path}"
    return wrap(f"{first} {pieces}", width, len("Usage: "))


def section(title: str, rows: Rows, width: int, label: int = 0) -> str:
    """Return rows below their title, the texts in one column; a long label stands above its text."""
    label = label or min(max(len(row[0]) for row in rows), LONGEST_LABEL) + INDENT
    beside = width - INDENT - label >= LEAST_TEXT
    lines = [f"{title}:"]
    for name, text in rows:
        if beside and len(name) + INDENT <= label:
            lines.append(wrap(f"{' ' * INDENT}{name.ljust(label)}{text}", width, INDENT + label))
            continue
        lines.append(wrap(f"{' ' * INDENT}{name}", width, 2 * INDENT))
        indent = INDENT + label if beside else 3 * INDENT
        lines.append(wrap(" " * indent + text, width, indent))
    return "\n".join(line for line in lines if line.strip())


def example(what: str, typed: str, width: int) -> list[str]:
    """Return the lines of one example. A command that is too long goes on in the next line, as a shell reads it."""
    lines, line = [wrap(f"{' ' * INDENT}{what}:", width, INDENT)], " " * (2 * INDENT)
    for word in WORDS.findall(typed):
        if line.strip() and len(line) + 1 + len(word) + len(" \\") > width and len(f"{' ' * (2 * INDENT)}{typed}") > width:
            lines.append(f"{line} \\")
            line = " " * (3 * INDENT)
        line += f" {word}" if line.strip() else word
    return [*lines, line]


def filled(text: str, width: int) -> str:
    return wrap(" ".join(text.split()), width, 0)


def wrap(text: str, width: int, indent: int) -> str:
    """Fold a text between words, never in a word; further lines are indented."""
    begin, rest = text[: len(text) - len(text.lstrip())], " " * indent
    return textwrap.fill(
        text.strip(), width, initial_indent=begin, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    )



def of(top: Any, verb: str | None) -> str:
    """Return the page of a verb, or that of `thecal`. Raises BadInput with a similar name."""
    if verb is None:
        return top_page(top.command, top, width_cells())
    command, ctx = named(top, verb)
    return verb_page(command, ctx, width_cells())


def named(top: Any, verb: str) -> tuple[Any, Any]:
    """Return a verb's command, and its context."""
    from thecal.errors import BadInput
    from thecal.files.toml_file import suggestion

    command = top.command.commands.get(verb)
    if command is None:
        near = suggestion(verb, list(top.command.commands))
        raise BadInput(f'"{verb[:40]}" is not a verb', near or "`thecal --help` lists the verbs")
    return command, typer.Context(command, parent=top, info_name=verb)


def described(top: Any, verb: str | None) -> dict[str, Any]:
    """Return for `--json`: the verbs with their groups and summaries, or one verb with its options and examples."""
    from thecal.cli.examples import EXAMPLES

    if verb is None:
        found = groups(top.command)
        return {"groups": {title: {name: summary(one) for name, one in verbs.items()} for title, verbs in found.items()}}
    command, ctx = named(top, verb)
    shown = {kind: [{"name": name, "help": text} for name, text in records(command, ctx, kind)] for kind in ("argument", "option")}
    examples = [{"what": what, "command": typed} for what, typed in EXAMPLES.get(verb, ())]
    usage_line = " ".join(usage(ctx, 10_000).split())
    return {"verb": verb, "usage": usage_line, "help": " ".join((command.help or "").split()), **shown, "examples": examples}
