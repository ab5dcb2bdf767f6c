"""Find the few time intervals near a moment, so that a long journal is not searched for every minute of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic, Protocol, TypeVar

_BUCKET_MS = 1 << 19  # nine minutes
_MOST_BUCKETS = 1 << 10  # per item, six days: a longer one is near everything



class Spanning(Protocol):
    """Something that lasts from one moment to another."""

    @property
    def from_ms(self) -> int:
        """Return the begin."""

    @property
    def to_ms(self) -> int:
        """Return the end."""


Item = TypeVar("Item", bound=Spanning)


class Near(Generic[Item]):
    """`of` may return more than the overlapping items; the caller compares the times."""

    def __init__(self, items: Iterable[Item]) -> None:
        self._items = list(items)
        self._buckets: dict[int, list[int]] = {}
        self._long: list[int] = []
        for index, item in enumerate(self._items):
            ends_ms = item.from_ms, item.to_ms
            buckets = range(min(ends_ms) // _BUCKET_MS, max(ends_ms) // _BUCKET_MS + 1)
            if len(buckets) > _MOST_BUCKETS:
                self._long.append(index)
                continue
            for bucket in buckets:
                self._buckets.setdefault(bucket, []).append(index)

    def of(self, from_ms: int, to_ms: int) -> list[Item]:
        """Return the items that may overlap this time, in their given order."""
        first, last = from_ms // _BUCKET_MS, to_ms // _BUCKET_MS
        if first == last and not self._long:
            return [self._items[index] for index in self._buckets.get(first, ())]
        if last - first >= len(self._buckets):
            return list(self._items)
        found = {index for bucket in range(first, last + 1) for index in self._buckets.get(bucket, ())}
        return [self._items[index] for index in sorted(found.union(self._long))]
