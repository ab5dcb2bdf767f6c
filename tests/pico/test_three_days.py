"""After three days with every command, a pump that runs on the chip still stages the largest program, and loads every command."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest

from pumpcore.bench import weighed
from pumpcore.program import packing
from pumpcore.program.plan import Program
from pumpcore.wire import messages
from support.emulator import heap
from support.programs import MONDAY_UTC_S, every_day, with_settings
from support.rig.device import Device, Figures

DAYS, DAY_S = 3, 86_400
RATE_NL = 1_000_000  # 28 steps a second
LEAST_HOLE_BYTES = 16 * 1024
QUIET_S, LOOKS = 0.5, 3  # a pump that nobody asks collects after 0.3 s
DEMAND = {"demand_on": 1, "demand_per_day": 4, "demand_s": 60, "lockout_s": 3_600, "demand_nl": 20_000}
NEVER = "0" * 16  # a token
SHORT = {"not_loaded", "no_memory", "too_long"}
# There is no line and no alarm, and the second demand comes too early. Their handlers are loaded all the same.
REFUSED = {"bridge.start", "bolus.prime", "ack", "reservoir.acknowledge", "bolus.demand"}

Ask = Callable[..., dict[str, Any]]
pytestmark = pytest.mark.torture


def ordinary() -> Program:
    """Return an ordinary program: a rate for the day and one for the night, a reservoir, demand doses."""
    made = every_day((0, RATE_NL), (420, RATE_NL * 3 // 2), (1_320, RATE_NL))
    return with_settings(made, **DEMAND, capacity_nl=40_000_000, low_nl=2_000_000, empty_nl=1_000_000, tolerance_nl=100_000)


def largest() -> bytes:
    """Return a program of 336 entries with the longest texts."""
    made = every_day(*[(30 * number, RATE_NL + number) for number in range(packing.MAX_ENTRIES // 7)])
    made.name, made.fluid = "n" * 80, "f" * 80
    return packing.pack(with_settings(made, **DEMAND, library="l" * 80, library_version=1))


class Days:
    """Every command of the protocol, once a day; `told` has (method, refusal or "") of each."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.told: list[tuple[str, str]] = []
        self.short: list[object] = []  # what found no memory, and the largest pieces then

    def ask(self, method: str, **params: object) -> dict[str, Any]:
        """Return the result; {} for a refusal."""
        reply = self.device.ask_raw(method, **params)
        refusal = reply["error"]["data"] if "error" in reply else {"fault": ""}
        self.told.append((method, refusal["fault"]))
        if refusal["fault"] in SHORT:
            self.device.run_for(QUIET_S)
            self.short.append((method, refusal, heap.holes(self.device.sim.board.chip.mcu)[:8]))
        return dict(reply.get("result", {}))

    def token(self) -> str:
        return str(self.ask("bolus.token").get("token", NEVER))

    def stage(self, packed: bytes) -> str:
        digest = packing.digest(packed)
        self.ask("program.stage", program=base64.b64encode(packed).decode())
        while not self.ask("program.check", digest=digest).get("done", True):
            pass
        return digest

    def a_day(self, number: int) -> None:
        """Stop, look and set up, start, give doses, and leave the pump running."""
        utc_s = MONDAY_UTC_S + number * DAY_S
        self.ask("stop")
        self.ask("hello")
        self.ask("clock.set", utc_s=utc_s, offset_s=0)
        digest = self.stage(packing.pack(ordinary()))
        self.ask("program.activate", digest=digest)
        self.ask("program.read")
        clock = {"utc_s": utc_s, "offset_s": 0}
        self.ask("forecast.digest", digest=digest, days=1, second_s=0, remainder=0, chain="0" * 64, **clock)
        self.stopped(number, utc_s)
        self.ask("start")
        self.device.run_for(2)
        self.doses()
        for ring in ("events", "faults"):
            self.ask("journal.read", ring=ring, from_sequence=0)
        self.ask("alarms")
        self.ask("ack", fault=65_535)
        self.ask("status")

    def stopped(self, number: int, utc_s: int) -> None:
        pair = self.device.calibration()
        image = weighed.pack(
            weighed.Weighed(pair.volume_nl + number, pair.steps, utc_s - DAY_S, 1_000_000, 1_000_000, 1 << 40, 90, 3, "t", "l")
        )
        for method in ("calibration.check", "calibration.set"):
            self.ask(method, calibration=base64.b64encode(image).decode())
        self.ask("calibration.read")
        self.ask("key.challenge")
        self.ask("key.set", keys="")
        self.ask("name.set", name="flow-%d" % number)
        self.ask("bench.set", **self.ceilings())
        self.ask("reservoir.refill", token=self.token(), measured_nl=0, filled_nl=40_000_000)
        self.ask("reservoir.acknowledge", reason="seen")
        run = {"purpose": "calibration", "volume_nl": 0, "steps": 3_000, "rate_nl": RATE_NL, "rate_seconds_s": 3_600}
        self.ask("run.start", token=self.token(), **run)
        self.ask("stop")
        self.ask("bolus.prime", token=self.token(), rate_nl=RATE_NL, again=1)
        self.ask("stop")
        self.ask("bridge.start", token=self.token())

    def ceilings(self) -> dict[str, int]:
        """Return those in force, with one nanolitre a day less: raising them would need the stop button."""
        told = self.ask("hello")["ceilings"]
        return {name: told[name] - (name == "day_nl") for name in ("rate_nl", "rate_seconds_s", "hour_nl", "day_nl")}

    def doses(self) -> None:
        token = self.token()
        self.ask("bolus.start", token=token, volume_nl=40_000, rate_nl=3_600_000)
        self.device.run_for(2)
        self.ask("bolus.status", token=token)
        self.ask("bolus.cancel", token=token)
        self.device.run_for(2)
        token = self.token()
        self.ask("bolus.extended", token=token, volume_nl=100_000, duration_s=3_600)
        self.ask("bolus.cancel", token=token)
        token = self.token()
        self.ask("temporary.start", token=token, rate_nl=RATE_NL // 2, numerator=0, denominator=0, duration_s=3_600)
        self.device.run_for(2)
        self.ask("temporary.cancel", token=token)
        self.ask("bolus.demand", token=self.token())
        self.device.run_for(2)


def free_bytes(device: Device) -> int:
    for _ in range(LOOKS):
        device.run_for(QUIET_S)
        told = device.client.status()["free_memory_bytes"]
    return int(told)


@pytest.mark.rule("R8")
def test_after_three_days_the_largest_program_stages_and_every_command_loads(device: Device, record_property: Figures) -> None:
    days, free, pieces = Days(device), [], []
    for number in range(DAYS):
        days.a_day(number)
        free.append(free_bytes(device))
        device.run_for(QUIET_S)
        pieces.append(heap.holes(device.sim.board.chip.mcu)[0])
    assert device.state() == "running"
    days.stage(largest())
    record_property("figure", f"emulated: {free} bytes free after one, two and three days, in the largest piece {pieces}")
    refused = {row for row in days.told if row[1]}
    assert {method for method, _ in days.told} == set(messages.METHODS) - {"maintenance"}
    assert days.short == [], (free, pieces)
    assert {method for method, _ in refused} <= REFUSED, sorted(refused)
    assert device.state() == "running" and min(pieces) >= LEAST_HOLE_BYTES, (free, pieces)
