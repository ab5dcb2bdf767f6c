"""The bench file as the simulator and the pump need it: TOML read once, handed to the firmware as sorted JSON."""

import json
import tomllib
from pathlib import Path
from typing import Any

from thecal.errors import BadInput

Bench = dict[str, Any]


def read_bench(file: Path) -> Bench:
    """The tables of a bench file. Whether they make sense is for the pump to say, which checks them by itself."""
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"{file}: {error.strerror}", "name a bench file, such as one of hardware/*.toml") from None
    except UnicodeDecodeError:
        raise BadInput(f"{file}: not a text in UTF-8", "save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"{file}: {error}", "correct the line; it must be TOML") from None


def payload(bench: Bench) -> bytes:
    """The bytes that lie in the pump's bench slot."""
    return json.dumps(bench, sort_keys=True, separators=(",", ":")).encode()
