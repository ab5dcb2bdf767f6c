"""Power-up: chooses the hal, builds every object, gives the start order. No logic."""

import sys

HALS = {"rp2": "hal.rp2.board", "linux": "hal.sim.board", "wasi": "hal.sim.board", "webassembly": "hal.sim.board"}


def main() -> None:
    """Runs until the link is closed; whatever happens, the motor ends disabled."""
    board = __import__(HALS[sys.platform], None, None, ("Board",)).Board()
    try:
        from app import release

        found = release.check(board.flash)  # first: hashing is slow in a full memory

        from app import boot
        from app.handlers.table import HANDLERS
        from app.pump import run
        from app.session import Session

        pump = boot.build(board, *found)
        pump.session = Session(board.link, pump, HANDLERS)
        run(pump)
    finally:
        board.make_safe()


main()
