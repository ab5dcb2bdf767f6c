"""The motor of a bench: which drivers there are, how fast and how finely each may step, at which level it is off."""

from pumpcore.tables import BenchError, integer, one_of, subtable

SIM = "sim"
STEP_DIR = "step_dir"
COILS = "coils"

# driver: (kind, level of the enable line at which it is off, microsteps that its straps or patterns can make, us from enable
# until it acts). The DRV8833's enable line is its nSLEEP, which takes up to 1 ms (datasheet, tWAKE). Of the A4988 and the DRV8825
# the enable line is nENABLE, not nSLEEP (1 ms, 1.7 ms), and acts within a microsecond, as those of the TMC2209 and the L298N do.
_DRIVERS = {
    "sim": (SIM, 1, tuple(range(1, 257)), 0),
    "tmc2209": (STEP_DIR, 1, (8, 16, 32, 64), 0),
    "drv8825": (STEP_DIR, 1, (1, 2, 4, 8, 16, 32), 0),
    "a4988": (STEP_DIR, 1, (1, 2, 4, 8, 16), 0),
    "drv8833": (COILS, 0, (1, 2), 1_000),
    "l298n": (COILS, 0, (1, 2), 0),
}
DRIVERS = ("sim", "tmc2209", "drv8825", "a4988", "drv8833", "l298n")
HIGHEST_HZ = {SIM: 200_000, STEP_DIR: 25_000, COILS: 2_000}
STYLE_MICROSTEPS = {"single": 1, "double": 1, "interleave": 2}

_KEYS = ("driver", "max_rate_hz", "microsteps", "coil_style", "direction", "start_rate_hz", "acceleration_hz_per_s")
_SUPPLY_KEYS = ("supply_full_scale_mv", "supply_low_mv")
_DIRECTIONS = ("forward", "reverse")
_HIGHEST_HZ_PER_S = 1_000_000
_HIGHEST_MV = 60_000


class Motor:
    """`kind` is SIM, STEP_DIR or COILS; `coil_style` is "" and the numbers of ramp and supply are 0 where there is none.

    `supply_full_scale_mv`: the motor's supply at which its divider gives 3.3 V. `supply_low_mv`: below, no step can be trusted.
    """

    def __init__(self, bench: dict) -> None:
        table = subtable(bench, "motor", _KEYS + _SUPPLY_KEYS)
        self.driver = one_of(table, "motor.driver", DRIVERS)
        self.kind, self.disabled_level, microsteps, self.wake_us = _DRIVERS[self.driver]
        self.max_rate_hz = integer(table, "motor.max_rate_hz", 1, HIGHEST_HZ[self.kind])
        self.microsteps = integer(table, "motor.microsteps", 1, 256)
        if self.microsteps not in microsteps:
            raise BenchError("motor.microsteps of a %s must be one of %s" % (self.driver, ", ".join([str(n) for n in microsteps])))
        self.coil_style = self._read_coil_style(table)
        self.forward = self._read_direction(table)
        self.start_rate_hz, self.acceleration_hz_per_s = self._read_ramp(table)
        self.supply_full_scale_mv, self.supply_low_mv = self._read_supply(table)

    def _read_coil_style(self, table: dict) -> str:
        if self.kind != COILS:
            if "coil_style" in table:
                raise BenchError("motor.coil_style belongs to coil drivers only: leave it out for a %s" % self.driver)
            return ""
        style = one_of(table, "motor.coil_style", ("single", "double", "interleave"))
        if STYLE_MICROSTEPS[style] != self.microsteps:
            raise BenchError("motor.microsteps must be %d for the coil style %s" % (STYLE_MICROSTEPS[style], style))
        return style

    def _read_direction(self, table: dict) -> bool:
        """True for forward. A simulated motor may leave it out; a real head turns the wrong way round if nobody says."""
        if self.kind == SIM and "direction" not in table:
            return True
        return one_of(table, "motor.direction", _DIRECTIONS) == "forward"

    def _read_ramp(self, table: dict) -> tuple[int, int]:
        if "start_rate_hz" not in table and "acceleration_hz_per_s" not in table:
            return 0, 0
        start_rate_hz = integer(table, "motor.start_rate_hz", 1, self.max_rate_hz)
        return start_rate_hz, integer(table, "motor.acceleration_hz_per_s", 1, _HIGHEST_HZ_PER_S)

    def _read_supply(self, table: dict) -> tuple[int, int]:
        if "supply_full_scale_mv" not in table and "supply_low_mv" not in table:
            return 0, 0
        full_scale_mv = integer(table, "motor.supply_full_scale_mv", 3_300, _HIGHEST_MV)
        return full_scale_mv, integer(table, "motor.supply_low_mv", 1_000, full_scale_mv)
