"""Weighed calibrations, as the host sends them."""

import base64

from pumpcore.bench import weighed
from support.programs import MONDAY_UTC_S
from support.pump.running import UnitPump

PLENTY = {"expires_nl": 500_000_000, "expires_days": 90}


def weighed_one(**changed: object) -> weighed.Weighed:
    values = {
        "volume_nl": 1_023_456, "steps": 100_003, "utc_s": MONDAY_UTC_S, "density_ug_per_ml": 998_207, "scatter_ppm": 2_100,
        "runs": 3, "tube": "T1", "lot": "L 1", **PLENTY,
    } | changed  # fmt: skip
    return weighed.Weighed(*[values[name] for name in weighed.FIELDS])


def sent(one: weighed.Weighed) -> str:
    return base64.b64encode(weighed.pack(one)).decode()


def put(pump: UnitPump, one: weighed.Weighed | None = None, **changed: object) -> dict:
    return pump.call("calibration.set", calibration=sent(one or weighed_one(**changed)))
