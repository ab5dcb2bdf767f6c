"""hello: who this pump is and what it runs."""

from app.pump import Pump
from pumpcore.wire.messages import METHODS, PROTOCOL

FIRMWARE = "0.1.0"
BENCH_ONLY = "bench instrument: never to be connected to a person or an animal"

# what a host needs to check a program by the pump's own formula (pumpcore.limits) before it sends it
CEILINGS = ("rate_nl", "rate_seconds_s", "hour_nl", "day_nl", "max_rate_hz", "start_rate_hz", "acceleration_hz_per_s")


def hello(pump: Pump, params: dict) -> dict:
    """Versions, the release digest hashed at boot, identity, bench, program, calibration, ceilings, capabilities."""
    setup = pump.setup
    pair = setup.describe_calibration(pump.position_steps(), pump.book.wall) or {}
    return {
        "thecal": BENCH_ONLY,
        "protocol": list(PROTOCOL),
        "firmware": FIRMWARE,
        "release": pump.release,
        "implementation": pump.board.system.implementation,
        "unique_id": pump.board.system.unique_id,
        "journal_identity": pump.journal.identity,
        "bench": setup.bench.name if setup.bench else "",
        "program_digest": setup.digest,
        "calibration_state": pair.get("state", ""),
        "calibration_id": pair.get("id", ""),
        "calibration_expires_utc_s": pair.get("expires_utc_s", 0),
        "calibration_expires_nl": pair.get("expires_nl", 0),
        "ceilings": {name: getattr(setup.bench, name) for name in CEILINGS} if setup.bench else None,
        "capabilities": sorted(METHODS),
    }
