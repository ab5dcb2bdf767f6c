"""The unit of volumes that the user prefers to read."""

from __future__ import annotations

from thecal.files import config


def volume_unit() -> str:
    """Return "mL" or "uL" by THECAL_UNITS or the config file; "" if the user has not chosen. Raises BadInput for another unit."""
    return config.default("units") or ""
