"""What the sensor at the rotor showed at the first bin of the table, in a slot of its own: by it the phase is known after any cut."""

import struct

from app.delivery.watch import BINS, Watch
from app.pump import Pump
from app.records.store import StoreError
from pumpcore.units import const, sha256_hex

_NAME = const("sighted")
_FORMAT = const("<8sh16b")  # the head of the SHA-256 of the table, then angle and nonlinearity at 16 places in counts
_BYTES = const(26)
_MOST = const(127)


def load(pump: Pump) -> None:
    """At power-up: watch the rotor. A stored angle counts if it is that of the stored table; a lost one is found again by a look."""
    setup, motion = pump.setup, pump.delivery.motion
    watch = motion.watch = Watch(pump.board.sensor, setup.bench, pump.board.clock, pump.delivery)
    if setup.law is not None:
        setup.law.watch = watch
        try:
            packed = setup.store.load(_NAME) or b""
        except StoreError:
            packed = b""
        if len(packed) == _BYTES:
            fields = struct.unpack(_FORMAT, packed)
            if fields[0] == _table(pump):
                watch.zero = fields[1]
                watch.curve = tuple(fields[2:]) if any(fields[2:]) else ()
    watch.angle()


def save(pump: Pump) -> None:
    """Store what was learned, so that it is there after a cut. StoreError and OSError pass."""
    watch = pump.delivery.motion.watch
    parts = [max(-_MOST, min(_MOST, part)) for part in watch.curve or (0,) * BINS]
    pump.setup.store.save(_NAME, struct.pack(_FORMAT, _table(pump), watch.zero, *parts))


def _table(pump: Pump) -> bytes:
    try:
        return bytes.fromhex(sha256_hex(pump.setup.store.load("rotor") or b"")[:16])
    except StoreError:
        return b""
