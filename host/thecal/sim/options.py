"""The options of a simulated pump besides bench, seed and flash."""

from dataclasses import dataclass
from pathlib import Path

from thecal.sim.ports import LOOPBACK
from thecal.sim.world.balance import BalanceOptions

HEAP_BYTES = 32 << 20
HEAP_LIMIT_BYTES = 512 << 20  # larger ones are limited: MicroPython counts its bits in 32 bits
COLLECTORS = ("needed", "always", "never")


@dataclass(frozen=True)
class Options:
    """`virtual`: time moves only by `advance`. `flash_time`: none, typical or worst. `record_flash`: keep every
    flash operation for `images_after_each_operation`. `firmware`: folder to build the image from when none is given.
    `host`: the address of this computer on which the pump's socket is open; all others stay on 127.0.0.1.
    `balance`: one that stands under the outlet, with a port of its own. `head`: a simulated head as `thecal sim --head` reads it
    (world/head_text.py), None for an even tube. `record_volume`: keep all of the head's moves for `delivered_series_nl`.
    `rotor_sensor`: an AS5600 at the rotor, also if the bench names none.
    `clock_utc_s`: what the bench's clock chip shows at first.
    `heap_bytes`, `collector` (needed, always, never): the memory of MicroPython, and whether it is collected between two turns of the
    firmware's loop (firmware/hal/sim/system.py). `loud`: what the firmware prints when it fails goes to this process's standard error.
    """

    virtual: bool = False
    flash_time: str = "none"
    record_flash: bool = False
    firmware: Path | None = None
    host: str = LOOPBACK
    balance: BalanceOptions | None = None
    head: str | None = None
    record_volume: bool = False
    rotor_sensor: bool = False
    clock_utc_s: int | None = None
    heap_bytes: int = HEAP_BYTES
    collector: str = "needed"
    loud: bool = True
