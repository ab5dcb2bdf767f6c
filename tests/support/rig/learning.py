"""A simulated head on a pump in virtual time: calibrated to its true turn, learned through its balance, and looked at as it delivers.

All of it in this process: the tests see the true volume and angle, and the jobs of `thecal calibrate --rotor` see ports alone.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from pumpcore.bench import learned, weighed
from pumpcore.orders.bolus import CALIBRATION
from pumpcore.program import packing as programs
from support.programs import constant
from support.rig.benches import named
from support.rig.trumpet import WindowError, bolus_errors, window_errors
from thecal.pump.client import Client
from thecal.pump.transport import registry
from thecal.quantities.amounts import Rate
from thecal.sim.control import ControlServer
from thecal.sim.runner import SimulatedPump
from thecal.sim.world.balance import BalanceOptions
from thecal.weighing.rotor import jobs, prices
from thecal.weighing.rotor.shape import Turn
from thecal.weighing.rotor.table import decoded

CEILINGS = {"hour_nl": 20_000_000, "day_nl": 200_000_000}  # days are tested elsewhere
AROUND = 768
TRICKLE_NL_PER_H = 1_000
STEPS_A_TURN = 3_200
BOLUS_MS = 150_000  # until a line has run out
MS_PER_H = 3_600_000
_WINDOW_EVERY_MS = 1_000


class LearningRig:
    """One pump with a head and a balance."""

    def __init__(self, sim: SimulatedPump, client: Client, folder: Path) -> None:
        self.sim = sim
        self.client = client
        self.folder = folder
        self.turn_nl = sim.rotor.head.turn_nl
        self.turn_steps = sim.rotor.head.turn_steps

    # --- before

    def calibrate(self, **changed: Any) -> None:
        """Store the head's true turn as a weighed calibration."""
        turns = 30
        volume_nl, steps = round(self.turn_nl * turns), round(self.turn_steps * turns)
        one = weighed.Weighed(volume_nl, steps, int(time.time()), 998_200, 1_000, 0, 0, 3, changed.get("tube", "T1"), "L1")
        self.client.calibration_set(weighed.pack(one))

    def how(self, **changed: Any) -> jobs.How:
        """Return the options of a user who answers yes."""
        ports = self.sim.balance.ports
        options: dict[str, Any] = {
            "balance": str(ports.path or ports.url), "source": None, "record": self.folder / f"{time.monotonic_ns()}.txt", "png": None,
            "ug_per_ml": 998_200, "buoyancy": False, "yes": True, "dry_run": False, "as_json": False,
        }  # fmt: skip
        return jobs.How(**{**options, **changed})

    def learn(self, **changed: Any) -> learned.Learned:
        """Learn and store, as a user does; return the pump's table."""
        jobs.learn_rotor(self.client, self.how(**changed))
        return self.stored()

    def stored(self) -> learned.Learned:
        """Return the table in the pump."""
        found = decoded(self.client.rotor_read()["rotor"])
        assert found is not None
        return found

    # --- how well

    def point_errors_nl(self, table: learned.Learned) -> Any:
        """Return, round the turn, by how much the table's volume differs from the head's, mean 0, in nl: jitter and lag aside."""
        read = self.client.rotor_read()["status"]
        zero_steps, turn = read["zero_steps"] or 0, Turn(table.turns, table.turns_steps, self.turn_nl * table.turns)
        angles = np.arange(AROUND) * 2 * np.pi / AROUND
        ahead_nl = prices.deviation_nl(list(table.volumes), turn, angles)
        first = self.sim.rotor_steps() - read["motor_steps"] + zero_steps
        return off_nl(self.sim, first, ahead_nl)

    def motor_to_rotor(self) -> float:
        """Return the rotor's true angle beyond the motor's position, in motor steps below a turn."""
        return (self.sim.rotor_steps() - self.client.status()["motor_steps"]) % self.turn_steps

    # --- delivery

    def windows(self, rate_nl_per_h: int, duration_s: int, minutes: Sequence[float]) -> dict[float, WindowError]:
        """Run at this rate without a program; return the errors of all windows as a balance of 0.7 s shows them."""
        begin_ms = self.sim.now_ms()
        volume_nl = rate_nl_per_h * (duration_s + 300) // 3600
        self.run(round(volume_nl * self.turn_steps / self.turn_nl), rate_nl_per_h)
        self.sim.advance(begin_ms + duration_s * 1000)
        assert self.client.status()["law_cause"] in ("", "no_table")
        self.client.stop()
        series_nl = self.sim.delivered_series_nl(begin_ms, begin_ms + duration_s * 1000, _WINDOW_EVERY_MS, as_weighed=True)
        return window_errors(series_nl, _WINDOW_EVERY_MS / 1000, rate_nl_per_h, minutes, skip_s=120)

    def run(self, steps: int, rate_nl_per_h: int, **how: str | int) -> None:
        """Order so many dose steps."""
        self.client.run_start(self.client.bolus_token(), CALIBRATION, steps, Rate(rate_nl_per_h, 3600), **how)

    def boluses(
        self, basal_nl_per_h: int, count: int, volume_nl: int, gap_s: int, rate_nl_per_h: int = 1_200_000
    ) -> tuple[list[float], list[float]]:
        """Deliver boluses beside a basal (0: a trickle). Return each one's error in percent, and after each that of the sum in nl.

        A bolus is whole steps; the sums count what was ordered, rounded by up to half a step each.
        """
        basal_nl_per_h = max(basal_nl_per_h, TRICKLE_NL_PER_H)
        self.client.program_activate(self.client.program_stage(programs.pack(constant(basal_nl_per_h)))["digest"])
        self.client.start()
        self.sim.advance_by(30_000)
        begin_ms, begin_nl = self._seen()
        before_nl, after_nl, sums_nl, ordered_steps = [], [], [], 0
        for number in range(count):
            self.sim.advance_by(gap_s * 1000 + 7_000 * number % 31_000)
            from_ms, from_nl = self._seen()
            ordered_steps += self.client.bolus_start(self.client.bolus_token(), volume_nl, rate_nl_per_h)["ordered_steps"]
            self.sim.advance_by(BOLUS_MS)
            to_ms, to_nl = self._seen()
            before_nl.append(from_nl)
            after_nl.append(to_nl - basal_nl_per_h * (to_ms - from_ms) / MS_PER_H)
            sums_nl.append(
                to_nl - begin_nl - basal_nl_per_h * (to_ms - begin_ms) / MS_PER_H - ordered_steps * self.turn_nl / self.turn_steps
            )
        assert self.client.status()["law"] == "volume" or not self.client.rotor_read()["rotor"]
        self.client.stop()
        return bolus_errors(before_nl, after_nl, volume_nl), sums_nl

    def _seen(self) -> tuple[int, float]:
        """Return a moment and the volume that a balance shows at it."""
        at_ms = self.sim.now_ms() // 1000 * 1000
        return at_ms, self.sim.delivered_series_nl(at_ms, at_ms, 1_000, as_weighed=True)[0]

    def know(self) -> None:
        """Give the pump the head's own table and its true zero: what is left is the motor's part, and that of 192 straight bins."""
        head, read = self.sim.rotor.head, self.client.rotor_read()["status"]
        turn_steps, bins = round(self.turn_steps), prices.BINS
        edges_nl = [head.volume_nl(turn_steps * edge / bins) for edge in range(bins + 1)]
        grains = [round((nl - edges_nl[0]) * prices.PARTS * turn_steps / self.turn_nl) for nl in edges_nl]
        grains[-1] = prices.PARTS * turn_steps
        one = learned.Learned()
        one.bins, one.turns, one.turns_steps, one.utc_s = bins, 1, turn_steps, int(time.time())
        one.bench, one.tube, one.lot = "sim-clock", "T1", "L1"
        one.volumes = tuple(after - before for before, after in pairwise(grains))
        self.client.rotor_set(learned.pack(one), round(read["motor_steps"] - self.sim.rotor_steps()) % turn_steps)


