"""The stop machine on the emulated chip while the driver chops beside the stop lead: with 3.3 kOhm, 1 kOhm and 10 nF every press is seen.

The levels come from a model of the lead (support/models/stop_wire.py). Nobody has measured one.
"""

import pytest

from support.emulator.motor_bench import ENABLE, STOP, MotorBench
from support.models.stop_wire import CHOP_NS, MIDDLE, STEP_NS, WORST, Lead, Pad, edges, longest_high_ns, voltages

MS = 1_000_000
WITHIN_NS, HIDDEN_NS = MS, 20 * MS
PRESS_NS = 2 * MS  # after the code has begun
FILTER = {"resistor_ohm": 3_300, "series_ohm": 1_000, "capacitor_nf": 10}
PULLS = (50_000, 80_000)  # the ends of the RP2040's pull-up
NEEDED_NS = 22_000  # of unbroken high
RIPPLE_STEPS = 2 * CHOP_NS // STEP_NS


def press(bench: MotorBench, lead: Lead, pad: Pad, lasts_ns: int) -> int | None:
    """Open the contact beside the motor wires; return after how many ns the enable line was cut, None for not in `lasts_ns`."""
    bench.run("ready(100)")
    bench.clear()
    found_v = voltages(lead, lasts_ns)
    pressed: list[int] = []
    bench.board.at(PRESS_NS, lambda: pressed.append(bench.board.now_ns()))
    for at_ns, level in edges(found_v, pad):
        bench.board.at(PRESS_NS + at_ns, lambda level=level: bench.board.set_pin(STOP, level))
    bench.run(f"time.sleep_ms({(PRESS_NS + lasts_ns) // MS + 2})")
    cuts = [at_ns for at_ns, level in bench.board.pins.edges(ENABLE) if level == bench.off_level]
    assert bench.enabled() == (not cuts)
    assert bench.ask("board.look().stop_pressed") is bool(cuts)
    return cuts[0] - pressed[0] if cuts else None


@pytest.mark.quick
@pytest.mark.rule("R1")
@pytest.mark.parametrize("motor_wires", [1, 2])
def test_a_press_beside_chopped_motor_wires_is_latched_within_a_millisecond(bench: MotorBench, motor_wires: int, record_property) -> None:
    lead = Lead(max(PULLS), motor_wires, **FILTER)
    ripple_v = voltages(lead, WITHIN_NS)[-RIPPLE_STEPS:]
    after_ns = press(bench, lead, WORST, WITHIN_NS)
    assert after_ns is not None and after_ns <= WITHIN_NS
    ripple_mv = 1000 * (max(ripple_v) - min(ripple_v))
    record_property(
        "figure", f"model, emulated: beside {motor_wires} motor wires latched after {after_ns / 1000:.0f} us, {ripple_mv:.0f} mV of ripple"
    )


@pytest.mark.rule("R1")
@pytest.mark.parametrize("pull_ohm", PULLS)
def test_a_press_is_latched_within_a_millisecond_although_the_resistor_to_3v3_broke(bench: MotorBench, pull_ohm: int) -> None:
    lead = Lead(pull_ohm, 2, series_ohm=FILTER["series_ohm"], capacitor_nf=FILTER["capacitor_nf"])
    after_ns = press(bench, lead, WORST, WITHIN_NS)
    assert after_ns is not None and after_ns <= WITHIN_NS


@pytest.mark.parametrize("pull_ohm", [pytest.param(PULLS[0], marks=pytest.mark.quick), PULLS[1]])
def test_without_the_filter_two_motor_wires_hide_a_press_for_20_ms(bench: MotorBench, pull_ohm: int) -> None:
    """The fault for which the filter is there: the chip's own pull-up alone never gives the machine its 22 us of unbroken high."""
    lead = Lead(pull_ohm, 2)
    assert longest_high_ns(edges(voltages(lead, HIDDEN_NS), MIDDLE), HIDDEN_NS) < NEEDED_NS
    assert press(bench, lead, MIDDLE, HIDDEN_NS) is None


@pytest.mark.rule("R1")
def test_without_the_filter_a_press_is_seen_while_the_motor_wires_are_still(bench: MotorBench) -> None:
    """So it is the motor that hides it, and not the model."""
    after_ns = press(bench, Lead(max(PULLS), 0), MIDDLE, WITHIN_NS)
    assert after_ns is not None and after_ns < 50_000
