"""The bench file: TOML read and checked once; the pump's part of it as sorted JSON, the rest for people and drawings."""

import json
import tomllib
from pathlib import Path
from typing import Any

from pumpcore import bench as pump
from pumpcore.bench import BenchError
from thecal.errors import BadInput

Bench = dict[str, Any]

# What a person needs to buy and to wire; the pump has no use for it and never sees it.
FOR_PEOPLE = ("parts", "wiring")


def read_bench(file: Path) -> Bench:
    """The tables of a bench file. BadInput when it can't be read, is not TOML, or is no bench that a pump would take."""
    bench = read_tables(file)
    try:
        pump.Bench(for_pump(bench))
    except BenchError as error:
        raise BadInput(f"{file}: {error}", "correct the bench file; hardware/README.md explains its keys") from None
    return bench


def read_tables(file: Path) -> Bench:
    """The tables as they are written, unchecked. BadInput when the file can't be read or is not TOML."""
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"{file}: {error.strerror}", "name a bench file, such as one of hardware/*.toml") from None
    except UnicodeDecodeError:
        raise BadInput(f"{file}: not a text in UTF-8", "save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"{file}: {error}", "correct the line; it must be TOML") from None


def for_pump(bench: Bench) -> Bench:
    """The tables that go into the pump."""
    return {name: value for name, value in bench.items() if name not in FOR_PEOPLE}


def payload(bench: Bench) -> bytes:
    """The bytes that lie in the pump's bench slot. UTF-8 as it is: MicroPython does not join the halves of an escaped character."""
    return json.dumps(for_pump(bench), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
