"""Lines: a byte stream, cut at its newlines."""

from pumpcore.wire.messages import LONG_BYTES, MAX_BYTES, PIECE_BYTES, PROGRAM

if 0:  # for the type checker alone
    from pumpcore.shapes import Received


class LineBuffer:
    """Cut a byte stream into lines. Holds at most 8 KiB: a longer line is dropped up to its newline, and its bytes are counted.

    An unfinished line lies in pieces: memory that has been in use for days may have no gap that a growing one fits into. A long one with a
    program stays a list of them.
    """

    def __init__(self) -> None:
        self.pending: list[bytes] = []  # of a line without its newline so far
        self.waiting_bytes = 0
        self._dropping = False
        self.dropped_bytes = 0

    def between(self) -> bool:
        """Return True if the next byte begins a line."""
        return not self.waiting_bytes and not self._dropping

    def holds(self, data: bytes) -> bool:
        """Return True if the unfinished line has `data`, which is shorter than a piece. It takes hardly any memory."""
        before = b""
        for piece in self.pending:
            if data in piece or data in before + piece[: len(data)]:
                return True
            before = piece[-len(data) :]
        return False

    def lose(self, between: bool) -> None:
        """Drop the unfinished line. `between`: the next byte begins a line."""
        self._drop(b"")
        self._dropping = not between

    def feed(self, data: bytes) -> "list[Received | None]":
        """Return the lines that are complete now, without newlines and empty lines. An overlong line is None."""
        end = data.find(b"\n")
        if end + 1 == len(data) and 0 < end <= MAX_BYTES and self.between():
            return [] if data.isspace() else [data[:-1]]  # one whole line is by far the usual case
        if end < 0:  # without a copy, for which there may be no room
            self._keep(data)
            return []
        lines: "list[Received | None]"
        lines, parts = [], data.split(b"\n")
        rest = parts.pop()
        for part in parts:
            if len(part) > MAX_BYTES or not self.between():
                self.finish(part, lines)
            elif part and not part.isspace():
                lines.append(part)
        if rest:
            self._keep(rest)
        return lines

    def finish(self, part: bytes, lines: "list[Received | None]") -> None:
        """End a line at the newline after `part`: it began earlier, or is too long."""
        self._keep(part)
        pieces, long = self.pending, self.waiting_bytes >= LONG_BYTES
        self.pending, self.waiting_bytes = [], 0
        if self._dropping:
            self._dropping = False
            lines.append(None)
        elif long and PROGRAM in pieces[0]:
            lines.append(pieces)
        else:
            part = b"".join(pieces)
            if part and not part.isspace():
                lines.append(part)

    def _keep(self, part: bytes) -> None:
        if self._dropping or self.waiting_bytes + len(part) > MAX_BYTES:
            self._drop(part)
            return
        pieces = self.pending
        if pieces and len(pieces[-1]) < PIECE_BYTES:
            pieces[-1] += part
        else:
            pieces.append(part)
        self.waiting_bytes += len(part)

    def _drop(self, part: bytes) -> None:
        self.dropped_bytes += self.waiting_bytes + len(part)
        self.pending, self.waiting_bytes = [], 0
        self._dropping = True
