"""A program with demand boluses and a line, and orders that need a token."""

from pumpcore.program import packing as programs
from pumpcore.program.settings import Settings
from support.programs import constant
from support.rig.device import Device

RATE_NL = 1_000_000


def program(concentration_ng: int = 0) -> programs.Program:
    """Return a program with a demand bolus of 50 uL in 5 min; with a concentration, also a line of 339 uL."""
    made = constant(RATE_NL)
    made.settings = Settings()
    made.settings.demand_on, made.settings.demand_per_day, made.settings.lockout_s = 1, 2, 1800
    made.settings.demand_nl, made.settings.demand_s = 50_000, 300
    if concentration_ng:
        made.concentration = (concentration_ng, 1000)
        made.settings.line_day, made.settings.tubing_nl, made.settings.catheter_nl = 20_000, 140_000, 199_000
    return made


def asked(device: Device, method: str, **params: object) -> None:
    reply = device.ask_raw(method, token=device.client.bolus_token(), **params)
    assert "result" in reply, reply
