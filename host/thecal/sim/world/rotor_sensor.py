"""A simulated AS5600 at the rotor: a magnet on the axis, twelve bits a turn, and what can go wrong with chip, magnet and bus.

Registers, bits and the pointer's rule are of the data sheet (AS5600, ams, v1-06). The chip samples every 150 us. Nonlinearity is a tilted,
off-centre magnet: one and two waves a turn. By seed and time, however often it is read.
"""

from __future__ import annotations

import math

from thecal.sim.errors import SimulatorError, WasiError
from thecal.sim.world.rotor import Rotor

ADDRESS = 0x36
FAULTS = ("none", "magnet_lost", "magnet_weak", "magnet_strong", "frozen", "bus_held", "bus_stuck", "absent")
_ZPOS, _CONF, _STATUS, _RAW_ANGLE, _ANGLE, _AGC, _MAGNITUDE = 0x01, 0x07, 0x0B, 0x0C, 0x0E, 0x1A, 0x1B
# the pointer stays on these when it was set to their first byte
_REPEATED = (_RAW_ANGLE, _ANGLE, _MAGNITUDE)
_WRITABLE = range(_ZPOS, _CONF + 2)
_DETECTED, _WEAK, _STRONG = 1 << 5, 1 << 4, 1 << 3
# STATUS, AGC (0 to 128 at 3.3 V), MAGNITUDE
_FIELD = {"magnet_lost": (_WEAK, 128, 3), "magnet_weak": (_DETECTED | _WEAK, 128, 400), "magnet_strong": (_DETECTED | _STRONG, 0, 3_800)}
_GOOD_FIELD = (_DETECTED, 64, 1_900)
_COUNTS = 4096
_SAMPLE_NS = 150_000
_NOISE_DEG, _WEAK_NOISE_DEG = 0.05, 0.5
_MOST_BENT_DEG = 1.0
_IO_ERROR, _TIMED_OUT = 29, 73
# what MicroPython's I2C waits for a clock line that does not rise
BUS_TIMEOUT_NS = 50_000_000


class RotorSensor:
    """One chip on the rotor. `reverse`: it counts down while the motor turns forward. Times are true ns."""

    def __init__(self, rotor: Rotor, reverse: bool = False) -> None:
        self.fault = "none"
        self._rotor, self._sign = rotor, -1 if reverse else 1
        self._written = bytearray(_CONF + 2)
        self._frozen_counts = 0
        chance = rotor.head.chance
        self._offset_deg = 360 * chance("magnet angle")
        one = 0.3 + 0.5 * chance("magnet off centre")
        self._bent_deg = (one * _MOST_BENT_DEG, (1 - one) * _MOST_BENT_DEG)
        self._bent_at = (math.tau * chance("magnet one wave"), math.tau * chance("magnet two waves"))

    def set_fault(self, kind: str, now_ns: int) -> None:
        """Set one of FAULTS: `bus_held` for good, `bus_stuck` until nine clocks, `frozen` at the present angle. Raises SimulatorError."""
        if kind not in FAULTS:
            raise SimulatorError(f"{kind!r} is not a fault of the rotor sensor", f"known are {', '.join(FAULTS)}")
        self._frozen_counts = self.counts(now_ns)
        self.fault = kind

    def counts(self, now_ns: int) -> int:
        """Return the angle as the chip measures it, 0 to 4095."""
        sample = now_ns // _SAMPLE_NS
        if self.fault == "frozen":
            return self._frozen_counts
        if self.fault == "magnet_lost":
            return int(self._rotor.head.chance(f"no magnet {sample}") * _COUNTS)
        noise_deg = _WEAK_NOISE_DEG if self.fault == "magnet_weak" else _NOISE_DEG
        shown_deg = self.bent_deg(self._rotor.degrees) + noise_deg * self._rotor.head.luck(f"sensor {sample}")
        return math.floor(shown_deg / 360 * _COUNTS) % _COUNTS

    def bent_deg(self, true_deg: float) -> float:
        """Return the angle without noise and quantum, off by mounting and nonlinearity."""
        angle = math.radians(true_deg)
        (one, two), (at_one, at_two) = self._bent_deg, self._bent_at
        bent_deg = one * math.sin(angle + at_one) + two * math.sin(2 * angle + at_two)
        return self._offset_deg + self._sign * (true_deg + bent_deg)

    def read(self, register: int, size_bytes: int, now_ns: int) -> bytes:
        """Return bytes from a register on, as the chip's pointer goes. Raises WasiError: EIO without an answer, ETIMEDOUT on a held bus."""
        self._must_answer()
        shown = self._registers(now_ns)
        if register in _REPEATED:
            pair = bytes((shown.get(register, 0), shown.get(register + 1, 0)))
            return (pair * (size_bytes // 2 + 1))[:size_bytes]
        return bytes(shown.get(register + place & 0xFF, 0) for place in range(size_bytes))

    def write(self, register: int, data: bytes) -> None:
        """Write registers; the burn commands and the others are ignored. Raises WasiError as `read` does."""
        self._must_answer()
        for place, value in enumerate(data, register):
            if place in _WRITABLE:
                self._written[place] = value

    def clock_out(self) -> None:
        """Nine clocks and a stop, by hand: a chip that was cut off in a byte lets go."""
        if self.fault == "bus_stuck":
            self.fault = "none"

    @property
    def holds_bus(self) -> bool:
        return self.fault in ("bus_held", "bus_stuck")

    def power_up(self) -> None:
        """Forget what was written, as after a power cut; a chip that hung runs again."""
        self._written = bytearray(len(self._written))
        if self.fault in ("frozen", "bus_stuck"):
            self.fault = "none"

    def _must_answer(self) -> None:
        if self.holds_bus:
            raise WasiError(_TIMED_OUT)
        if self.fault == "absent":
            raise WasiError(_IO_ERROR)

    def _registers(self, now_ns: int) -> dict[int, int]:
        counts = self.counts(now_ns)
        status, gain, magnitude = _FIELD.get(self.fault, _GOOD_FIELD)
        zero = int.from_bytes(self._written[_ZPOS : _ZPOS + 2], "big")
        shown = dict(enumerate(self._written))
        shown |= {_STATUS: status, _AGC: gain}
        for register, value in ((_RAW_ANGLE, counts), (_ANGLE, (counts - zero) % _COUNTS), (_MAGNITUDE, magnitude)):
            shown[register], shown[register + 1] = value >> 8, value & 0xFF
        return shown
