"""A calibration as it is sent and stored: what somebody weighed, how, when, on which tube, and how long it holds.

One calibration, little-endian (_FORMAT): magic, volume_nl, steps, utc_s, density_ug_per_ml, scatter_ppm, expires_nl, expires_days, runs,
length of tube, length of lot; then tube and lot in ASCII. Its id is the head of its SHA-256.

The image in the store (_HEAD): magic, nominal volume_nl and steps, length of the bench's name, whether the first row is in force, number of
rows; then the bench's name; then for each row, newest first, position u64, length u8 and the bytes above.
"""

import struct

from pumpcore.faults.faults import Refusal
from pumpcore.motion.dose import Calibration
from pumpcore.units import ceil_div, const, sha256_hex

if 0:  # for the type checker alone
    from pumpcore.shapes import BenchFacts

ID_BYTES = const(8)
KEPT = const(5)  # the one in force and four before it
LONGEST_TEXT = const(24)
FARTHEST_PERCENT = const(50)
MOST_DAYS = const(3650)
MOST_NL = const(1 << 48)
FIRST_UTC_S = const(1_577_836_800)  # 2020
DENSITIES_UG_PER_ML = const((500_000, 3_000_000))
MOST_RUNS = const(99)
MOST_SCATTER_PPM = const(1_000_000)

_MAGIC = const(b"TCL1")
_FORMAT = const("<4sIIIIIQHBBB")
_BYTES = const(37)
_IMAGE_MAGIC = const(b"TCI1")
_HEAD = const("<4sIIBBB")
_HEAD_BYTES = const(15)
_ROW = const("<QB")
_ROW_BYTES = const(9)
FIELDS = const(("volume_nl", "steps", "utc_s", "density_ug_per_ml", "scatter_ppm", "expires_nl", "expires_days", "runs", "tube", "lot"))


class Weighed:
    """One calibration by FIELDS: `steps` steps moved `volume_nl`, at `utc_s`, at a density of `density_ug_per_ml`.

    It was weighed in `runs` runs that scattered by `scatter_ppm` (standard deviation over mean). It holds for `expires_nl` and
    `expires_days`; 0 = no limit.
    """

    volume_nl = steps = utc_s = density_ug_per_ml = scatter_ppm = expires_nl = expires_days = runs = 0
    tube = lot = ""

    def __init__(self, *values: int | str) -> None:
        for name, value in zip(FIELDS, values):
            setattr(self, name, value)

    def describe(self) -> dict:
        """Return every field by name, and the id."""
        said = {"id": identity(pack(self))}
        for name in FIELDS:
            said[name] = getattr(self, name)
        return said


def identity(packed: bytes) -> str:
    """Return the id: 16 hex digits that name these bytes."""
    return sha256_hex(packed)[: 2 * ID_BYTES]


def pack(weighed: Weighed) -> bytes:
    """Return the bytes of a calibration. Refusal `calibration_format`, which names the field that is out of range."""
    tube, lot = weighed.tube.encode(), weighed.lot.encode()
    _check_fields(weighed, tube, lot)
    numbers = [getattr(weighed, name) for name in FIELDS[:8]]
    return struct.pack(_FORMAT, _MAGIC, *(numbers + [len(tube), len(lot)])) + tube + lot


def unpack(packed: bytes) -> Weighed:
    """Return the calibration of these bytes. Refusal `calibration_format`; raises nothing else."""
    if len(packed) < _BYTES or packed[:4] != _MAGIC:
        raise Refusal("calibration_format", cause="no header")
    values = struct.unpack(_FORMAT, packed[:_BYTES])
    tube_end = _BYTES + values[9]
    if len(packed) != tube_end + values[10]:
        raise Refusal("calibration_format", cause="length")
    tube, lot = packed[_BYTES:tube_end], packed[tube_end:]
    weighed = Weighed(*values[1:9])
    _check_fields(weighed, tube, lot)
    weighed.tube, weighed.lot = tube.decode(), lot.decode()
    return weighed


