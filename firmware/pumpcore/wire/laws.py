"""By which law a pump doses, and why not by volume: append only, the journal keeps their numbers."""

from pumpcore.units import const

LAWS = const(("volume", "angle"))
LAW_CAUSES = const((
    "", "no_table", "phase_power", "phase_supply", "phase_fault", "phase_enables", "rate", "asked", "other_bench", "other_tube",
    "uncalibrated", "expired", "phase_sensor", "phase_shift", "phase_slip",
))
