"""The end of the tube: what the rotor's moves deliver there, through the line, and what a balance with a lag shows of it.

O(moves), where a move is a run of evenly spaced steps, plus a small part per chunk of steps where a line or a lag remembers. The line is
R C, the balance is first order; both are exact for steps that happen at once, evenly inside of a chunk.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from typing import NamedTuple

from thecal.sim.world.head import Head

MOVES_KEPT = 512
# a chunk is a four-hundredth of a roller's angle at 3 rollers: finer than any release
_CHUNKS_PER_TURN = 800
_NS_PER_S = 1e9


class Memory(NamedTuple):
    """At one moment: volume that the head brought; volume stored in the line; sum of the lag's tails of what the head brought."""

    head_nl: float
    stored_nl: float
    tail_nl: float


class Move(NamedTuple):
    """`steps` of `step` motor steps each (a fraction or negative when the rotor jumps), the first at `first_ns`. `begin` is the
    moment before the first."""

    first_ns: int
    last_ns: int
    from_steps: float
    steps: int
    step: float
    head: Head
    line_s: float
    begin: Memory


class Outlet:
    """The tube's end of one head. `density_mg_per_ml` and `lag_s` are the balance's. Times are true ns and never fall."""

    def __init__(self, head: Head, density_mg_per_ml: float = 998.2, lag_s: float = 0.0) -> None:
        self.keeps_all = False
        self._ug_per_nl = density_mg_per_ml / 1000
        self._lag_s = lag_s
        self._chunk = max(1, int(head.turn_steps / _CHUNKS_PER_TURN))
        start = Memory(0.0, 0.0, 0.0)
        self._moves = [Move(0, 0, head.first_steps, 0, 0.0, head, self._apart(head.spec.line_s), start)]
        self._starts_ns = [0]
        self._end: Memory | None = start

    def note(self, first_ns: int, last_ns: int, from_steps: float, steps: int, step: float) -> None:
        """Note that the rotor moved `steps` times by `step` motor steps, evenly spaced from `first_ns` to `last_ns`."""
        last = self._moves[-1]
        self._add(Move(first_ns, last_ns, from_steps, steps, step, last.head, last.line_s, self._at_rest(first_ns)))

    def change(self, now_ns: int, head: Head, angle_steps: float) -> None:
        """Put another head and line there; the line's content and the balance's display stay for the moment."""
        memory, line_s = self._at_rest(now_ns), self._apart(head.spec.line_s)
        missing_nl = memory.head_nl - self._shown_nl(memory, self._moves[-1].line_s)
        stored_nl = memory.stored_nl if line_s else 0.0
        tail_nl = self._tail_nl(missing_nl, stored_nl, line_s)
        self._add(Move(now_ns, now_ns, angle_steps, 0, 0.0, head, line_s, Memory(memory.head_nl, stored_nl, tail_nl)))

    def delivered_nl(self, at_ns: int) -> float:
        """Return the volume that left the line by a time; as far back as the moves that are kept."""
        memory, _ = self._at(at_ns)
        return memory.head_nl - memory.stored_nl

    def delivered_ug(self, at_ns: int) -> float:
        """Return the mass that left the line by a time."""
        return self.delivered_nl(at_ns) * self._ug_per_nl

    def weighed_ug(self, at_ns: int) -> float:
        """Return the mass as a balance with this lag shows it."""
        return self.weighed_nl(at_ns) * self._ug_per_nl

    def weighed_nl(self, at_ns: int) -> float:
        """Return the volume as a balance with this lag shows it, without its other errors."""
        return self._shown_nl(*self._at(at_ns))

    # --- memory of line and balance

    def _apart(self, line_s: float) -> float:
        """Return a time constant that differs from the balance's: the formula has no other answer for equal ones."""
        return line_s * 1.0001 if line_s and abs(line_s - self._lag_s) < line_s * 1e-5 else line_s

    def _shown_nl(self, memory: Memory, line_s: float) -> float:
        head_nl, stored_nl, tail_nl = memory
        if not self._lag_s:
            return head_nl - stored_nl
        if not line_s:
            return head_nl - tail_nl
        return head_nl - (line_s * stored_nl - self._lag_s * tail_nl) / (line_s - self._lag_s)

    def _tail_nl(self, missing_nl: float, stored_nl: float, line_s: float) -> float:
        """Return the lag's tail with which the balance shows `missing_nl` less than the head brought."""
        if not self._lag_s:
            return 0.0
        return (line_s * stored_nl - missing_nl * (line_s - self._lag_s)) / self._lag_s if line_s else missing_nl

    def _faded(self, memory: Memory, line_s: float, after_ns: int) -> Memory:
        stored_nl = memory.stored_nl * math.exp(-after_ns / _NS_PER_S / line_s) if line_s else 0.0
        tail_nl = memory.tail_nl * math.exp(-after_ns / _NS_PER_S / self._lag_s) if self._lag_s else 0.0
        return Memory(memory.head_nl, stored_nl, tail_nl)

    # --- moves

    def _add(self, move: Move) -> None:
        self._moves.append(move)
        self._starts_ns.append(move.first_ns)
        self._end = None
        if len(self._moves) > 2 * MOVES_KEPT and not self.keeps_all:
            del self._moves[:MOVES_KEPT], self._starts_ns[:MOVES_KEPT]

    def _at_rest(self, now_ns: int) -> Memory:
        """Return the memory after all moves so far, before the next one."""
        last = self._moves[-1]
        if self._end is None:
            self._end = self._after(last, last.steps)
        return self._faded(self._end, last.line_s, now_ns - last.last_ns)

    def _at(self, at_ns: int) -> tuple[Memory, float]:
        """Return memory and line at a time."""
        number = max(0, bisect_right(self._starts_ns, at_ns) - 1)
        move = self._moves[number]
        if at_ns < move.first_ns:
            return move.begin, move.line_s
        if at_ns < move.last_ns:
            span_ns, gaps = move.last_ns - move.first_ns, move.steps - 1
            gap = (at_ns - move.first_ns) * gaps // span_ns
            memory, passed_ns = self._after(move, gap + 1), at_ns - move.first_ns - gap * span_ns // gaps
        elif number == len(self._moves) - 1:
            return self._at_rest(at_ns), move.line_s
        else:
            memory, passed_ns = self._after(move, move.steps), at_ns - move.last_ns
        return self._faded(memory, move.line_s, passed_ns), move.line_s

    def _after(self, move: Move, done: int) -> Memory:
        """Return the memory right after the first `done` steps of a move."""
        head, begin = move.head, move.begin
        if not done:
            return begin
        volume_nl, origin_nl = head.volume_nl, head.volume_nl(move.from_steps)
        if not move.line_s and not self._lag_s:
            return Memory(begin.head_nl + volume_nl(move.from_steps + done * move.step) - origin_nl, 0.0, 0.0)
        now_nl = volume_nl(move.from_steps + move.step)
        stored_nl, tail_nl = begin.stored_nl + now_nl - origin_nl, begin.tail_nl + now_nl - origin_nl
        if done > 1:
            period_s = (move.last_ns - move.first_ns) / (move.steps - 1) / _NS_PER_S
            line, lag = Fading(move.line_s, period_s, self._chunk), Fading(self._lag_s, period_s, self._chunk)
            steps = 1
            while steps < done:
                count = min(self._chunk, done - steps)
                steps += count
                before_nl, now_nl = now_nl, volume_nl(move.from_steps + steps * move.step)
                each_nl = (now_nl - before_nl) / count
                stored_nl, tail_nl = line.after(stored_nl, each_nl, count), lag.after(tail_nl, each_nl, count)
        return Memory(begin.head_nl + now_nl - origin_nl, stored_nl, tail_nl)


class Fading:
    """A store that loses its content with a time constant while `each_nl` comes at the end of each period; always empty without one."""

    def __init__(self, constant_s: float, period_s: float, chunk: int) -> None:
        kept = math.exp(-period_s / constant_s) if constant_s else 0.0
        self._factors = [(0.0, 0.0)]
        for _ in range(chunk):
            old, new = self._factors[-1] if len(self._factors) > 1 else (1.0, 0.0)
            self._factors.append((old * kept, new * kept + 1))
        self._is_store = bool(constant_s)

    def after(self, content_nl: float, each_nl: float, count: int) -> float:
        """Return the content after `count` periods, at most a chunk."""
        if not self._is_store:
            return 0.0
        old, new = self._factors[count]
        return content_nl * old + each_nl * new
