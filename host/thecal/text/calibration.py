"""Format the pump's calibration, on every screen, so that a nominal volume is not mistaken for a weighed one."""

from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction

from thecal.pump.active import Calibration
from thecal.quantities import measured
from thecal.quantities.amounts import ml
from thecal.quantities.typed import decimal


def day(utc_s: int) -> str:
    """ "2026-03-01"."""
    return datetime.fromtimestamp(utc_s, UTC).strftime("%Y-%m-%d")


def validity(calibration: Calibration) -> str:
    """ "until 2026-04-05 or 500 mL (12.3 mL used)"; "" when it holds for ever."""
    parts = []
    if calibration.get("expires_utc_s"):
        parts.append(day(calibration["expires_utc_s"]))
    if calibration.get("expires_nl"):
        parts.append(f"{ml(calibration['expires_nl'])} ({measured.volume(calibration['delivered_nl'])} used)")
    return "until " + " or ".join(parts) if parts else ""


def pair(calibration: Calibration) -> str:
    """ "1000003 nl in 99991 steps"."""
    return f"{calibration['volume_nl']} nl in {calibration['steps']} steps"


def scatter(calibration: Calibration) -> str:
    """ "scatter 0.21 % in 3 runs"; "" if a pump with an older firmware does not report it."""
    runs = calibration.get("runs")
    if not runs:
        return ""
    if runs == 1:
        return "one run: scatter unknown"
    return f"scatter {decimal(Fraction(calibration['scatter_ppm'], 10_000), 2).removeprefix('~')} % in {runs} runs"


def line(calibration: Calibration | None) -> str:
    """Return state, scatter, validity and id in one line."""
    if not calibration:
        return "none: the pump has no bench"
    if calibration["state"] == "UNCALIBRATED":
        return "UNCALIBRATED: volumes are nominal, nobody has weighed"
    expired = f" by {calibration['expired']}" if calibration.get("expired") else ""
    parts = [f"{calibration['state']}{expired}", scatter(calibration), validity(calibration), str(calibration.get("id", ""))]
    return ", ".join(part for part in parts if part)


def warning(calibration: Calibration | None) -> str:
    """Return the warning of a short screen about an invalid calibration; "" if it is valid."""
    state = calibration["state"] if calibration else "UNCALIBRATED"
    return "" if state == "CALIBRATED" else f"calibration {state}" if state == "EXPIRED" else state
