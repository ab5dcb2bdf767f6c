"""The tube's end behind a line, and a balance with a lag, against a plain integration that knows every step."""

import bisect
import random

import numpy as np
import pytest

from support.rig.benches import named
from thecal.sim.world.head import Head
from thecal.sim.world.head_text import altered, head_of
from thecal.sim.world.individual import Individual
from thecal.sim.world.outlet import MOVES_KEPT, Outlet

S = 1_000_000_000
MS = 1_000_000


def made(text: str, lag_s: float = 0.0) -> Outlet:
    return Outlet(Head(head_of(text), named(), Individual(2)), 1000.0, lag_s)


class Trail:
    """Moves of a rotor as an outlet gets them, and each step by itself."""

    def __init__(self, outlet: Outlet, head: Head) -> None:
        self.outlet, self.head = outlet, head
        self.angle = head.first_steps
        self.steps: list[tuple[int, float]] = []  # time in ns, volume that the step brings

    def move(self, first_ns: int, last_ns: int, steps: int, step: float = 1.0) -> None:
        self.outlet.note(first_ns, last_ns, self.angle, steps, step)
        for number in range(steps):
            at_ns = first_ns + ((last_ns - first_ns) * number // (steps - 1) if steps > 1 else 0)
            before_nl = self.head.volume_nl(self.angle)
            self.angle += step
            self.steps.append((at_ns, self.head.volume_nl(self.angle) - before_nl))

    def integrated(self, line_s: float, lag_s: float, end_s: float, every_s: float = 0.001) -> tuple[list[float], list[float]]:
        """Return what left the line, and what the balance shows, on an even grid: each step as it comes, both stores by small steps."""
        arrive = np.zeros(round(end_s / every_s) + 1)
        for at_ns, volume_nl in self.steps:
            arrive[min(len(arrive) - 1, int(np.ceil(at_ns / S / every_s)))] += volume_nl
        stored = shown = left = 0.0
        lefts, showns = [], []
        for volume_nl in arrive:
            flow_nl = stored * -np.expm1(-every_s / line_s) if line_s else 0.0
            stored += volume_nl - flow_nl
            left += flow_nl if line_s else volume_nl
            shown += (left - shown) * -np.expm1(-every_s / lag_s) if lag_s else left - shown
            lefts.append(left)
            showns.append(shown)
        return lefts, showns


def wandering(outlet: Outlet, seed: int) -> Trail:
    """Runs at many rates with rests, a fast release, a jump back and a run backwards."""
    trail, luck, now_ns = Trail(outlet, outlet._moves[0].head), random.Random(seed), 0
    for _ in range(12):
        now_ns += luck.randrange(0, 2 * S)
        steps, last_ns = luck.randrange(1, 900), now_ns + luck.randrange(0, 3 * S)
        trail.move(now_ns, last_ns, steps if last_ns > now_ns else 1, luck.choice([1.0, 1.0, 1.0, -1.0]))
        now_ns = last_ns
    trail.move(now_ns + S, now_ns + S, 1, -64.0)
    return trail


@pytest.mark.parametrize("lag_s", [0.0, 0.7])
@pytest.mark.parametrize("line_s", [0.0, 0.7, 5.0])
def test_line_and_lag_are_those_of_an_independent_integration(line_s: float, lag_s: float) -> None:
    outlet = made(f"dip35,line={line_s}s", lag_s)
    trail = wandering(outlet, 7)
    end_s = trail.steps[-1][0] / S + 3
    lefts, showns = trail.integrated(line_s, lag_s, end_s)
    for at_ms in range(0, int(end_s * 1000), 37):
        assert outlet.weighed_ug(at_ms * MS) == pytest.approx(showns[at_ms], abs=15), at_ms
        assert outlet.delivered_nl(at_ms * MS) == pytest.approx(lefts[at_ms], abs=15 if line_s else 120), at_ms


def test_without_line_and_lag_a_step_comes_at_its_time() -> None:
    outlet = made("dip20")
    trail = wandering(outlet, 3)
    times, sums = [at_ns for at_ns, _ in trail.steps], np.cumsum([volume_nl for _, volume_nl in trail.steps])
    for at_ns in range(0, times[-1] + S, 41 * MS + 13):
        count = bisect.bisect_right(times, at_ns)
        assert outlet.delivered_nl(at_ns) == pytest.approx(sums[count - 1] if count else 0, abs=1e-3)
    assert outlet.weighed_ug(times[-1]) == pytest.approx(sums[-1])


def test_all_comes_out_in_the_end() -> None:
    outlet = made("dip35,line=5s", 0.7)
    trail = wandering(outlet, 1)
    end_ns = trail.steps[-1][0] + 200 * S
    brought_nl = trail.head.volume_nl(trail.angle) - trail.head.volume_nl(trail.head.first_steps)
    assert outlet.delivered_nl(end_ns) == pytest.approx(brought_nl, abs=1e-6)
    assert outlet.weighed_ug(end_ns) == pytest.approx(brought_nl, abs=1e-6)


@pytest.mark.parametrize("changes", ["line=5s", "line=0s", "line=0.7s", "ripple=150%", "pressure=50kPa,line=2s"])
def test_a_changed_head_keeps_what_the_balance_shows(changes: str) -> None:
    outlet = made("dip35,line=3s", 0.7)
    trail = wandering(outlet, 5)
    now_ns = trail.steps[-1][0] + S // 2
    shown_ug, past_nl = outlet.weighed_ug(now_ns), outlet.delivered_nl(now_ns - S)
    outlet.change(now_ns, Head(altered(trail.head.spec, changes), named(), Individual(2)), trail.angle)
    assert outlet.weighed_ug(now_ns) == pytest.approx(shown_ug, abs=1e-6)
    assert outlet.weighed_ug(now_ns + MS) == pytest.approx(shown_ug, abs=5)
    assert outlet.delivered_nl(now_ns - S) == pytest.approx(past_nl), "the past stays"
    brought_nl = trail.head.volume_nl(trail.angle) - trail.head.volume_nl(trail.head.first_steps)
    assert outlet.weighed_ug(now_ns + 100 * S) == pytest.approx(brought_nl, abs=1e-3)


def test_the_recent_past_is_kept_and_all_of_it_on_request() -> None:
    short, long = made("even"), made("even")
    long.keeps_all = True
    for outlet in (short, long):
        for number in range(3 * MOVES_KEPT):
            outlet.note(number * S + S // 2, number * S + S, float(number * 2), 2, 1.0)
    assert len(short._moves) <= 2 * MOVES_KEPT + 1
    step_nl = long.delivered_nl(S) / 2
    assert long.delivered_nl(10 * S) == pytest.approx(20 * step_nl)
    assert short.delivered_nl(10 * S) == pytest.approx(short._moves[0].begin.head_nl), "as far back as it goes"
    recent_ns = (3 * MOVES_KEPT - MOVES_KEPT // 2) * S
    assert short.delivered_nl(recent_ns) == pytest.approx(long.delivered_nl(recent_ns))
