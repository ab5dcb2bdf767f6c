"""What still moves when the CPU is dead, and how soon the stop button works while the CPU is busy."""

from __future__ import annotations

from bench import boards
from bench.table import Peer, Row, at_most
from support.emulator.board import EmulatedBoard

_STUCK_MS = 400
_LEASED_STEPS, _QUEUED_STEPS, _RATE_HZ = 1_000, 6_000, 10_000
_FLASH_MARGIN_STEPS = 1  # the ledger books one step more than the guard allows (design, R2)
_DEBOUNCE_NS = 50_000
_PRESS_AFTER_NS, _PRESS_NS = 60_000_000, 5_000_000
_AFTER_S = 0.5


def rows() -> list[Row]:
    return [_dead_cpu(), *_button()]


def _dead_cpu() -> Row:
    with boards.ours() as ours:
        ours.board.put_files(boards.programs("chip/stuck"))
        ours.run(f"import stuck\nours.ready(board, {_LEASED_STEPS})\nbefore = stepper.steps_done()")
        ours.board.pins.clear()
        ours.run(f"stepper.queue({_QUEUED_STEPS}, {_QUEUED_STEPS * 1_000_000 // _RATE_HZ})\nstepper.send()\nstuck.stuck({_STUCK_MS})")
        made, enabled = len(ours.rises()), ours.enabled()
        reported = ours.ask("stepper.halt() - before")
    if enabled or reported != made:
        raise RuntimeError(f"enable line {'on' if enabled else 'off'}, {reported} steps reported, {made} on the pin")
    return Row(
        f"dead CPU in mid-dose, {_STUCK_MS} ms: steps beyond the flash lease",
        "steps",
        max(0, made - _LEASED_STEPS - _FLASH_MARGIN_STEPS),
        at_most(0),
        "0",
        _dead_peers(),
        remark=f"guard allowed {_LEASED_STEPS}, {_QUEUED_STEPS} queued, {made} made, then disabled",
    )


def _dead_peers() -> tuple[Peer, ...]:
    free = _dead_peer(boards.programs("peers/put_feed"), f"import put_feed\nput_feed.free_run({boards.STEP})")
    code = f"from stepper import Stepper\ns = Stepper({boards.STEP}, {boards.DIR}, speed_sps={boards.RATE_HZ})\ns.free_run(1)"
    soft = _dead_peer(boards.micropython_stepper(), code)
    return (
        Peer("PIO stepping by itself at 1000/s", free, remark="for ever; nobody is left to stop it"),
        Peer(boards.peer_name(), soft, remark="stalls, with the motor left enabled", compared=False),
    )


def _dead_peer(files: boards.Files, begin: str) -> int:
    """Return the steps made after the CPU hangs."""
    with boards.board({**files, **boards.programs("chip/stuck")}) as board:
        board.exec(f"import stuck\n{begin}\nfrom machine import Pin\nmark = Pin({boards.MARK}, Pin.OUT, value=0)")
        board.exec(f"mark.value(1)\nstuck.stuck({_STUCK_MS})\nmark.value(0)")
        (begin_ns,), (end_ns,) = board.pins.rises(boards.MARK), board.pins.falls(boards.MARK)
        return sum(begin_ns < at_ns < end_ns for at_ns in board.pins.rises(boards.STEP))


def _button() -> list[Row]:
    """Press the stop button in the middle of an erase of 400 ms."""
    steps, late_us = _our_button()
    peer_steps, peer_us = _peer_button()
    return [
        Row(
            "stop button in an erase of 400 ms: steps after the debounce",
            "steps",
            steps,
            at_most(1),
            "0",
            (Peer("Timer(hard=True), pin interrupt", peer_steps, remark="missed ticks are made up in a burst"),),
        ),
        Row(
            "the same: from the press to the last edge",
            "us",
            late_us,
            at_most(_DEBOUNCE_NS / 1000 + 1e6 / boards.RATE_HZ),
            "22 us of debounce, then 8 ns",
            (Peer("Timer(hard=True), pin interrupt", peer_us),),
            remark="limit: debounce of 50 us and one step",
        ),
    ]


def _our_button() -> tuple[int, float]:
    with boards.ours(boards.WORST) as ours:
        ours.run(f"log = load.Log()\nstepper.queue({2 * boards.RATE_HZ}, 2000000)\nstepper.send()")
        found = _press_while_flushing(ours.board)
        if ours.enabled() or not ours.ask("board.buttons.stop_pressed()"):
            raise RuntimeError("the stop button did not stop")
        ours.run("stepper.halt()\nboard.buttons.clear_stop()")
    return found


def _peer_button() -> tuple[int, float]:
    with boards.board(boards.programs("chip/load", "peers/timer_hard", "peers/button_irq"), boards.WORST) as board:
        board.exec(
            "import load, button_irq, time\nlog = load.Log()\n"
            f"s = button_irq.StoppableStepper({boards.STEP}, {boards.STOP_BUTTON})\ns.start({boards.RATE_HZ})"
        )
        return _press_while_flushing(board)


def _press_while_flushing(board: EmulatedBoard) -> tuple[int, float]:
    """Return (steps after press and debounce, us from the press to the last edge or 0)."""
    pressed_ns: list[int] = []

    def press() -> None:
        pressed_ns.append(board.now_ns())
        board.set_pin(boards.STOP_BUTTON, 1)
        board.at(_PRESS_NS, lambda: board.set_pin(boards.STOP_BUTTON, 0))

    erased = board.flash.erases
    board.at(_PRESS_AFTER_NS, press)
    board.exec(f"log.append()\ntime.sleep_ms({round(_AFTER_S * 1000)})")
    if board.flash.erases == erased or not pressed_ns:
        raise RuntimeError("nothing was erased, or nobody pressed")
    edges_ns = [at_ns for at_ns in board.pins.rises(boards.STEP) if at_ns > pressed_ns[0]]
    after = sum(at_ns > pressed_ns[0] + _DEBOUNCE_NS for at_ns in edges_ns)
    return after, (max(edges_ns) - pressed_ns[0]) / 1000 if edges_ns else 0.0
