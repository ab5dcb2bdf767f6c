"""Setting the clock or a transition while something runs that was judged beside the basal of its time (R5, R11)."""

import pytest

from pumpcore.units import ceil_div
from support.programs import MONDAY_UTC_S, day
from support.pump.running import BENCH, Watched, running

LOW_NL = 3_600_000
CEILING_NL = BENCH["ceilings"]["rate_nl"]
HIGH_NL = CEILING_NL * 4 // 7
FAST_NL = CEILING_NL * 6 // 7
FITS_NL = CEILING_NL * 3 // 7
EIGHT_S = MONDAY_UTC_S + 8 * 3600


class Judged(Watched):
    """Checks in every turn what is planned of basal and bolus together."""

    highest_nl = 0

    def look(self) -> None:
        super().look()
        span = self.pump.delivery.span
        if span is not None and not span.alone:
            parts = span.basal.temporary.parts() if span.basal.temporary else 1
            rate_nl = ceil_div(span.rate_nl, parts)
            if span.bolus is not None:
                rate_nl += ceil_div(span.bolus.rate_nl * 3600, span.bolus.rate_seconds_s)
            self.highest_nl = max(self.highest_nl, rate_nl)
            assert rate_nl <= CEILING_NL


def before_eight(seconds: int) -> Judged:
    pump = running(day((0, 0, LOW_NL), (8, 0, HIGH_NL)), EIGHT_S - seconds)
    judged = Judged(pump.image(), EIGHT_S - seconds)
    judged.advance(0.05)
    judged.call("start")
    judged.advance(5)
    return judged


def nudge(pump: Watched, by_s: int = 2) -> dict:
    return pump.ask("clock.set", utc_s=pump.board.clock.utc_s() + by_s, offset_s=0)


@pytest.mark.rule("R5")
def test_a_clock_that_is_set_again_and_again_brings_no_higher_basal_beside_a_bolus() -> None:
    pump = before_eight(90)
    pump.call("bolus.start", token=pump.token(), volume_nl=FAST_NL // 60, rate_nl=FAST_NL)  # 60 s
    refused = []
    for _ in range(20):
        pump.advance(2)
        refused.append(nudge(pump).get("error", {"data": {"fault": ""}})["data"]["fault"])
        assert "result" in nudge(pump, 0)
    pump.advance(180)
    assert set(refused) == {"bolus_active"} and pump.highest_nl >= FAST_NL and pump.pump.delivery.span.rate_nl == HIGH_NL
    assert "result" in nudge(pump)


@pytest.mark.rule("R5")
def test_a_transition_that_is_learned_brings_none_either() -> None:
    pump = before_eight(1800)
    pump.call("bolus.start", token=pump.token(), volume_nl=FAST_NL // 6, rate_nl=FAST_NL)  # 10 minutes
    pump.advance(5)
    summer = {"utc_s": pump.board.clock.utc_s(), "offset_s": 0, "transition_utc_s": EIGHT_S - 1500, "transition_offset_s": 3600}
    reply = pump.ask("clock.set", **summer)
    pump.advance(600)
    assert reply["error"]["data"]["fault"] == "bolus_active" and pump.highest_nl >= FAST_NL


@pytest.mark.rule("R5")
def test_a_part_above_the_basal_keeps_the_clock_too() -> None:
    pump = before_eight(90)
    pump.call("temporary.start", token=pump.token(), rate_nl=0, numerator=2, denominator=1, duration_s=70)
    refused = []
    for _ in range(20):
        pump.advance(2)
        refused.append(nudge(pump).get("error", {"data": {"fault": ""}})["data"]["fault"])
    pump.advance(120)
    assert set(refused) == {"temporary_active"} and "result" in nudge(pump)


@pytest.mark.rule("R11")
def test_the_clock_is_set_beside_what_fits_beside_every_basal_of_the_week() -> None:
    pump = before_eight(90)
    pump.call("temporary.start", token=pump.token(), rate_nl=0, numerator=1, denominator=2, duration_s=600)
    pump.call("bolus.start", token=pump.token(), volume_nl=FITS_NL // 60, rate_nl=FITS_NL)
    for _ in range(20):
        pump.advance(2)
        assert "result" in nudge(pump)
    pump.advance(60)
    assert pump.pump.delivery.span.entry % 2 == 1  # past eight by the clock
