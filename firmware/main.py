"""Power-up: chooses the hal, builds every object, gives the start order. No logic."""

import sys

HALS = {"rp2": "hal.rp2.board", "linux": "hal.sim.board", "wasi": "hal.sim.board", "webassembly": "hal.sim.board"}


# What only power-up needs.
ONCE = ("app.release", "app.boot", "app.recovery", "app.resume", "app.calibrating",
        "pumpcore.weighed", "pumpcore.bench", "pumpcore.motor", "pumpcore.pins", "pumpcore.tables")


def main() -> None:
    """Runs until the link is closed; whatever happens, the motor ends disabled."""
    board = __import__(HALS[sys.platform], None, None, ("Board",)).Board()
    try:
        pump = build(board)
        board.system.forget(*ONCE)
        from app.pump import run

        run(pump)
    finally:
        board.make_safe()


def build(board: object) -> object:
    """The whole pump. The release is hashed first: that is slow in a full memory."""
    from app import release

    found = release.check(board.flash)

    from app import boot
    from app.handlers.table import HANDLERS, Loader
    from app.session import Session

    pump = boot.build(board, *found)
    pump.session = Session(board.link, pump, HANDLERS, Loader(board.system))
    return pump


main()
