"""One row of the table: the subject, the peers' figures, ours, the limit, and whether it was held."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

EMULATED, PAPER, COMPUTED, HOST = "emulated", "on paper", "computed", "on this computer"


@dataclass(frozen=True)
class Peer:
    """Another way to do the same. `source`: where the figure comes from; `remark`: what else was seen."""

    name: str
    figure: float
    source: str = EMULATED
    remark: str = ""
    compared: bool = True  # whether our figure may be compared with it


@dataclass(frozen=True)
class Limit:
    """The required figure: a number, or (`times`) so many times better than the best peer of the run."""

    word: str  # "<=", ">=", "=" or "x"
    bound: float

    def held(self, ours: float, ratio: float | None) -> bool:
        if self.word == "x":
            return ratio is not None and ratio >= self.bound
        return _COMPARE[self.word](ours, self.bound)

    def text(self, unit: str) -> str:
        return f">= {number(self.bound)} x" if self.word == "x" else f"{self.word} {number(self.bound)} {unit}".rstrip()


_COMPARE: dict[str, Callable[[float, float], bool]] = {"<=": operator.le, ">=": operator.ge, "=": operator.eq}


def at_most(bound: float) -> Limit:
    return Limit("<=", bound)


def at_least(bound: float) -> Limit:
    return Limit(">=", bound)


def exactly(bound: float) -> Limit:
    return Limit("=", bound)


def times_better(factor: float) -> Limit:
    return Limit("x", factor)


@dataclass(frozen=True)
class Row:
    """`ours` None: not measured, and `remark` says why. `more_is_better` inverts the ratio."""

    name: str
    unit: str
    ours: float | None
    limit: Limit
    physical: str
    peers: tuple[Peer, ...] = ()
    more_is_better: bool = False
    remark: str = ""
    source: str = EMULATED
    extra: dict[str, Any] = field(default_factory=dict)

    def ratio(self) -> float | None:
        """Return how many times better than the best peer of this run; None without one, infinite if ours is 0 and less is better."""
        figures = [peer.figure for peer in self.peers if peer.source in (EMULATED, HOST) and peer.compared]
        if self.ours is None or not figures:
            return None
        ours, peer = abs(self.ours), max(figures) if self.more_is_better else min(figures)
        over, under = (ours, peer) if self.more_is_better else (peer, ours)
        if under == 0:
            return 1.0 if over == 0 else float("inf")
        return over / under

    def held(self) -> bool:
        return self.ours is not None and self.limit.held(self.ours, self.ratio())

    def as_json(self) -> dict[str, Any]:
        ratio = self.ratio()
        return {
            "row": self.name,
            "unit": self.unit,
            "peers": [{"name": peer.name, "figure": peer.figure, "source": peer.source, "remark": peer.remark} for peer in self.peers],
            "ours": self.ours,
            "source": self.source,
            "ratio_to_best_peer": None if ratio is None or ratio == float("inf") else ratio,
            "limit": self.limit.text(self.unit),
            "physical_limit": self.physical,
            "held": self.held(),
            "remark": self.remark,
            **({"extra": self.extra} if self.extra else {}),
        }


def number(value: float) -> str:
    """Format with four significant digits: 0.0123, 1.500, 32475."""
    if value == int(value) and abs(value) < 1e9:
        return f"{int(value):,}".replace(",", " ")
    if abs(value) >= 1000:
        return f"{round(value):,}".replace(",", " ")
    return f"{value:.4g}"


def ratio_text(row: Row) -> str:
    ratio = row.ratio()
    if ratio is None:
        return "-"
    return "exact" if ratio == float("inf") else f"{number(float(f'{ratio:.3g}'))} x"


HEADINGS = ("what", "peers", "ours", "ratio", "limit", "physical limit", "held")
_WIDTHS = (44, 46, 17, 10, 15, 34, 4)


def render(rows: list[Row]) -> str:
    """Return the table as text, one block of lines per row."""
    lines = [_line(HEADINGS), _line(tuple("-" * width for width in _WIDTHS))]
    for row in rows:
        lines += [*_block(row), ""]
    return "\n".join(lines[:-1])


def _block(row: Row) -> list[str]:
    ours = "not measured" if row.ours is None else f"{number(row.ours)} {row.unit}".rstrip()
    peers = [_peer_text(peer, row.unit) for peer in row.peers] or ["-"]
    if row.source != EMULATED and row.ours is not None:
        ours += f" ({row.source})"
    name = row.name + (f" [{row.remark}]" if row.remark else "")
    cells = (name, "\n".join(peers), ours, ratio_text(row), row.limit.text(row.unit), row.physical, "yes" if row.held() else "NO")
    columns = [_wrap(cell, width) for cell, width in zip(cells, _WIDTHS)]
    height = max(len(column) for column in columns)
    return [_line(tuple(column[at] if at < len(column) else "" for column in columns)) for at in range(height)]


def _peer_text(peer: Peer, unit: str) -> str:
    remarks = [text for text in (peer.source if peer.source != EMULATED else "", peer.remark) if text]
    return f"{number(peer.figure)} {unit} {peer.name}".replace("  ", " ") + (f" ({'; '.join(remarks)})" if remarks else "")


def _wrap(text: str, width: int) -> list[str]:
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for word in paragraph.split(" "):
            if line and len(line) + 1 + len(word) > width:
                lines.append(line)
                line = "  " + word
            else:
                line = f"{line} {word}" if line else word
        lines.append(line)
    return lines


def _line(cells: tuple[str, ...]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, _WIDTHS)).rstrip()
