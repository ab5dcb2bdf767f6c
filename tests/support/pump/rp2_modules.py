"""The pure parts of hal/rp2 on CPython. Words of the compiler (`viper`, `const`, `ptr32`) and classes of the chip are dummies."""

import builtins
import importlib
import sys
import types
from types import ModuleType


def _stand_ins() -> dict[str, ModuleType]:
    compiler, chip = types.ModuleType("micropython"), types.ModuleType("machine")
    compiler.viper = lambda function: function
    compiler.const = lambda value: value
    chip.I2C = chip.Pin = object
    return {"micropython": compiler, "machine": chip, "vfs": types.ModuleType("vfs")}


def load(name: str) -> ModuleType:
    """Run `hal.rp2.<name>` as plain Python and return it."""
    known = dict(sys.modules)
    stand_ins = _stand_ins()
    sys.modules.update(stand_ins)
    builtins.ptr32 = object
    try:
        return importlib.import_module(f"hal.rp2.{name}")
    finally:
        del builtins.ptr32
        for module in stand_ins:
            if module in known:
                sys.modules[module] = known[module]
            else:
                del sys.modules[module]
