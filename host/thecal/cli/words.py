"""The words of a command line, put into the order that the parser takes."""

from __future__ import annotations

from typing import Any

ANY = ""  # the value of an option that was typed without its optional value


def verb_first(options: list[Any], args: list[str]) -> list[str]:
    """Return the words with the options before the verb moved behind it; those of `thecal` itself stay.

    `thecal --port flow-1 --json status` is `thecal status --port flow-1 --json`. The verb refuses an option that it does not have.
    """
    known = {name: option for option in options for name in option.opts}
    moved: list[str] = []
    at = 0
    while at < len(args) and args[at].startswith("-") and args[at] != "--":
        option = known.get(name_of(args[at]))
        if option is None or option.is_eager:
            return args
        behind = 1 if option.is_flag or has_value(args[at]) else 2
        moved += args[at : at + behind]
        at += behind
    if at >= len(args):
        return args
    return [args[at], *moved, *args[at + 1 :]]


def name_of(word: str) -> str:
    """Return "--port" of "--port=x", "-p" of "-px"."""
    return word.partition("=")[0] if word.startswith("--") else word[:2]


def has_value(word: str) -> bool:
    """Return True if the word contains the option's value."""
    return "=" in word if word.startswith("--") else len(word) > 2


def with_values(options: list[Any], args: list[str]) -> list[str]:
    """Return the words with an empty value behind each option that was typed without its optional value, like a bare `--cancel`."""
    optional = {name for option in options if (option.metavar or "").startswith("[") for name in option.opts if name.startswith("-")}
    if not optional:
        return args
    found: list[str] = []
    for index, word in enumerate(args):
        if word == "--":
            return found + args[index:]
        bare = word in optional and all(following.startswith("-") for following in args[index + 1 : index + 2])
        found += [word, ANY] if bare else [word]
    return found
