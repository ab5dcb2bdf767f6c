"""Power-up: chooses the hal, builds every object, gives the start order. No logic."""

import sys

HALS = {"rp2": "hal.rp2", "linux": "hal.sim", "wasi": "hal.sim", "webassembly": "hal.sim"}

# What only power-up needs.
ONCE = ("app.release", "app.boot", "app.loading", "app.recovery", "app.resume", "app.calibrating", "app.programs", "app.bridge",
        "app.lines", "pumpcore.crossing", "pumpcore.front", "pumpcore.program", "pumpcore.limits", "pumpcore.wire.record_types",
        "pumpcore.weighed", "pumpcore.manifest", "pumpcore.bench", "pumpcore.motor", "pumpcore.pins", "pumpcore.tables",
        "pumpcore.settings_check", "pumpcore.settings_limits")


def main() -> None:
    """Runs until the link is closed; whatever happens, the motor ends disabled."""
    hal = HALS[sys.platform]
    __import__(hal + ".imports", None, None, ("begin",)).begin()
    board = __import__(hal + ".board", None, None, ("Board",)).Board()
    try:
        pump = build(board)
        sys.modules[hal + ".imports"].built()
        board.system.forget(hal + ".imports", *ONCE)
        board.system.built()
        from app.pump import run

        run(pump)
    finally:
        board.make_safe()


def build(board: object) -> object:
    """The whole pump."""
    from app import boot, release

    return boot.build(board, *release.check(board.flash))


main()
