"""A table of the rotor as it is sent and stored: what each angle of the head brings, learned on which bench, tube and lot, and when.

Little-endian (_FORMAT): magic, bins, turns, turns_steps, utc_s, deviation_nl, backflow_nl, residual_ug, lag_ms, bytes of a volume (2 or
4), lengths of bench, tube and lot; then bench, tube and lot in ASCII; then the signed volumes. Its id is the head of its SHA-256.
"""

import struct

from pumpcore.bench.weighed import FIRST_UTC_S, LONGEST_TEXT, identity
from pumpcore.faults.faults import Refusal
from pumpcore.motion.rotor import MOST_BINS, Rotor, prices_of
from pumpcore.units import const

if 0:  # for the type checker alone
    from pumpcore.shapes import BenchFacts, Prices

LONGEST_NAME = const(40)  # of a bench
MOST_LAG_MS = const(60_000)
FEWEST_BINS = const(2)
_MAGIC = const(b"TCR1")
_FORMAT = const("<4sHHIIIIIHBBBB")
_BYTES = const(34)
FIELDS = const(("bins", "turns", "turns_steps", "utc_s", "deviation_nl", "backflow_nl", "residual_ug", "lag_ms"))


class Learned:
    """One table by FIELDS, `bench`, `tube` and `lot`; `volumes` of its bins in grains, `PARTS * turns_steps` together.

    A volume is below 0 where liquid flows back. The motor needs the prices alone, but they are flat there: whoever compares the head with
    the table needs its shape.

    `turns` turns of the head take `turns_steps` motor steps. `deviation_nl`: by how much what is brought at an angle may differ from the
    table (root mean square). `backflow_nl` flows back at a release. `residual_ug`: what one reading of the balance differed from it (root
    mean square). `lag_ms`: of line and balance together.
    """

    bins = turns = turns_steps = utc_s = deviation_nl = backflow_nl = residual_ug = lag_ms = 0
    bench = tube = lot = ""
    volumes: "Prices" = ()

    def rotor(self) -> Rotor:
        """Return the table for the motor. Refusal `rotor_format` if a turn does not cost the pair."""
        try:
            return Rotor(prices_of(self.volumes), self.turns, self.turns_steps)
        except ValueError as error:
            raise Refusal("rotor_format", cause=str(error))

    def fits(self, bench: "BenchFacts") -> bool:
        """Return True if it was learned on this bench."""
        return (self.bench, self.turns, self.turns_steps) == (bench.name, bench.turns, bench.turns_steps)

    def describe(self) -> dict:
        """Return everything but the volumes, by name."""
        said: dict = {name: getattr(self, name) for name in FIELDS}
        for name in ("bench", "tube", "lot"):
            said[name] = getattr(self, name)
        said["id"] = identity(pack(self))
        return said


def pack(learned: Learned) -> bytes:
    """Return the bytes of a table. Refusal `rotor_format`, which names the field that is out of range."""
    _check_fields(learned)
    wide = max(learned.volumes) > 0x7FFF or min(learned.volumes) < -0x8000
    texts = [text.encode() for text in (learned.bench, learned.tube, learned.lot)]
    numbers = [getattr(learned, name) for name in FIELDS] + [4 if wide else 2] + [len(text) for text in texts]
    return struct.pack(_FORMAT, _MAGIC, *numbers) + b"".join(texts) + struct.pack(_layout(learned, 4 if wide else 2), *learned.volumes)


def unpack(packed: bytes) -> Learned:
    """Return the table of these bytes. Refusal `rotor_format`; raises nothing else."""
    if len(packed) < _BYTES or packed[:4] != _MAGIC:
        raise Refusal("rotor_format", cause="no header")
    values = struct.unpack(_FORMAT, packed[:_BYTES])
    learned, at, width = Learned(), _BYTES, values[9]
    for name, value in zip(FIELDS, values[1:]):
        setattr(learned, name, value)
    if width not in (2, 4) or len(packed) != _BYTES + sum(values[10:]) + width * learned.bins:
        raise Refusal("rotor_format", cause="length")
    for name, size in zip(("bench", "tube", "lot"), values[10:]):
        raw = packed[at : at + size]
        if not all([32 <= byte < 127 for byte in raw]):
            raise Refusal("rotor_format", field=name, cause="printable ASCII letters")
        setattr(learned, name, raw.decode())
        at += size
    learned.volumes = struct.unpack(_layout(learned, width), packed[at:])
    _check_fields(learned)
    return learned


def _layout(learned: Learned, width: int) -> str:
    return "<%d%s" % (learned.bins, "i" if width == 4 else "h")


def _check_fields(learned: Learned) -> None:
    ranges = (
        ("bins", FEWEST_BINS, MOST_BINS),
        ("turns", 1, 10_000),
        ("turns_steps", 1, (1 << 24) - 1),
        ("utc_s", FIRST_UTC_S, (1 << 32) - 1),
        ("deviation_nl", 0, (1 << 32) - 1),
        ("backflow_nl", 0, (1 << 32) - 1),
        ("residual_ug", 0, (1 << 32) - 1),
        ("lag_ms", 0, MOST_LAG_MS),
    )
    for name, low, high in ranges:
        if not low <= getattr(learned, name) <= high:
            raise Refusal("rotor_format", field=name, asked=getattr(learned, name), lowest=low, highest=high)
    for name, shortest, longest in (("bench", 1, LONGEST_NAME), ("tube", 1, LONGEST_TEXT), ("lot", 0, LONGEST_TEXT)):
        if not shortest <= len(getattr(learned, name)) <= longest:
            raise Refusal("rotor_format", field=name, cause="%d to %d letters" % (shortest, longest))
    if len(learned.volumes) != learned.bins:
        raise Refusal("rotor_format", field="bins", cause="not as many volumes")
