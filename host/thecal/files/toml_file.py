"""Read a TOML file as an editor left it (byte order mark, Windows line ends), or report its error in one line."""

from __future__ import annotations

import json
import re
import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from thecal.errors import BadInput
from thecal.files import toml_bounds

FILE_MAX_BYTES = 256 * 1024
UTF8_MARK, UTF16_MARKS = b"\xef\xbb\xbf", (b"\xff\xfe", b"\xfe\xff")
# the first bytes of files that users pass by mistake
FOREIGN = (
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"%PDF", "a PDF"),
    (b"PK\x03\x04", "a spreadsheet, a document or an archive"),
    (b"\xd0\xcf\x11\xe0", "an old spreadsheet or document"),
    (b"\x1f\x8b", "a compressed file"),
    (b"UF2\n", "a UF2 firmware image"),
    (b"SQLite", "a database"),
)


class Kind:
    """The expected kind of a file: its name in sentences ("a prescription"), and how to get one."""

    def __init__(self, name: str, do: str) -> None:
        self.name = name
        self.file = name if name.endswith("file") else f"{name} file"
        self.do = do


def read(path: Path, kind: Kind) -> dict[str, Any]:
    """Return the tables of a file. Raises BadInput if it can't be read, is another kind of file, or is not TOML."""
    return tables_of(text_of(path, kind), path, kind)


def tables_of(text: str, path: Path, kind: Kind) -> dict[str, Any]:
    """Return the tables of a text; `path` names it in messages. Raises BadInput."""
    if not text.strip():
        raise BadInput(f"{path}: is empty", kind.do)
    too_much, do = toml_bounds.excess(text)
    if too_much and not is_json(text):
        raise BadInput(f"{path}: {too_much}", do)
    tables = parsed(text, path, kind)
    key, wrong = toml_bounds.odd_text(tables)
    if wrong:
        raise BadInput(f"{path}: {printable(key)[:40]}: {wrong}", "write it in plain letters, as in the example")
    return tables


def text_of(path: Path, kind: Kind) -> str:
    """Return the text of a file. Raises BadInput if it can't be read or is another kind of file."""
    return decoded(read_bytes(path, kind), path, kind)


def parsed(text: str, path: Path, kind: Kind) -> dict[str, Any]:
    """Parse the tables of a text within our bounds."""
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise BadInput(f"{path}: is not TOML: it is nested too deeply", f"name {kind.file}; {kind.do}") from error
    except ValueError as error:  # tomllib's own, and the interpreter's for a number of thousands of digits
        if is_json(text):
            raise BadInput(f"{path}: is JSON, not TOML", kind.do) from error
        line, place = named_line(str(error), text)
        raise BadInput(f"{path}: {place}is not TOML: {reason(error)}", remedy(str(error), line)) from error


def read_bytes(path: Path, kind: Kind) -> bytes:
    """Read at most FILE_MAX_BYTES; distinguish a folder, a missing and a locked file."""
    try:
        if path.exists() and not path.is_file():
            raise BadInput(f"{path}: is {'a folder' if path.is_dir() else 'not a plain file'}", f"name {kind.file}; {kind.do}")
        with open(path, "rb") as handle:
            raw = handle.read(FILE_MAX_BYTES + 1)
    except PermissionError as error:
        raise BadInput(f"{path}: can't be read: this user may not open it", "change its permissions, or copy it") from error
    except (OSError, ValueError) as error:
        words = error.strerror if isinstance(error, OSError) else error
        raise BadInput(f"{path}: can't be read: {words}", f"name {kind.file}; {kind.do}") from error
    if len(raw) > FILE_MAX_BYTES:
        raise BadInput(f"{path}: is larger than {FILE_MAX_BYTES // 1024} KiB", f"name {kind.file}; {kind.do}")
    return raw


def decoded(raw: bytes, path: Path, kind: Kind) -> str:
    """UTF-8 with or without a byte order mark, line ends of any system."""
    for begin, name in FOREIGN:
        if raw.startswith(begin):
            raise BadInput(f"{path}: is {name}, not {kind.name}", kind.do)
    if raw.startswith(UTF16_MARKS):
        raise BadInput(f"{path}: is UTF-16 text (byte 1)", 'save it as UTF-8 (in Notepad: "Save as", "Encoding")')
    try:
        text = raw.removeprefix(UTF8_MARK).decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise BadInput(f"{path}: line {line}: is not UTF-8 text (byte {error.start + 1})", "save it as plain UTF-8 text") from error
    if "\0" in text:
        raise BadInput(f"{path}: is not a text file: it contains zero bytes", f"name {kind.file}; {kind.do}")
    return text.replace("\r\n", "\n")


def is_json(text: str) -> bool:
    if text.lstrip()[0] not in "{[":
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def reason(error: ValueError) -> str:
    """Return tomllib's text; the interpreter's text about long numbers concerns its own settings."""
    if not isinstance(error, tomllib.TOMLDecodeError):
        return "a number has thousands of digits"
    return printable(re.sub(r"at line \d+, column", "at column", str(error)))


def named_line(said: str, text: str) -> tuple[str, str]:
    """Return the line of tomllib's complaint, and the begin of a message that shows it; "" if it names none."""
    place = re.search(r"at line (\d+)", said)
    lines = text.split("\n")
    if not place or int(place.group(1)) > len(lines):
        return "", ""
    line = lines[int(place.group(1)) - 1].strip()
    return line, f"line {place.group(1)}: {printable(line[:60])}: "


def remedy(said: str, line: str) -> str:
    """Return the remedy for tomllib's complaint about this line."""
    if "Cannot overwrite" in said or "Cannot declare" in said or "twice" in said:
        return "a key or table appears twice: remove one"
    if "digits" in said:
        return 'write a value with its unit in quotes: "1.5 mL/h"'
    value = line.partition("=")[2].strip()
    if re.match(r"[-+]?\d+,\d", value):
        return 'write a decimal point instead of the comma; put quotes around a value with a unit: "1.5 mL/h"'
    if re.match(r"[-+]?[\d.]+ *[a-zA-Zµμ%]", value):
        return 'put quotes around value and unit: "1.5 mL/h"'
    if value and value[0] in "\u201c\u201d\u201e\u2018\u2019\u00ab":  # curly quotes of word processors
        return 'write straight quotes: "'
    return 'correct that line; write it like: key = "text"'


def suggestion(key: str, known: list[str]) -> str:
    """Return "did you mean X?", or "" if nothing is similar."""
    near = get_close_matches(key.lower(), known, 1)
    return f"did you mean {near[0]}?" if near else ""


def printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)
