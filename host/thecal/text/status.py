"""Format a status reply. Volumes come from steps by the pump's own calibration."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from pumpcore.fluid.front import OLD
from thecal.pump import delivering
from thecal.pump.active import content_of
from thecal.quantities.amounts import clock_text, doses_text, made_text, ml, ml_per_h, span, steps_text
from thecal.text import calibration as calibration_text
from thecal.text import line as line_text
from thecal.text import protocol as protocol_text
from thecal.text.faults import fault_text, severity

if TYPE_CHECKING:
    from thecal.pump.clock import Reading

Status = dict[str, Any]


def basal_text(status: Status) -> str:
    if status.get("entry_rate_nl") is None or not status.get("rate_seconds_s"):
        return "none"
    text = ml_per_h(status["entry_rate_nl"], status["rate_seconds_s"])
    if status.get("next_change_s"):
        text += f", next change in {span(status['next_change_s'])}"
    return text


def rate_text(status: Status) -> str:
    """Return the present rate and its parts: "2.6 mL/h (basal 2 mL/h, demand bolus 0.6 mL/h)"."""
    found = delivering.parts_of(status)
    total = sum((part.nl_per_s for part in found), Fraction(0))
    text = ml_per_h(total.numerator, total.denominator)
    if len(found) > 1:
        text += " (" + ", ".join(f"{what} {ml_per_h(rate.numerator, rate.denominator)}" for what, rate in found) + ")"
    elif found and found[0].name != delivering.BASAL:
        text += f" ({found[0].name})"
    return text + (" (paused at a ceiling)" if status["state"] == "limited" else "")


def doses_rows(status: Status) -> list[tuple[str, str]]:
    """Return the present dose of each drug, if the program has several."""
    drugs, line = status.get("drugs") or [], line_text.of(status)
    rate = sum((part.nl_per_s for part in delivering.parts_of(status)), Fraction(0))
    if len(drugs) < 2 or not rate:
        return []
    if line is not None and line["needs"]:
        if line.get("phase") != OLD:
            return [("doses", "uncertain: two contents are in the line")]
        drugs = [{"name": name, "ng": ng, "nl": nl} for name, ng, nl in content_of(line, "old")]
    known = [(drug["name"], Fraction(drug["ng"], drug["nl"])) for drug in drugs if drug["nl"]]
    return [("doses", doses_text(rate.numerator, rate.denominator, known))]


def bolus_text(status: Status) -> str:
    bolus = status.get("bolus")
    if not bolus:
        return "none"
    purpose = bolus.get("purpose", "manual")
    made, ordered = (made_text(bolus[name], status["calibration"]) for name in ("delivered_steps", "ordered_steps"))
    text = f"{bolus['state']}, {made} of {ordered} (token {bolus['token']})"
    return text if purpose == "manual" else f"{purpose}: {text}"


def temporary_text(status: Status) -> str:
    """ "basal x 1/2, 1 h 20 min left"."""
    temporary = status["temporary"]
    pair = f"{temporary['numerator']}/{temporary['denominator']}"
    rate = f"basal x {pair}" if temporary["denominator"] else ml_per_h(temporary["rate_nl"], status["rate_seconds_s"])
    return f"{rate}, {span(temporary['rest_s'])} left (token {temporary['token']})"


def line_rows(status: Status) -> list[tuple[str, str]]:
    """Return the two solutions in the line, and the necessary step before a start."""
    line = line_text.of(status)
    if line is None:
        return []
    needs = line_text.need(line) if not line["phase"] else ""
    return [("line", line_text.text(line)), *([("before a start", needs)] if needs else [])]


def library_rows(therapy: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the drug library of the program, and the confirmed soft limits."""
    if not therapy.get("library"):
        return []
    text = f"{therapy['library']}, version {therapy.get('library_version', 'unknown')}"
    passed = ", ".join(therapy.get("overrides") or [])
    return [("library", f"{text}; soft limits confirmed: {passed}" if passed else text)]


def rows(status: Status, clock: Reading | None = None) -> list[tuple[str, str]]:
    """Return (label, text) of everything a person needs; `clock`: the error of the pump's clock."""
    calibration = status["calibration"]
    name, digest = status.get("program_name"), status.get("program_digest") or ""
    delivered = [
        ("delivered", steps_text(status["delivered_steps"], calibration)),
        ("ordered", f"{status['ordered_steps']} steps; the guard's counter is at {status['guard_steps']}"),
        ("uncertain", steps_text(status["uncertain_steps"], calibration)),
        ("leased", f"{ml(status['hour_nl'])} in the last hour, {ml(status['day_nl'])} in 24 h, in whole leases (the ceilings count these)"),
    ]
    return [
        ("state", status["state"] + (" (checking itself after power-up)" if status.get("checking") else "")),
        ("program", f"{name} ({digest[:12]})" if name else "none"),
        ("delivers", rate_text(status)),
        *doses_rows(status),
        ("basal", basal_text(status)),
        *([("protocol", protocol_text.now_text(status))] if status.get("protocol") else []),
        ("bolus", bolus_text(status)),
        *([("extended bolus", bolus_text({**status, "bolus": status["extended"]}))] if status.get("extended") else []),
        *([("temporary rate", temporary_text(status))] if status.get("temporary") else []),
        *line_rows(status),
        *delivered,
        ("calibration", calibration_text.line(calibration)),
        ("clock", clock_text(status["utc_s"], status["offset_s"]) + (f" ({clock.text()})" if clock and status["utc_s"] else "")),
        *([("motor supply", f"{status['motor_supply_mv'] / 1000:.1f} V")] if status.get("motor_supply_mv") is not None else []),
        *library_rows(status.get("therapy") or {}),
        ("boot", f"{status['boot']}, powered on {span(status['powered_on_s'])}"),
        *[(severity(number), fault_text(number)) for number in status["alarms"]],
    ]
