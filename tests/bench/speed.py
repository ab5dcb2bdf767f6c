"""The highest rate, and its cost in Python time."""

from __future__ import annotations

from app.delivery.span import SLICE_S
from bench import boards
from bench.table import PAPER, Peer, Row, at_least, at_most

FASTEST_HZ = 25_000
_PULSE_NS, _LOW_NS = 3_088, 3_000
LIMIT_HZ = 164_000  # a pulse of 3.088 us and about 3 us low
_FLAT_OUT_STEPS, _ONESTEPS, _PUTS = 2_000, 200, 1_000
_SLICE_US = 200_000


def rows() -> list[Row]:
    return [_top_rate(), _generator_limit(), _python_time()]


def _top_rate() -> Row:
    """Run at the highest rate of a bench with the flash being written. The row fails unless all steps are counted and timed."""
    steps = FASTEST_HZ * _SLICE_US // 1_000_000
    with boards.ours() as ours:
        ours.run(f"before = stepper.steps_done(), stepper.underruns()\nfeeder = ours.Feeder(board, {steps}, {_SLICE_US})\nfeeder.turn()")
        ours.run("load.run(400, True, feeder.turn)")
        made, underruns = ours.ask("(stepper.halt() - before[0], stepper.underruns() - before[1])")
        _check_pulses(ours, made)
        edges_ns = ours.rises()
    if underruns:
        raise RuntimeError(f"{underruns} underruns at {FASTEST_HZ}/s")
    error_us = boards.largest_error_us(edges_ns, FASTEST_HZ)
    if error_us > 0.5:
        raise RuntimeError(f"an edge is {error_us} us from its place at {FASTEST_HZ}/s")
    return Row(
        "step rate with count and edges as above, flash being written",
        "steps/s",
        round((len(edges_ns) - 1) * 1e9 / (edges_ns[-1] - edges_ns[0])),
        at_least(FASTEST_HZ),
        "162 000: pulses of 3 us, 3 us apart",
        (*_peers(), Peer("FastAccelStepper (C)", 200_000, PAPER)),
        more_is_better=True,
        remark=f"the highest rate that a bench may have; largest error {error_us:.3g} us",
    )


def _check_pulses(ours: boards.Ours, made: int) -> None:
    rises, falls = ours.rises(), ours.board.pins.falls(boards.STEP)
    if made != len(rises):
        raise RuntimeError(f"{made} steps reported, {len(rises)} on the pin")
    high_ns = {fall - rise for rise, fall in zip(rises[:-1], falls)}  # a halt may cut the last one short
    low_ns = min(rise - fall for rise, fall in zip(rises[1:], falls))
    if high_ns != {_PULSE_NS} or low_ns < _LOW_NS:
        raise RuntimeError(f"STEP was high for {high_ns} ns and low for {low_ns} ns")


def _generator_limit() -> Row:
    steps = LIMIT_HZ // 10
    with boards.ours() as ours:
        ours.run(f"limit, stepper.max_rate_hz = stepper.max_rate_hz, {LIMIT_HZ}\nbefore = stepper.steps_done()")
        ours.run(f"stepper.queue({steps}, 100000)\nstepper.queue(0, 2000)\nstepper.send()\ntime.sleep_ms(110)\nstepper.max_rate_hz = limit")
        _check_pulses(ours, ours.ask("stepper.halt() - before"))
        edges_ns = ours.rises()
    return Row(
        "the generator's own limit, with 3.088 us high and 3 us low",
        "steps/s",
        round((len(edges_ns) - 1) * 1e9 / (edges_ns[-1] - edges_ns[0])),
        at_least(FASTEST_HZ),
        "20.8 million: six cycles a step; 3 + 3 us: 166 667",
        (Peer("FastAccelStepper (C)", 200_000, PAPER), Peer("grblHAL (C), 5 us pulse at 250 MHz", 153_800, PAPER)),
        more_is_better=True,
        remark=f"{steps} steps, all counted",
    )


def _peers() -> tuple[Peer, ...]:
    with boards.board({**boards.programs("peers/loops", "peers/onestep"), **boards.motor_library()}) as board:
        loop_us = int(board.exec(f"import loops\nprint(loops.flat_out({boards.STEP}, {_FLAT_OUT_STEPS}))"))
        one_us = int(board.exec(f"import onestep\nprint(onestep.flat_out({boards.COILS}, {_ONESTEPS}, 1, 2))"))
    return (
        Peer("Python loop, pin up, pin down", round(_FLAT_OUT_STEPS * 1e6 / loop_us), remark="alone; no timing, CPU fully used"),
        Peer("adafruit_motor onestep()", round(_ONESTEPS * 1e6 / one_us), remark="alone; no timing"),
    )


def _python_time() -> Row:
    with boards.ours() as ours:
        code = f"[ours.encode_us(board, {boards.RATE_HZ * SLICE_S}, {SLICE_S} * 1000000) for _ in range(9)]"
        taken_us = sorted(ours.ask(code))[4]
    with boards.board(boards.programs("peers/put_feed")) as board:
        put_us = int(board.exec(f"import put_feed\nprint(put_feed.feed({boards.STEP}, {_PUTS}))"))
    return Row(
        f"Python's time per 1 000 steps at {boards.RATE_HZ}/s, median",
        "ms",
        taken_us / SLICE_S / boards.RATE_HZ,
        at_most(0.5),
        "0: DMA and PIO need no CPU",
        (Peer("StateMachine.put, a word per step", put_us / _PUTS),),
        remark=f"queue and send of the app's slice, {SLICE_S} s; the words are verified",
    )
