"""Arrange the board's type stubs in the folder that mypy needs.

The stub packages install as loose files beside the libraries, where mypy does not look for them. mypy takes one folder that replaces its
own description of the standard library.
"""

import shutil
from importlib.metadata import files
from pathlib import Path

OWN_STUBS = Path(__file__).parent / "stubs"  # for libraries that bring none
RP2, MICROPYTHON = "rp2/__init__.pyi", "micropython.pyi"
_VIPER = "def viper(_func: Callable[{0}_Param{2}, _Ret], /) -> Callable[{1}_Param{2}, _Ret]:\n"
# Corrections of the stubs: (file, text that occurs once, its replacement), by MicroPython's documentation of rp2.DMA and rp2.asm_pio, its
# rp2.py, and its page on viper: an address may replace a pointer. Each viper function of ours takes a pointer first.
LEFT_OUT = (
    (RP2, "class DMA:\n", "class DMA:\n    read: int\n    write: int\n    count: int\n    ctrl: int\n    channel: int\n"),
    (RP2, "class _PIO_ASM_Program:\n", "class _PIO_ASM_Program:\n    def __getitem__(self, index: int, /) -> int: ...\n"),
    (RP2, "    out_init: Union[Pin, ", "    out_init: Union[tuple[int, ...], Pin, "),
    (MICROPYTHON, _VIPER.format("", "", ""), _VIPER.format("Concatenate[ptr32, ", "Concatenate[int, ", "]")),
    (MICROPYTHON, "import Awaitable, ", "import Awaitable, Concatenate, "),
)
STUB_PACKAGES = ("micropython-stdlib-stubs", "micropython-rp2-rpi_pico-stubs")


def lay_out(folder: Path) -> int:
    """Replace `folder` with the stubs of the installed packages; return the number of files."""
    shutil.rmtree(folder, ignore_errors=True)
    count = 0
    for package in STUB_PACKAGES:
        for file in files(package) or []:
            if file.parts[0].endswith(".dist-info") or file.parts[0] == "..":
                continue
            target = folder / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(str(file.locate()), target)
            count += 1
    for name, old, new in LEFT_OUT:
        text = (folder / name).read_text(encoding="utf-8")
        if text.count(old) != 1:
            raise RuntimeError(f"{name} of the stubs has not one {old.strip()!r}")
        (folder / name).write_text(text.replace(old, new), encoding="utf-8")
    shutil.copytree(OWN_STUBS, folder, dirs_exist_ok=True)
    return count
