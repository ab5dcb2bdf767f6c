"""Pumps that booted once in the parent process, for children forked from it (support/emulator/forked.py)."""

from __future__ import annotations

from typing import Any

from support.emulator.board import EmulatedBoard
from support.rig.benches import named

_BENCHES = ("sim-clock",)
_READY_S = 15.0
_SELF_TEST_S = 0.1
_booted: dict[str, Any] = {}


def prepare() -> None:
    """Boot a pump on the usual bench; called in the parent, before the first test."""
    from support.emulator.pump import Powered

    for name in _BENCHES:
        if name not in _booted:
            bench = named(name)
            powered = Powered(bench)
            await_answer(powered.board)
            _booted[name] = powered


def await_answer(board: EmulatedBoard) -> None:
    """Run until the firmware has answered a `status`, so that its self test and its first turn are over."""
    board.await_usb()
    board.run_for(_SELF_TEST_S)
    board.write(b"status\n")
    said = bytearray()

    def answered() -> bool:
        said.extend(board.read())
        return said.endswith(b"\n") and b"result" in said

    if not board.run_until(answered, _READY_S):
        raise RuntimeError(f"the firmware does not run on the emulated board: {bytes(said[-600:]).decode(errors='replace')}")
    board.run_until_quiet()


def take(bench: dict[str, Any]) -> Any:
    """Return the booted board of this bench, once in a process; None if there is none."""
    name = bench["name"]
    if name in _booted and bench == named(name):
        return _booted.pop(name)
    return None
