"""The bench file: TOML read and checked once; the pump's part of it as sorted JSON, the rest for people and drawings."""

import json
import re
from pathlib import Path
from typing import Any

from pumpcore import bench as pump
from pumpcore.bench import BenchError
from thecal.errors import BadInput
from thecal.files import toml_file

Bench = dict[str, Any]

# What a person needs to buy and to wire; the pump has no use for it and never sees it.
FOR_PEOPLE = ("parts", "wiring")
FILE = toml_file.Kind("a bench file", "name a bench file, such as one of hardware/*.toml")


def read_bench(file: Path) -> Bench:
    """The tables of a bench file. BadInput when it can't be read, is not TOML, or is no bench that a pump would take."""
    bench = read_tables(file)
    try:
        pump.Bench(for_pump(bench))
    except BenchError as error:
        raise BadInput(f"{file}: {error}", remedy(str(error))) from None
    return bench


def read_tables(file: Path) -> Bench:
    """The tables as they are written, unchecked. BadInput when the file can't be read or is not TOML."""
    return toml_file.read(file, FILE)


def remedy(said: str) -> str:
    """What to do about a complaint of the pump's schema: the known key that is near, or where the keys are explained."""
    unknown = re.match(r"(?:\w+\.)?(\S+) is not a key of [^:]*(?:: it takes (.*))?", said)
    known = (unknown.group(2).split(", ") if unknown.group(2) else [*pump.KEYS, *FOR_PEOPLE]) if unknown else []
    near = toml_file.suggestion(unknown.group(1), known) if unknown else ""
    return f"{near or 'correct the bench file;'} hardware/README.md explains its keys"


def for_pump(bench: Bench) -> Bench:
    """The tables that go into the pump."""
    return {name: value for name, value in bench.items() if name not in FOR_PEOPLE}


def payload(bench: Bench) -> bytes:
    """The bytes that lie in the pump's bench slot. UTF-8 as it is: MicroPython does not join the halves of an escaped character."""
    return json.dumps(for_pump(bench), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def bench_file(bench: str, kind: str = "sim-*") -> Path:
    """A bench by its name in the hardware folder, or by its path; `kind` is the pattern of those that an error names."""
    from thecal.files.resources import hardware_folder

    named = hardware_folder() / f"{bench}.toml"
    path = named if named.is_file() else Path(bench)
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in hardware_folder().glob(f"{kind}.toml")))
        raise BadInput(f"{bench} is neither a bench name nor a file", f"known are {known}")
    return path