def _check_fields(weighed: Weighed, tube: bytes, lot: bytes) -> None:
    ranges = (
        ("volume_nl", 1, (1 << 32) - 1),
        ("steps", 1, (1 << 32) - 1),
        ("utc_s", FIRST_UTC_S, (1 << 32) - 1),
        ("density_ug_per_ml", DENSITIES_UG_PER_ML[0], DENSITIES_UG_PER_ML[1]),
        ("scatter_ppm", 0, MOST_SCATTER_PPM),
        ("expires_nl", 0, MOST_NL),
        ("expires_days", 0, MOST_DAYS),
        ("runs", 1, MOST_RUNS),
    )
    for name, low, high in ranges:
        if not low <= getattr(weighed, name) <= high:
            raise Refusal("calibration_format", field=name, asked=getattr(weighed, name), lowest=low, highest=high)
    for name, raw, shortest in (("tube", tube, 1), ("lot", lot, 0)):
        if not shortest <= len(raw) <= LONGEST_TEXT or not all([32 <= byte < 127 for byte in raw]):
            raise Refusal("calibration_format", field=name, cause="%d to %d printable ASCII letters" % (shortest, LONGEST_TEXT))


def check_near(weighed: Weighed, nominal: Calibration) -> None:
    """Refusal `calibration_far` if the volume per step is off the nominal one by more than 50 %.

    It gives the volume of the nominal steps: as weighed, at the limit, and the nearest allowed.
    """
    asked = weighed.volume_nl * nominal.steps * 100
    expected = weighed.steps * nominal.volume_nl
    low, high = expected * (100 - FARTHEST_PERCENT), expected * (100 + FARTHEST_PERCENT)
    if low <= asked <= high:
        return
    if asked < low:
        limit_nl = ceil_div(nominal.volume_nl * (100 - FARTHEST_PERCENT), 100)
    else:
        limit_nl = nominal.volume_nl * (100 + FARTHEST_PERCENT) // 100
    raise Refusal(
        "calibration_far", asked_nl=weighed.volume_nl * nominal.steps // weighed.steps, limit_nl=limit_nl, nearest_nl=limit_nl,
        nominal_nl=nominal.volume_nl, steps=nominal.steps, limit_percent=FARTHEST_PERCENT,
    )


class Image:
    """The store's image: bench (`name`, `nominal` calibration), whether the first row is in force (`current`), and `rows`.

    A row is (position_steps when it was set, its bytes); newest first, at most KEPT.
    """

    def __init__(self, name: str, nominal: Calibration, current: bool, rows: list[tuple[int, bytes]]) -> None:
        self.name = name
        self.nominal = nominal
        self.current = current
        self.rows = rows

    def fits(self, bench: "BenchFacts") -> bool:
        """Return True if it was weighed on this bench."""
        pair = bench.calibration
        return (self.name, self.nominal.volume_nl, self.nominal.steps) == (bench.name, pair.volume_nl, pair.steps)

    def with_new(self, position_steps: int, packed: bytes) -> "Image":
        """Return the image with these bytes as first row; the oldest row goes."""
        return Image(self.name, self.nominal, True, ([(position_steps, packed)] + self.rows)[:KEPT])

    def without(self) -> "Image":
        """Return the image with no row in force: all rows are history."""
        return Image(self.name, self.nominal, False, self.rows[: KEPT - 1])


def pack_image(data: Image) -> bytes:
    """Return the bytes of the store's image."""
    name = data.name.encode()
    nominal = data.nominal
    head = struct.pack(_HEAD, _IMAGE_MAGIC, nominal.volume_nl, nominal.steps, len(name), data.current, len(data.rows))
    return head + name + b"".join([struct.pack(_ROW, position, len(packed)) + packed for position, packed in data.rows])


def unpack_image(payload: bytes) -> Image:
    """Return the image of these bytes. Raises ValueError if they are something else."""
    if len(payload) < _HEAD_BYTES or payload[:4] != _IMAGE_MAGIC:
        raise ValueError("no image of calibrations")
    _, volume_nl, steps, name_bytes, current, count = struct.unpack(_HEAD, payload[:_HEAD_BYTES])
    start = _HEAD_BYTES + name_bytes
    name, rows = payload[_HEAD_BYTES:start].decode(), []
    while start + _ROW_BYTES <= len(payload):
        position, size = struct.unpack(_ROW, payload[start : start + _ROW_BYTES])
        rows.append((position, payload[start + _ROW_BYTES : start + _ROW_BYTES + size]))
        start += _ROW_BYTES + size
    if start != len(payload) or len(rows) != count or count > KEPT or current > min(1, count):
        raise ValueError("an image of calibrations of the wrong length")
    return Image(name, Calibration(volume_nl, steps), bool(current), rows)
