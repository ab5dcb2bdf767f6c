"""Boot numbers: a journal record keeps the low 16 bits of one."""

from __future__ import annotations


def whole_boot(boot: int, newest_boot: int) -> int:
    """Return the highest number up to `newest_boot` with the low 16 bits of `boot`; `boot` if there is none."""
    whole = newest_boot - ((newest_boot - boot) & 0xFFFF)
    return whole if whole >= 0 else boot