def off_nl(sim: SimulatedPump, first_steps: float, ahead_nl: Any) -> Any:
    """Return how far deviations round a turn, from `first_steps` of the rotor on, differ from the head's own; mean 0."""
    head, jitter = sim.rotor.head, sim.rotor.head.spec.jitter
    turn_steps, turn_nl = head.turn_steps, head.turn_nl
    places = [first_steps + turn_steps * number / len(ahead_nl) for number in range(len(ahead_nl))]
    true_nl = np.mean([[head.volume_nl(place + turn_steps * turn) for place in places] for turn in range(40 if jitter else 1)], axis=0)
    true_nl = true_nl - turn_nl * np.arange(len(ahead_nl)) / len(ahead_nl)
    off = ahead_nl - true_nl
    return off - off.mean()


@contextlib.contextmanager
def learning_rig(folder: Path, head: str, seed: int, turn_nl: int = 0, **balance: Any) -> Iterator[LearningRig]:
    """Make one; `turn_nl`: of another tube, 0 of the bench's. The registry must be this test's own (THECAL_RUNTIME)."""
    options, bench = BalanceOptions.drafty(**balance), named(**CEILINGS)
    if turn_nl:
        bench = {**bench, "calibration": {**bench["calibration"], "volume_nl": turn_nl, "steps": STEPS_A_TURN}}
    with SimulatedPump(bench, seed, virtual=True, head=head, balance=options, record_volume=True) as sim:
        control = ControlServer(sim)
        ports = sim.balance.ports
        port = sim.port_url or sim.socket_url
        entry = {"port": port, "control": control.address, "control_secret": control.secret, "virtual": True,
                 "balance": ports.path, "balance_socket": ports.url, "socket": sim.socket_url}  # fmt: skip
        path = registry.add(entry, str(seed))
        try:
            sim.advance_by(500)
            with Client(port) as client:
                client.hello()
                yield LearningRig(sim, client, folder)
        finally:
            path.unlink(missing_ok=True)
            control.close()
