"""The program as it runs. packing.py packs and checks it."""

import struct

from pumpcore.units import const

if 0:  # for the type checker alone
    from pumpcore.shapes import Content, Drugs, Entries, Iterator, Protocol, Settings

CONSTANT = const(0)
SCHEDULE = const(1)
MINIMUM = const(2)
BY_STAGES = const(3)
MODES = const(("constant", "schedule", "minimum", "protocol"))


class PackedEntries:
    """The entries in a program's bytes, from byte `start` on, each of `size` bytes: minute u16, rate_nl u64 or u56 (9 bytes).

    An entry becomes a tuple when it is asked for: 336 tuples would take four times the memory of the bytes.
    """

    def __init__(self, packed: bytes, start: int, size: int) -> None:
        self.packed = packed
        self.start = start
        self.size = size

    def __len__(self) -> int:
        return (len(self.packed) - self.start) // self.size

    def read(self, at: int) -> "tuple[int, int]":
        """Return the entry at byte `at`."""
        values = struct.unpack_from("<HQ" if self.size == 10 else "<HIHB", self.packed, at)
        return values if len(values) == 2 else (values[0], values[1] | values[2] << 32 | values[3] << 48)

    def __getitem__(self, index: int) -> "tuple[int, int]":
        start, end = self.start, len(self.packed)
        at = (start if index >= 0 else end) + index * self.size
        if not start <= at < end:
            raise IndexError(index)
        return self.read(at)

    def __iter__(self) -> "Iterator[tuple[int, int]]":
        return map(self.read, range(self.start, len(self.packed), self.size))


class Program:
    """The program that the pump runs. Rates are `rate_nl` per `rate_seconds_s`, one for all. Limits: 0 = none of its own.

    `entries` are (minute_of_week, rate_nl), sorted; a constant program has exactly one, at minute 0. `concentration` is (mass_ng,
    volume_nl), or (0, 0) for a program in volumes. `drugs` are (name, mass_ng, volume_nl) of the drugs beside `fluid`, which leads: at most
    three, and only beside a concentration. `settings` is the Settings of a program with more than basal and ceilings (settings.py),
    otherwise None. `protocol` takes the place of the entries: such a program has none.
    """

    def __init__(self, name: str, fluid: str, rate_seconds_s: int, entries: "Entries") -> None:
        self.name = name
        self.fluid = fluid
        self.rate_seconds_s = rate_seconds_s
        self.entries = entries
        self.mode = CONSTANT
        self.on_clock_loss = "stop"
        self.after_power_loss = "stop"
        self.max_rate_nl = 0
        self.hour_nl = 0
        self.day_nl = 0
        self.concentration = (0, 0)
        self.settings: "Settings | None" = None
        self.drugs: "Drugs" = ()
        self.protocol: "Protocol | None" = None
        self.peaks: dict[int, int] = {}  # {minutes: largest sum of rates over so many}, filled by limits.py

    def needs_clock(self) -> bool:
        """Return True if the program needs the wall time: a schedule, and a protocol until it has begun at its time of day."""
        return self.mode == SCHEDULE if self.protocol is None else self.protocol.start > 1

    def content(self) -> "Content":
        """Return what it puts into the line: (name, mass_ng, volume_nl) of each drug, the leading one first."""
        return ((self.fluid, self.concentration[0], self.concentration[1]),) + tuple(self.drugs)

    def line_nl(self) -> int:
        """Return the volume of the line; 0 if the program gives none."""
        return self.settings.line_nl() if self.settings is not None else 0

    def highest_rate_nl(self) -> int:
        """Return the highest rate of its entries or stages."""
        if self.protocol is not None:
            return self.protocol.highest_nl()
        return max([rate_nl for _, rate_nl in self.entries])

    def lowest_rate_nl(self) -> int:
        """Return the lowest rate of its entries or stages."""
        if self.protocol is not None:
            return self.protocol.lowest_rate_nl()
        return min([rate_nl for _, rate_nl in self.entries])

    def describe(self) -> dict:
        """Return the whole program as plain values, for people and JSON; the names have the units."""
        from pumpcore.program.settings import LIMITS

        told = {
            "name": self.name,
            "fluid": self.fluid,
            "mode": MODES[self.mode],
            "rate_seconds_s": self.rate_seconds_s,
            "entries": [[minute, rate_nl] for minute, rate_nl in self.entries],
            "on_clock_loss": self.on_clock_loss,
            "after_power_loss": self.after_power_loss,
            "max_rate_nl": self.max_rate_nl,
            "hour_nl": self.hour_nl,
            "day_nl": self.day_nl,
            "concentration_ng": self.concentration[0],
            "concentration_nl": self.concentration[1],
        }
        if self.settings is not None:
            told["settings"] = self.settings.describe()
        limits = (self.settings.drugs[1:] if self.settings is not None else ()) or [("", ())] * len(self.drugs)
        told["drugs"] = drugs = []
        for (name, mass_ng, volume_nl), (_, own) in zip(self.drugs, limits):
            drugs.append({"name": name, "concentration_ng": mass_ng, "concentration_nl": volume_nl})
            drugs[-1].update(zip(LIMITS, own))
        if self.protocol is not None:
            from pumpcore.program import staging

            told["protocol"] = staging.describe(self.protocol)
        return told
