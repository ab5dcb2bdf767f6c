"""Where the device scenarios run: the simulator, the emulated RP2040, or a board on a serial port. Tolerances belong to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from support.rig.uf2 import find_uf2

FIRST_LATE_BROWN_OUT = 15
NO_UF2 = "no stock MicroPython UF2 for RPI_PICO (name one by THECAL_UF2, or put it in the user's cache folder)"


@dataclass(frozen=True)
class Target:
    """`port` is a serial port or URL for a board; `unusable` says why nothing can run there.

    Abilities: `plant`: the motor's true steps. `virtual_time`: time moves only for `run_for` and for answers. `free_time`: an hour and a
    thousand commands cost next to nothing. `instant_commands`: a command takes no pump time. `power_cut`. `flash_operations`: cuts at a
    numbered operation. `new`: every scenario finds a newly flashed pump with its own bench. `socket`: a second port. `real_time`: it can
    keep up with the wall clock. `prompt`: maintenance gives MicroPython's prompt.
    """

    kind: str  # "sim", "emu" or "board"
    port: str = ""
    capabilities: frozenset[str] = frozenset()
    booted_s: float = 0.2  # from power to the first turn of the loop, self test included
    reply_timeout_s: float = 10.0  # of the wall clock; the emulated chip computes twenty times slower than a real one
    step_tolerance: int = 0  # true steps against reported ones while it runs: commands take time on a chip
    stop_tolerance_ms: int = 200  # from the last byte of `stop` to the last step, at speed 1
    stop_command_s: float = 3.0  # the whole `thecal stop`, median, beside other tests; 1 s on an otherwise idle machine
    unusable: str = ""

    def brown_out_s(self, number: int) -> float:
        """Return how long the power stays on in the nth of twenty brown-outs.

        Mostly it is the first moments of a boot, where a chip has not reached our code; the last five are anywhere in the second half of
        the boot, where the flash is written.
        """
        late = number - FIRST_LATE_BROWN_OUT
        return 0.007 * number if late < 0 or self.kind == "sim" else self.booted_s * (0.5 + 0.04 * late)

    @property
    def name(self) -> str:
        return self.port or self.kind

    def pump(self, bench: dict[str, Any], seed: int, options: dict[str, Any]) -> Any:
        """Return a pump with power on; its interface is that of thecal.sim.runner.SimulatedPump."""
        if self.kind == "emu":
            from support.emulator.pump import EmulatedPump

            return EmulatedPump(bench, seed, **options)
        if self.kind == "board":
            from support.rig.real_board import RealBoard

            return RealBoard(self.port)
        from thecal.sim.runner import SimulatedPump

        if not {"image", "firmware"}.intersection(options):
            options = {**options, "image": _new_image(bench, seed)}
        return SimulatedPump(bench, seed, **options)

    def changed_image(self, bench: dict[str, Any]) -> bytes:
        """Return the flash of a pump with this bench, with one file that differs from the manifest."""
        if self.kind == "emu":
            from support.emulator.image import commissioned
            from support.rig.benches import for_the_chip

            return commissioned(for_the_chip(bench), changed=True)
        from thecal.files.resources import firmware_folder
        from thecal.sim.guest.image import build

        file = "/app/wire/handlers/alarms.py"
        return build(firmware_folder(), bench, {file: (firmware_folder() / file[1:]).read_bytes() + b"\n"})


def _new_image(bench: dict[str, Any], seed: int) -> bytes:
    """Return the flash of a new pump, made once: hundreds of scenarios begin with the same one."""
    from thecal.files.resources import firmware_folder
    from thecal.sim.guest.image import build

    key = repr((sorted(bench.items()), seed))
    if key not in _images:
        _images[key] = build(firmware_folder(), bench, seed=seed)
    return _images[key]


_images: dict[str, bytes] = {}


SIMULATOR = Target(
    "sim",
    capabilities=frozenset(
        ("virtual_time", "free_time", "instant_commands", "power_cut", "plant", "flash_operations", "new", "socket", "real_time")
    ),
)


def choose(name: str) -> Target:
    """Return the target of `--target sim|emu|PORT`."""
    if name == "sim":
        return SIMULATOR
    if name != "emu":
        return Target("board", port=name)
    capabilities = frozenset(("virtual_time", "power_cut", "plant", "new", "socket", "prompt"))
    return Target("emu", "", capabilities, booted_s=5.0, reply_timeout_s=240.0, step_tolerance=12, unusable="" if find_uf2() else NO_UF2)


class Chosen:
    """The target of this run; set once by conftest, before anything is collected."""

    target: Target = SIMULATOR
