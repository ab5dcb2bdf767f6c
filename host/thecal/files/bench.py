"""Read and check a bench file (TOML): the pump's part as sorted JSON, the rest for people and drawings."""

import json
import re
from pathlib import Path
from typing import Any

from pumpcore.bench import bench as pump
from pumpcore.bench import sensors
from pumpcore.bench.bench import BenchError
from thecal.errors import BadInput
from thecal.files import toml_file

Bench = dict[str, Any]

# Tables for buying and wiring; the pump never receives them.
FOR_PEOPLE = ("parts", "wiring", "board", "measured")
FILE = toml_file.Kind("a bench file", "name a bench file, such as one of hardware/*.toml")


def read_bench(file: Path) -> Bench:
    """Return the tables of a bench file. Raises BadInput if it can't be read, is not TOML, or is not a valid bench."""
    bench = read_tables(file)
    try:
        checked(bench)
    except BenchError as error:
        raise BadInput(f"{file}: {error}", remedy(str(error))) from None
    return bench


def checked(bench: Bench) -> pump.Bench:
    """Return the pump's part, checked with the sensors that it may reserve. Raises BenchError."""
    return sensors.read(for_pump(bench))


def read_tables(file: Path) -> Bench:
    """Return the tables unchecked. Raises BadInput if the file can't be read or is not TOML."""
    return toml_file.read(file, FILE)


def remedy(said: str) -> str:
    """Return the remedy for a complaint of the pump's schema: a similar known key, or the page that explains the keys."""
    unknown = re.match(r"(?:\w+\.)?(\S+) is not a key of [^:]*(?:: it takes (.*))?", said)
    known = (unknown.group(2).split(", ") if unknown.group(2) else [*pump.KEYS, pump.SENSORS, *FOR_PEOPLE]) if unknown else []
    near = toml_file.suggestion(unknown.group(1), known) if unknown else ""
    return f"{near or 'correct the bench file;'} hardware/README.md explains its keys"


def for_pump(bench: Bench) -> Bench:
    """Return the tables for the pump."""
    return {name: value for name, value in bench.items() if name not in FOR_PEOPLE}


def payload(bench: Bench) -> bytes:
    """Return the bytes of the pump's bench slot, as plain UTF-8: MicroPython does not join the halves of an escaped character."""
    return json.dumps(for_pump(bench), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def bench_file(bench: str, kind: str = "sim-*") -> Path:
    """Return a bench by its name in the hardware folder, or by its path; `kind`: pattern of the names in an error."""
    from thecal.files.resources import hardware_folder

    named = hardware_folder() / f"{bench}.toml"
    path = named if named.is_file() else Path(bench)
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in hardware_folder().glob(f"{kind}.toml")))
        raise BadInput(f"{bench} is neither a bench name nor a file", f"known are {known}")
    return path
