"""The pump under test at its real ports, and the actions on it from outside.

Scenarios speak to it through `client` (serial port) or a port of their own, let time pass with `run_for`, and look at the motor through
`sim`. On another target the same scenarios get another `Device`; `needs` marks say what they use of `sim`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from pumpcore.motion.dose import Calibration
from pumpcore.program import packing as programs
from pumpcore.wire import messages, record_types
from pumpcore.wire import messages as frame
from support.programs import MONDAY_UTC_S, constant
from support.rig.benches import CLOCK, named
from support.rig.target import Chosen
from thecal.files.bench import Bench
from thecal.pump.client import Client
from thecal.pump.exchange import new_id

Figures = Callable[[str, object], None]  # pytest's record_property: "figure" is printed at the end of the run

PATIENCE_S = 20.0
MILLILITRE_PER_HOUR_NL = 1_000_000


class Device:
    """A pump with power on, booted, in virtual time unless `speed` says otherwise."""

    def __init__(self, on: Bench | str = CLOCK, seed: int = 1, **options: Any) -> None:
        if "speed" not in options:
            options["virtual"] = True
        self.sim = Chosen.target.pump(named(on) if isinstance(on, str) else on, seed, options)
        self.port_url = self.sim.port_url or self.sim.socket_url
        self.client = Client(self.port_url, Chosen.target.reply_timeout_s, PATIENCE_S)
        if options.get("virtual") and not getattr(self.sim, "booted", False):
            self.run_for(Chosen.target.booted_s)

    def __enter__(self) -> Device:
        return self

    def __exit__(self, *details: object) -> None:
        """Whatever a scenario did, the firmware must still be running at its end."""
        ended = self.sim.guest_error()
        self.client.close()
        self.sim.close()
        assert ended is None, ended

    # -- time and power

    def run_for(self, duration_s: float) -> None:
        self.sim.advance_by(round(duration_s * 1000))

    def power_cycle(self, off_s: float) -> int:
        """Cut the power now, restore it after `off_s`, and boot. Return the motor's true steps while it was off."""
        self.sim.cut_power()
        self.run_for(off_s)
        plant_steps = self.sim.plant_steps()
        self.sim.restore_power()
        self.run_for(Chosen.target.booted_s)
        return plant_steps

    def reaches(self, state: str, within_s: int) -> bool:
        """Return True if the pump reports `state` within so many seconds of its time."""
        for _ in range(within_s):
            if self.client.status()["state"] == state:
                return True
            self.run_for(1)
        return self.client.status()["state"] == state

    # -- therapy

    def upload(self, new: programs.Program | bytes) -> str:
        """Stage and activate; return the digest."""
        packed = new if isinstance(new, bytes) else programs.pack(new)
        digest: str = self.client.program_stage(packed)["digest"]
        assert digest == programs.digest(packed)
        assert self.client.program_activate(digest)["digest"] == digest
        return digest

    def begin(self, new: programs.Program | bytes, utc_s: int = MONDAY_UTC_S, offset_s: int = 0) -> None:
        """Upload, set the clock, start, and wait for the first lease."""
        self.upload(new)
        self.client.clock_set(utc_s, offset_s)
        self.client.start()
        self.sim.wait_until_idle()

    def begin_at_one_ml_per_hour(self) -> None:
        """The simplest program that moves: 28 steps a second."""
        self.begin(constant(MILLILITRE_PER_HOUR_NL))
        assert self.state() == "running"

    def order(self, volume_nl: int, rate_nl: int) -> str:
        """Order a manual bolus; return its token."""
        token = self.client.bolus_token()
        self.client.bolus_start(token, volume_nl, rate_nl)
        return token

    def calibration(self) -> Calibration:
        pair = self.client.status()["calibration"]
        return Calibration(pair["volume_nl"], pair["steps"], pair["state"])

    # -- looking

    def state(self) -> str:
        return str(self.client.status()["state"])

    def alarms(self) -> list[str]:
        """Return the names of the active alarms."""
        return [alarm["name"] for alarm in self.client.alarms()["alarms"]]

    def records(self, *names: str, ring: str = "events") -> list[record_types.Record]:
        """Return the journal's records with one of these names (default: all), oldest first."""
        return [record for record in self._records(ring) if not names or record.name in names]

    def _records(self, ring: str) -> Iterator[record_types.Record]:
        for _, block in self.client.journal(ring):
            yield from block

    def raw_journal(self, ring: str = "events") -> bytes:
        """Return the bytes of the journal as in the flash."""
        raw, sequence = b"", 0
        while True:
            reply, block = self.client.journal_read(ring, sequence)
            if not block:
                return raw
            raw, sequence = raw + block, reply["next_sequence"]

    def surely_disabled(self) -> bool:
        """Return True if the motor is off: by its enable line, or by the pump's status if the line cannot be seen."""
        return not self.sim.enable_level() if "plant" in Chosen.target.capabilities else self.state() == "stopped"

    def same_steps(self, told: int, true_steps: int) -> bool:
        """Return True if the running pump's reports match the motor's steps, as closely as the target can tell at one moment."""
        return abs(told - true_steps) <= Chosen.target.step_tolerance

    # -- bytes, without the tool in between

    def say(self, line: bytes) -> bytes:
        """Send raw bytes past the tool; return all of the pump's output meanwhile."""
        if not getattr(self.sim, "shares_its_port", True):
            self.client.close()
        self.sim.write(line)
        self.sim.wait_until_idle()
        return self.sim.read()

    def ask_raw(self, method: str, **params: object) -> dict[str, Any]:
        """Return the decoded reply, result or error, to one frame."""
        reply = self.say(frame.encode(messages.request(new_id(), method, params)))
        decoded: dict[str, Any] = frame.decode(reply.split(b"\n", 1)[0])
        return decoded
