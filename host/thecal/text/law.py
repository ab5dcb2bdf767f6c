"""By which law a pump doses, in words: by volume, or by angle and why, with the command that brings dosing by volume back."""

from __future__ import annotations

from typing import Any, NamedTuple

from pumpcore.wire.laws import LAWS

VERIFY = "thecal calibrate --rotor --verify --balance PORT"
LEARN = "thecal calibrate --rotor --balance PORT"
VOLUME, ANGLE = LAWS
NO_TABLE = "no_table"


class Why(NamedTuple):
    """Why a pump doses by angle, and the command that helps; "" if nothing has to be done."""

    cause: str
    do: str


# the pump's causes, pumpcore.wire.laws; a test compares the names
WHY = {
    NO_TABLE: Why("it has no table of its rotor", LEARN),
    "phase_power": Why("the rotor's angle is unknown since the pump was powered up or got another table", VERIFY),
    "phase_supply": Why("the rotor's angle is unknown since the motor's supply failed", VERIFY),
    "phase_fault": Why("the rotor's angle is unknown since a fault stopped the pump", VERIFY),
    "phase_enables": Why("the rotor's angle is unknown: the motor was switched on so often since it was found", VERIFY),
    "phase_sensor": Why("the sensor at the rotor does not answer, or shows no magnet", ""),
    "phase_shift": Why("the rotor stands 2 to 5 degrees off; the sensor sets the angle anew with the next lease but one", ""),
    "phase_slip": Why("the rotor slipped; the next start finds its angle again", ""),
    "rate": Why("what is ordered is faster than the motor can follow the table", ""),
    "asked": Why("this run was ordered by angle", ""),
    "other_bench": Why("the table was learned on another bench", LEARN),
    "other_tube": Why("the table was learned with another tube or lot", LEARN),
    "uncalibrated": Why("no weighed calibration counts", "thecal calibrate --tube NAME --balance PORT"),
    "expired": Why("the calibration has expired", "thecal calibrate --tube NAME --balance PORT"),
}


def why(cause: str) -> Why:
    """Return the words of a cause; of one that only a newer pump knows, its name."""
    return WHY.get(cause, Why(cause.replace("_", " "), ""))


def line(law: str, cause: str) -> str:
    """ "by volume", or "by angle: it has no table of its rotor"."""
    return f"by {law}" if law == VOLUME or not cause else f"by {law}: {why(cause).cause}"


def rows(status: dict[str, Any]) -> list[tuple[str, str]]:
    """Return how a pump doses, and what to do if it should be by volume; nothing for a firmware that knows one law only."""
    law, cause = status.get("law"), status.get("law_cause", "")
    if law is None:
        return []
    do = why(cause).do if law == ANGLE and cause != NO_TABLE else ""
    return [("doses", line(law, cause)), *([("by volume again", do)] if do else [])]


def short(status: dict[str, Any]) -> str:
    """Return the law for a line of few words, where it matters: of a pump with a table; else ""."""
    law, cause = status.get("law"), status.get("law_cause", "")
    return "" if law is None or cause == NO_TABLE else f"by {law}"
