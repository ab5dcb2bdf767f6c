"""The place of every edge while the flash is being written."""

from __future__ import annotations

from bench import boards
from bench.table import Peer, Row, at_most
from support.emulator.board import EmulatedBoard

PHYSICAL = "8 ns, one cycle of the PIO"
_SLICE_STEPS, _SLICE_US = 331, 332_000  # 997 a second
_RUN_MS = {boards.TYPICAL: 1_200, boards.WORST: 2_500}
_LOOP_STEPS, _EVERY = 400, 50  # a flush every 50 steps of 1 ms


def rows() -> list[Row]:
    found = []
    for erase_ns in (boards.TYPICAL, boards.WORST):
        for busy in (True, False):
            found += _condition(erase_ns, busy)
    return found


def _condition(erase_ns: int, busy: bool) -> list[Row]:
    within_us, ends_us, remark = ours_us(erase_ns, busy)
    peers = [_timer_peer(erase_ns, busy, soft=True), _timer_peer(erase_ns, busy, soft=False)]
    if busy:  # their waiting is the CPU's work
        peers += [_loop_peer(erase_ns, "sleep_loop", "`sleep_us` loop"), _loop_peer(erase_ns, "deadline_loop", "`ticks_us` deadline loop")]
    when = f"erase {erase_ns // 1_000_000} ms, CPU {'busy' if busy else 'asleep'}"
    name = f"largest edge error at {boards.RATE_HZ}/s, record flushed every 50 ms: {when}"
    return [
        Row(name, "us", within_us, at_most(0.5), PHYSICAL, tuple(peers), remark=remark),
        Row(f"the same at the ends of slices: {when}", "us", ends_us, at_most(0), PHYSICAL),
    ]


def ours_us(erase_ns: int, busy: bool) -> tuple[float, float, str]:
    """Return (largest error within a slice, at the ends of slices, remarks)."""
    with boards.ours(erase_ns) as ours:
        ours.run("before = stepper.steps_done(), stepper.underruns()")
        ours.run(f"feeder = ours.Feeder(board, {_SLICE_STEPS}, {_SLICE_US})\nfeeder.turn()")
        ours.run(f"load.run({_RUN_MS[erase_ns]}, {busy}, feeder.turn)")
        disagreed, underruns, steps = ours.ask("(feeder.disagreed, stepper.underruns() - before[1], stepper.halt() - before[0])")
        edges_ns = ours.rises()
    if disagreed or underruns or steps != len(edges_ns):
        raise RuntimeError(f"{disagreed} disagreements, {underruns} underruns, {steps} steps reported, {len(edges_ns)} on the pin")
    slice_ns = 1000 * _SLICE_US
    origin_ns = edges_ns[_SLICE_STEPS - 1] - slice_ns  # the end of the first slice is exact
    errors_ns = [abs(at_ns - origin_ns - slice_ns * number / _SLICE_STEPS) for number, at_ns in enumerate(edges_ns, 1)]
    ends_ns = errors_ns[_SLICE_STEPS - 1 :: _SLICE_STEPS]
    return max(errors_ns) / 1000, max(ends_ns) / 1000, f"{len(edges_ns)} steps, {len(ends_ns)} slices"


def _timer_peer(erase_ns: int, busy: bool, soft: bool) -> Peer:
    files = {**boards.programs("chip/load", "peers/timer_hard"), **boards.micropython_stepper()}
    begin = f"from stepper import Stepper\ns = Stepper({boards.STEP}, {boards.DIR}, speed_sps={boards.RATE_HZ})\ns.free_run(1)"
    if not soft:
        begin = f"import timer_hard\ns = timer_hard.Stepper({boards.STEP})\ns.start({boards.RATE_HZ})"
    with boards.board(files, erase_ns) as board:
        board.exec(f"import load\n{begin}")
        board.exec(f"load.run({_RUN_MS[erase_ns]}, {busy})\ns.stop()")
        name = boards.peer_name() if soft else "Timer(hard=True)"
        return _peer(name, board, "")


def _loop_peer(erase_ns: int, loop: str, name: str) -> Peer:
    with boards.board(boards.programs("chip/load", "peers/loops"), erase_ns) as board:
        board.exec("import load, loops\nlog = load.Log()")
        board.exec(f"loops.{loop}({boards.STEP}, {boards.RATE_HZ}, {_LOOP_STEPS}, log.append, {_EVERY})")
        return _peer(name, board, "flushes in the loop")


def _peer(name: str, board: EmulatedBoard, remark: str) -> Peer:
    edges_ns = board.pins.rises(boards.STEP)
    due = round((edges_ns[-1] - edges_ns[0]) * boards.RATE_HZ / 1e9) + 1
    seen = f"{len(edges_ns)} of {due} steps, then {boards.shortest_gap_us(edges_ns):.0f} us apart"
    return Peer(name, boards.largest_error_us(edges_ns, boards.RATE_HZ), remark=f"{remark}; {seen}" if remark else seen)
