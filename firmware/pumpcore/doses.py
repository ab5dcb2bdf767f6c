"""What was ordered in the last 24 powered-on hours: lockout and count of demand boluses, the sum of all boluses (R5).

Times are powered-on seconds of a bolus's first slice, rounded up; a bolus counts whole from there, whatever became of it.
"""

from pumpcore.units import S_PER_DAY

if 0:  # for the type checker alone
    from pumpcore.shapes import Settings

KEPT = 128


class Doses:
    """Rows of (start_s, volume_nl, whether a demand bolus), oldest first.

    Boluses whose records were lost may have begun until `lost_s`: for 24 hours from there on every limit counts as reached.
    """

    def __init__(self) -> None:
        self._rows: list[tuple[int, int, bool]] = []
        self.lost_s = -S_PER_DAY

    def lose(self, until_s: int) -> None:
        """Records were lost of boluses that began at `until_s` at the latest."""
        self.lost_s = max(self.lost_s, until_s)

    def unknown_s(self, now_s: int) -> int:
        """Seconds until no lost bolus can be of the last 24 hours; 0 when nothing is unknown."""
        return max(0, self.lost_s + S_PER_DAY - now_s)

    def add(self, start_s: int, volume_nl: int, demand: bool) -> None:
        """Counts a bolus; of more than 128 the oldest others are put together, in the time of the later one."""
        self._rows.append((start_s, volume_nl, demand))
        self._rows.sort()
        others = [row for row in self._rows if not row[2]]
        if len(self._rows) > KEPT and len(others) > 1:
            first, second = others[:2]
            self._rows.remove(first)
            self._rows[self._rows.index(second)] = (second[0], first[1] + second[1], False)

    def _recent(self, now_s: int) -> list[tuple[int, int, bool]]:
        self._rows = [row for row in self._rows if now_s - row[0] < S_PER_DAY]
        return self._rows

    def sum_nl(self, now_s: int) -> int:
        """Volume of all boluses that began less than 24 hours ago."""
        return sum([row[1] for row in self._recent(now_s)])

    def counted_nl(self, now_s: int, limit_nl: int) -> int:
        """`sum_nl`, and at least the whole limit while records are lost."""
        return max(self.sum_nl(now_s), limit_nl if self.unknown_s(now_s) else 0)

    def demands(self, now_s: int) -> list[int]:
        """Starts of the demand boluses that began less than 24 hours ago, oldest first."""
        return [row[0] for row in self._recent(now_s) if row[2]]

    def counted(self, settings: "Settings", now_s: int) -> int:
        """How many demand boluses count, all that are allowed while records are lost."""
        return max(len(self.demands(now_s)), settings.demand_per_day if self.unknown_s(now_s) else 0)

    def room_s(self, now_s: int, volume_nl: int, limit_nl: int) -> int:
        """Seconds until a bolus of `volume_nl` keeps the sum within `limit_nl`; it must fit alone."""
        rows = self._recent(now_s)
        over_nl = sum([row[1] for row in rows]) + volume_nl - limit_nl
        unknown_s = wait_s = self.unknown_s(now_s)
        for start_s, its_nl, _ in rows:
            if over_nl <= 0:
                break
            over_nl -= its_nl
            wait_s = max(unknown_s, start_s + S_PER_DAY - now_s)
        return wait_s

    def barred(self, settings: "Settings", now_s: int) -> tuple[str, int]:
        """(fault, seconds to wait) of what forbids a demand bolus; ("", 0) when nothing does."""
        starts = self.demands(now_s)
        if not settings.demand_on:
            return "demand_off", 0
        if starts and now_s - starts[-1] < settings.lockout_s:
            return "demand_locked", starts[-1] + settings.lockout_s - now_s
        wait_s = self.unknown_s(now_s)
        if len(starts) >= settings.demand_per_day:
            wait_s = max(wait_s, starts[-settings.demand_per_day] + S_PER_DAY - now_s)
        return ("demand_count", wait_s) if wait_s else ("", 0)
