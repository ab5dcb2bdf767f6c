"""firmware/main.py on CPython, with a flash that is a dictionary of files by path."""

import errno
import io
import sys
import types
from collections.abc import Mapping
from pathlib import Path

import pumpcore
from thecal.deploy.files import MANIFEST_PATH

MAIN = Path(pumpcore.__file__).parents[1] / "main.py"


def load(open_file: object) -> types.ModuleType:
    """Return the module, not run, with this `open`."""
    stand_in, known = types.ModuleType("micropython"), sys.modules.get("micropython")
    stand_in.kbd_intr = lambda byte: None
    sys.modules["micropython"] = stand_in
    try:
        module = types.ModuleType("main_of_the_firmware")
        exec(MAIN.read_text(encoding="utf-8"), module.__dict__)
    finally:
        del sys.modules["micropython"]
        if known is not None:
            sys.modules["micropython"] = known
    module.open = open_file
    return module


def checked(files: Mapping[str, bytes]) -> str:
    """The release that main.py finds, "" when it would load nothing of it, or when a hash is another one than the manifest's."""

    def opened(path: str, mode: str) -> io.BytesIO:
        if path not in files:
            raise OSError(errno.ENOENT, path)
        return io.BytesIO(files[path])

    main = load(opened)
    try:
        release, rows = main.check()
        for _ in main.hashes(rows):
            pass
        return str(release)
    except (OSError, ValueError):
        return ""


def flash_of(lying: Mapping[str, bytes], rows: bytes) -> dict[str, bytes]:
    """Return the files of a flash with this manifest."""
    return {**lying, MANIFEST_PATH: rows}
