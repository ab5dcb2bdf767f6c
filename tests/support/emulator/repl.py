"""MicroPython's raw REPL on an emulated board, in emulated time."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from support.emulator.board import EmulatedBoard

_CTRL_A, _CTRL_C, _CTRL_D = b"\x01", b"\x03", b"\x04"
_PROMPT = b"raw REPL; CTRL-B to exit\r\n>"


class RawRepl:
    """Interrupt whatever runs and stay in the raw REPL."""

    def __init__(self, board: EmulatedBoard) -> None:
        self._board = board
        board.run_for(0.05)
        board.write(b"\r" + _CTRL_C + _CTRL_C)
        board.run_for(0.05)
        board.write(b"\r" + _CTRL_A)
        self._gather(_PROMPT, 5.0)

    def run(self, code: str, timeout_s: float) -> str:
        board = self._board
        board.write(code.encode() + _CTRL_D)
        output = self._gather(_CTRL_D + b">", timeout_s)
        if not output.startswith(b"OK"):
            raise RuntimeError(f"the board did not take the code: {output[:200]!r}")
        printed, _, error = output[2:].partition(_CTRL_D)
        if error:
            raise RuntimeError(printed.decode(errors="replace") + error.decode(errors="replace"))
        return printed.decode(errors="replace")

    def _gather(self, end: bytes, timeout_s: float) -> bytes:
        """Return the output up to `end`, without it."""
        gathered = bytearray()

        def complete() -> bool:
            gathered.extend(self._board.read())
            return gathered.endswith(end)

        if not self._board.run_until(complete, timeout_s):
            raise TimeoutError(f"no {end!r} within {timeout_s} s of emulated time, only {bytes(gathered[-200:])!r}")
        return bytes(gathered[: -len(end)])
