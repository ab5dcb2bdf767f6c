"""The period of a report, from its options."""

from __future__ import annotations

from datetime import UTC, datetime

from pumpcore.units import MS_PER_S, S_PER_DAY
from thecal.errors import BadInput
from thecal.history.parts import Span
from thecal.history.timeline import Timeline
from thecal.quantities.typed import shown

EXAMPLE = 'write it like "2026-01-05" or "2026-01-05 06:00" (local time of the pump), or with its zone: "2026-01-05T06:00Z"'


class Period:
    """Typed options, checked before a pump is asked. Raises BadInput for an invalid time, or one that ends before it begins."""

    def __init__(self, from_text: str | None, to_text: str | None, days: int | None) -> None:
        if days is not None and (from_text is not None or to_text is not None):
            raise BadInput("--days can't be combined with --from or --to", "give one of them")
        self.days = days
        self.begin = None if from_text is None else moment("--from", from_text)
        self.end = None if to_text is None else moment("--to", to_text)
        if self.begin is not None and self.end is not None and not self._in_order(self.begin, self.end):
            raise BadInput(f"--from {from_text} is not before --to {to_text}", "swap them")

    def _in_order(self, begin: datetime, end: datetime) -> bool:
        """Compare two times, if both or neither have a zone; otherwise the pump's offset decides later."""
        return (begin.tzinfo is None) != (end.tzinfo is None) or begin < end

    def of(self, line: Timeline) -> Span:
        """Return the period on the axis, widened to the nearest exact moments in the journal."""
        if self.days is not None:
            return line.window(max(line.from_ms, line.to_ms - self.days * S_PER_DAY * MS_PER_S), line.to_ms)
        if (self.begin or self.end) and not line.time_is_known():
            raise BadInput("the pump did not know the time of day", "remove --from and --to, or give --days")
        return line.window(at(line, self.begin), at(line, self.end))


def moment(option: str, text: str) -> datetime:
    """Parse an ISO date and time. Raises BadInput that names the option."""
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError:
        raise BadInput(f"{option} {shown(text)} is not a date", EXAMPLE) from None


def at(line: Timeline, when: datetime | None) -> int | None:
    """Return a time on the axis; a time without a zone is the pump's local time."""
    if when is None:
        return None
    if when.tzinfo is None:
        return round((when.replace(tzinfo=UTC).timestamp() - line.offset_s(line.to_ms)) * MS_PER_S)
    return round(when.timestamp() * MS_PER_S)
