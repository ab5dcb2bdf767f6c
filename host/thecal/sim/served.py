"""One simulated pump as it is served: ports, control port, and its flash in a file."""

import sys
import threading
import time
from pathlib import Path
from typing import Any

from thecal.errors import BadInput
from thecal.sim import clock_file
from thecal.sim.control import ControlServer
from thecal.sim.errors import SimulatorError
from thecal.sim.guest import image
from thecal.sim.guest.flash import SIZES_BYTES
from thecal.sim.runner import SimulatedPump

Facts = dict[str, Any]
RESTART = "start it again with the same `thecal sim` command; the pump sees a power cut"


class Served:
    """A running simulator: pump, control port, image file. `name`: of the pump, when it was started."""

    def __init__(self, bench: Path, seed: int, image_file: Path | None, **pump_options: Any) -> None:
        self._bench = bench
        self._image_file = image_file
        self._has_balance = pump_options.get("balance") is not None
        self._virtual = bool(pump_options.get("virtual"))
        self._speed = None if self._virtual else pump_options.get("speed") or 1.0
        stored = load_image(image_file, pump_options.get("firmware"))
        self.name = image.pump_name(stored) if stored else ""
        pump_options["clock_utc_s"] = self._clock_of(image_file) if stored and image_file else None
        self.pump = SimulatedPump(bench, seed, stored, loud=False, **pump_options)
        self._saving = threading.Lock()
        self._saved_operations, self._saved_s, self._complaint = -1, 0.0, ""
        self.pump.supply.on_loss = self.keep
        self._control = ControlServer(self.pump)

    def _clock_of(self, image_file: Path) -> int | None:
        """Return the time of the bench's clock chip at the start of the simulator."""
        try:
            return clock_file.load(image_file, None if self._virtual else int(time.time()))
        except ValueError as damaged:
            print(f"{damaged} is damaged: the simulated clock chip lost the time; `thecal start` sets it", file=sys.stderr)
            return None

    def check(self) -> None:
        """Raise SimulatorError if no firmware runs in the pump any more."""
        cause = self.pump.death()
        if cause is not None:
            raise SimulatorError(f"the simulated pump has died: {cause}", RESTART)

    def describe(self) -> Facts:
        """Return the addresses of this pump, and of its balance."""
        ports = self.pump.balance.ports if self._has_balance else None
        return {
            "port": self.pump.port_url,
            "socket": self.pump.socket_url,
            "control": self._control.address,
            "control_secret": self._control.secret,
            "balance": ports.path if ports else None,
            "balance_socket": ports.url if ports else None,
            "unique_id": self.pump.individual.unique_id,
            "seed": self.pump.individual.seed,
            "bench": str(self._bench),
            "image": str(self._image_file) if self._image_file else None,
            "virtual": self._virtual,
            "speed": self._speed,
        }

    def close(self) -> None:
        """Switch power off, save the flash, close the ports."""
        self._control.close()
        self.pump.close()
        self.save()

    def save(self) -> None:
        """Save the flash to its file. Raises SimulatorError if that fails."""
        with self._saving:
            operations = self.pump.flash_ops()
            if self._image_file is not None:
                save_image(self._image_file, self.pump.flash_image(), self.pump.clock_utc_s())
            self._saved_operations, self._saved_s = operations, time.monotonic()

    def keep(self, seldom_s: float = 0.0) -> None:
        """Save if the flash changed, every `seldom_s`, so that the pump keeps its data however this process ends. Reports an error once,
        and again at the end."""
        if self.pump.flash_ops() == self._saved_operations or time.monotonic() - self._saved_s < seldom_s:
            return
        try:
            self.save()
        except SimulatorError as error:
            if error.cause != self._complaint:
                print(error.cause, file=sys.stderr)
            self._complaint = error.cause


def load_image(file: Path | None, firmware: Path | None) -> bytes | None:
    """Return the flash of the last run; None without a file."""
    if file is None or not file.exists():
        return None
    flash = file.read_bytes()
    if len(flash) not in SIZES_BYTES:
        raise BadInput(f"{file}: a flash image has {SIZES_BYTES[0]} bytes, this file has {len(flash)}", "name another file")
    if image.read_file(flash, image.MANIFEST_PATH) != image.manifest_of(firmware):
        print(f"{file} contains the firmware of another version, and runs it (delete the file to start a new pump)", file=sys.stderr)
    return image.grown(flash)


def save_image(file: Path, flash: bytes, clock_utc_s: int | None = None) -> None:
    """Replace the file in one step, after the clock chip's. Raises SimulatorError if one of them can't be written."""
    fresh = file.with_name(file.name + ".new")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        clock_file.save(file, clock_utc_s, int(time.time()))
        fresh.write_bytes(flash)
        fresh.replace(file)
    except OSError as error:
        raise SimulatorError(f"{file}: the flash image can't be written: {error.strerror}", "name another file") from None
