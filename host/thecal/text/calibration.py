"""Format the pump's calibration, on every screen, so that a nominal volume is not mistaken for a weighed one."""

from __future__ import annotations

from datetime import UTC, datetime

from thecal.pump.active import Calibration
from thecal.quantities.amounts import ml


def day(utc_s: int) -> str:
    """ "2026-03-01"."""
    return datetime.fromtimestamp(utc_s, UTC).strftime("%Y-%m-%d")


def validity(calibration: Calibration) -> str:
    """ "until 2026-04-05 or 500 mL (12.3 mL used)"; "" when it holds for ever."""
    parts = []
    if calibration.get("expires_utc_s"):
        parts.append(day(calibration["expires_utc_s"]))
    if calibration.get("expires_nl"):
        parts.append(f"{ml(calibration['expires_nl'])} ({ml(calibration['delivered_nl'])} used)")
    return "until " + " or ".join(parts) if parts else ""


def line(calibration: Calibration | None) -> str:
    """Return state, id, pair and validity in one line."""
    if not calibration:
        return "none: the pump has no bench"
    pair = f"{calibration['volume_nl']} nl in {calibration['steps']} steps"
    if calibration["state"] == "UNCALIBRATED":
        return f"UNCALIBRATED: nominal, {pair}"
    expired = f" by {calibration['expired']}" if calibration.get("expired") else ""
    parts = [f"{calibration['state']}{expired}", str(calibration.get("id", "")), pair, validity(calibration)]
    return ", ".join(part for part in parts if part)


def warning(calibration: Calibration | None) -> str:
    """Return the warning of a short screen about an invalid calibration; "" if it is valid."""
    state = calibration["state"] if calibration else "UNCALIBRATED"
    return "" if state == "CALIBRATED" else f"calibration {state}" if state == "EXPIRED" else state
