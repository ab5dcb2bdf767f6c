"""How often a computer may ask, and how often it may try a key. STOP is never counted."""

from __future__ import annotations

import threading
import time

MOST_CLIENTS = 1000


class Bucket:
    """Tokens of one client: `burst` at once, then `per_s` a second."""

    def __init__(self, per_s: float, burst: float) -> None:
        self._per_s, self._burst = per_s, burst
        self._tokens, self._at_s = burst, time.monotonic()

    def take(self) -> bool:
        """Return True if a token was there."""
        now_s = time.monotonic()
        self._tokens = min(self._burst, self._tokens + (now_s - self._at_s) * self._per_s)
        self._at_s = now_s
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Limits:
    """A bucket for each client. The oldest are forgotten beyond 1,000."""

    def __init__(self, per_s: float = 40, burst: float = 200) -> None:
        self._per_s, self._burst = per_s, burst
        self._buckets: dict[str, Bucket] = {}
        self._lock = threading.Lock()

    def allow(self, client: str) -> bool:
        """Count a request. Return False if it is one too many."""
        with self._lock:
            bucket = self._buckets.pop(client, None) or Bucket(self._per_s, self._burst)
            self._buckets[client] = bucket
            while len(self._buckets) > MOST_CLIENTS:
                self._buckets.pop(next(iter(self._buckets)))
            return bucket.take()
