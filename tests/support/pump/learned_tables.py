"""Tables of the rotor, as the host sends them."""

import base64
from collections.abc import Callable

from pumpcore.bench import learned
from pumpcore.bench.learned import Learned
from support.models.rotor import prices_of, sinus
from support.programs import MONDAY_UTC_S
from support.pump.running import UnitPump


def learned_one(rate: Callable[[float], float] | None = None, bins: int = 192, **changed: object) -> Learned:
    values = {
        "bins": bins, "turns": 1, "turns_steps": 3_200, "utc_s": MONDAY_UTC_S, "deviation_nl": 25, "backflow_nl": 330, "residual_ug": 160,
        "lag_ms": 700,
        "bench": "unit", "tube": "T1", "lot": "L 1", "volumes": prices_of(rate or sinus(), bins, 3_200),
    } | changed  # fmt: skip
    one = Learned()
    for name, value in values.items():
        setattr(one, name, value)
    return one


def sent(one: Learned | None) -> str:
    return base64.b64encode(learned.pack(one)).decode() if one is not None else ""


def put(pump: UnitPump, one: Learned | None = None, zero_steps: int = -1, **changed: object) -> dict:
    return pump.call("rotor.set", rotor=sent(one or learned_one(**changed)), zero_steps=zero_steps)
