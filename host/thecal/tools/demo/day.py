"""The day itself: program the pump, start it, let 24 h pass with a bolus and a power cut, and note the books on the way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pumpcore.motion.dose import Calibration
from pumpcore.program.packing import digest
from pumpcore.program.plan import Program
from pumpcore.units import MS_PER_S, S_PER_DAY, S_PER_HOUR, S_PER_MINUTE
from thecal.checks.dose import Bolus
from thecal.history.evidence import Evidence, collect
from thecal.history.rows import Row
from thecal.prescription.compiler import Compiled
from thecal.pump.client import Client
from thecal.sim.runner import SimulatedPump
from thecal.terminal.console import Progress
from thecal.tools.demo.clockwork import Moment, advance_to_uptime, look
from thecal.tools.demo.plan import Stretch, stretches

# Monday 2026-01-05 00:00 local time, an hour east of Greenwich
MIDNIGHT_UTC_S, OFFSET_S = 1_767_567_600, S_PER_HOUR
SAMPLE_S, BOLUS_SAMPLE_S = 10 * S_PER_MINUTE, 5
BOLUS_AT_S, BOLUS = 7 * S_PER_HOUR + 45 * S_PER_MINUTE, ("0.5 mL", "4 mL/h")
CUT_AT_MS, RESTORE_AT_MS = 47_843_456, 49_211_000  # 13:17:23.456 and 13:40:11
SETTLE_MS = 2_000
RESUME_WITHIN_S = 120


class Day:
    """One day on one pump. After `run`: `moments` by second of the day, `samples`, `journal`, `bolus`, `stretches`."""

    def __init__(self, sim: SimulatedPump, client: Client, compiled: Compiled) -> None:
        self.sim = sim
        self.client = client
        self.compiled = compiled
        self.program: Program = compiled.program
        self.moments: dict[int, Moment] = {}
        self.samples: list[tuple[int, int]] = []
        self.evidence = Evidence()
        self.journal: list[Row] = []
        self.stretches: list[Stretch] = []
        self.bolus: dict[str, Any] = {}
        self.steps_at_cut = 0
        self._origin_ms = 0
        self._origin_s = 0
        self._start_ms = 0
        self._token = ""

    def run(self) -> None:
        """Run everything from the first upload to the journal."""
        self._upload()
        self._begin()
        self._pass_the_day()
        self.client.stop()
        self.bolus = self.client.bolus_status(self._token)
        self.evidence = collect(self.client)
        self.journal = self.evidence.events

    def second_of(self, record: Row) -> int:
        """Second of the day of a journal record."""
        return int(record["utc_s"]) - MIDNIGHT_UTC_S

    def _upload(self) -> None:
        staged = self.client.program_stage(self.compiled.packed)["digest"]
        if staged != digest(self.compiled.packed):
            raise AssertionError("the pump's digest is not the host's")
        self.client.program_activate(staged)

    def _begin(self) -> None:
        """Start at midnight of the pump's clock."""
        pair = self.client.status()["calibration"]
        calibration = Calibration(pair["volume_nl"], pair["steps"], pair["state"])
        self.stretches = stretches(self.program, calibration, 0, S_PER_DAY)
        self.client.clock_set(MIDNIGHT_UTC_S, OFFSET_S)
        self._start_ms = self.sim.now_ms()
        self.moments[0], _ = look(self.sim, self.client)
        self.samples.append((0, self.moments[0].plant_steps))
        self.client.start()
        self._find_origin()

    def _find_origin(self) -> None:
        """Match the pump's uptime with the seconds of the day, from its own journal: the start and the first entry."""
        self.sim.advance_by(SETTLE_MS)
        begun: Row = {}
        for _, block in self.client.journal("events"):
            for record in block:
                if record.name == "started":
                    begun = {"utc_s": record.utc_s}
                elif record.name == "entry" and "uptime_ms" not in begun:
                    begun["uptime_ms"] = record.uptime_ms
        self._origin_ms = begun["uptime_ms"]
        self._origin_s = begun["utc_s"] - MIDNIGHT_UTC_S

    def _pass_the_day(self) -> None:
        """Stops at every entry's begin by the pump's own clock, and about every ten minutes for the picture."""
        events: dict[int, Callable[[], None]] = {BOLUS_AT_S: self._order, CUT_AT_MS // MS_PER_S: self._lose_power}
        bounds = {stretch.to_s for stretch in self.stretches}
        progress = Progress("a day of therapy")
        looks = set(range(SAMPLE_S, S_PER_DAY, SAMPLE_S)) | set(range(BOLUS_AT_S, BOLUS_AT_S + SAMPLE_S, BOLUS_SAMPLE_S))
        for second_s in sorted(bounds | set(events) | looks):
            if self._start_ms + second_s * MS_PER_S < self.sim.now_ms():
                continue
            if second_s in bounds:
                self._go_to(second_s)
                self.moments[second_s], _ = look(self.sim, self.client)
            else:
                self.sim.advance(self._start_ms + second_s * MS_PER_S)
            self.samples.append((second_s, self.sim.plant_steps()))
            events.get(second_s, lambda: None)()
            progress.update(second_s, S_PER_DAY)
        progress.close()

    def _go_to(self, second_s: int) -> None:
        advance_to_uptime(self.sim, self.client, self._origin_ms + (second_s - self._origin_s) * MS_PER_S)

    def _order(self) -> None:
        bolus = Bolus(self.program, *BOLUS)
        self._token = self.client.bolus_token()
        self.client.bolus_start(self._token, bolus.volume_nl, bolus.rate_nl)

    def _lose_power(self) -> None:
        """Cut in mid-stretch, off for 23 minutes, then wait until the pump has resumed by itself."""
        self.sim.cut_power(at_ms=self._start_ms + CUT_AT_MS)
        self.sim.advance(self._start_ms + CUT_AT_MS)
        self.steps_at_cut = self.sim.plant_steps()
        self.samples.append((CUT_AT_MS // MS_PER_S, self.steps_at_cut))
        self.sim.advance(self._start_ms + RESTORE_AT_MS)
        self.sim.restore_power()
        self.samples.append((RESTORE_AT_MS // MS_PER_S, self.sim.plant_steps()))
        for _ in range(RESUME_WITHIN_S):
            self.sim.advance_by(MS_PER_S)
            if self.client.status()["state"] == "running":
                break
        self._find_origin()
