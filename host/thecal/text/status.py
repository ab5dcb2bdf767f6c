"""Format a status reply for people: doses in mass first, volumes in mL or uL, with time left and what comes next.

Steps, leases and the guard's count are rows of their own, on request. Volumes come from steps by the pump's own calibration.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from pumpcore.fluid.front import OLD
from pumpcore.orders.bolus import DELIVERING
from pumpcore.units import S_PER_DAY
from thecal.pump import delivering
from thecal.pump.active import content_of
from thecal.quantities import measured
from thecal.quantities.amounts import clock_text, doses_text, ml_per_h, span, steps_text
from thecal.quantities.exact import ng_per_nl
from thecal.quantities.typed import decimal
from thecal.text import calibration as calibration_text
from thecal.text import law as law_text
from thecal.text import line as line_text
from thecal.text import protocol as protocol_text
from thecal.text.faults import fault_text, severity

if TYPE_CHECKING:
    from pumpcore.program.plan import Program
    from thecal.pump.clock import Reading

Status = dict[str, Any]
MOST_UG = 10_000


@dataclass(frozen=True)
class Beside:
    """What a status does not say: the active program, the bench's ceilings (of `hello`), the error of the pump's clock."""

    program: Program | None = None
    ceilings: dict[str, int] | None = None
    clock: Reading | None = None


NOTHING = Beside()


def rate(nl_per_s: Fraction, ng_per_nl: Fraction | None) -> str:
    """Format a rate, its mass first: "120 ug/day = 0.01 mL/h"."""
    text = ml_per_h(nl_per_s.numerator, nl_per_s.denominator)
    if ng_per_nl is None:
        return text
    return f"{mass_per_day(nl_per_s, ng_per_nl)} = {text}"


def mass_per_day(nl_per_s: Fraction, ng_per_nl: Fraction) -> str:
    """ "120 ug/day"; from 10 mg/day on in mg."""
    ug = nl_per_s * ng_per_nl * S_PER_DAY / 1000
    return f"{decimal(ug)} ug/day" if ug < MOST_UG else f"{decimal(ug / 1000)} mg/day"


def concentration(status: Status, program: Program | None) -> Fraction | None:
    """Return ng per nl of what leaves the tip; None if it has no concentration, or the old and the new solution mix there."""
    line = line_text.of(status) or {}
    if line.get("phase"):
        return Fraction(line["old_ng"], line["old_nl"]) if line["phase"] == "old" and line["old_nl"] else None
    told = next(iter(status.get("drugs") or ()), None)
    if told is not None:
        return Fraction(told["ng"], told["nl"]) if told["ng"] and told["nl"] else None
    return ng_per_nl(program) if program is not None else None


def rate_text(status: Status, program: Program | None = None) -> str:
    """Return the present rate and its parts: "2.6 mL/h (basal 2 mL/h, demand bolus 0.6 mL/h)"."""
    found = delivering.parts_of(status)
    per_nl = concentration(status, program)
    text = rate(sum((part.nl_per_s for part in found), Fraction(0)), per_nl)
    if len(found) > 1:
        text += " (" + ", ".join(f"{what} {rate(nl_per_s, per_nl)}" for what, nl_per_s in found) + ")"
    elif found and found[0].name != delivering.BASAL:
        text += f" ({found[0].name})"
    return text + (" (paused at a ceiling)" if status["state"] == "limited" else "")


def next_text(status: Status, program: Program | None = None) -> str:
    """Return the next rate of the schedule and when it begins: "60 ug/day = 0.005 mL/h at 18:00, in 3 h 10 min"."""
    change_s = status.get("next_change_s")
    if not change_s:
        return "none"
    when = clock_text(status["utc_s"] + change_s, status["offset_s"])[15:20] if status["utc_s"] else ""
    text = f"at {when}, in {span(change_s)}" if when else f"in {span(change_s)}"
    entry = status.get("entry")
    if program is None or entry is None or entry >= len(program.entries):
        return text
    following = program.entries[(entry + 1) % len(program.entries)][1]
    return f"{rate(Fraction(following, program.rate_seconds_s), concentration(status, program))} {text}"


def doses_rows(status: Status) -> list[tuple[str, str]]:
    """Return the present dose of each drug, if the program has several."""
    drugs, line = status.get("drugs") or [], line_text.of(status)
    flow = sum((part.nl_per_s for part in delivering.parts_of(status)), Fraction(0))
    if len(drugs) < 2 or not flow:
        return []
    if line is not None and line["needs"]:
        if line.get("phase") != OLD:
            return [("doses", "uncertain: two contents are in the line")]
        drugs = [{"name": name, "ng": ng, "nl": nl} for name, ng, nl in content_of(line, "old")]
    known = [(drug["name"], Fraction(drug["ng"], drug["nl"])) for drug in drugs if drug["nl"]]
    return [("doses", doses_text(flow.numerator, flow.denominator, known))]


def bolus_text(status: Status) -> str:
    """ "delivering, 0.2 of 0.5 mL, 12 min left (token 81...)"."""
    bolus = status.get("bolus")
    if not bolus:
        return "none"
    purpose = bolus.get("purpose", "manual")
    text = f"{bolus['state']}, {made_of(bolus, status['calibration'])}{left_text(bolus)} (token {bolus['token']})"
    return text if purpose == "manual" else f"{purpose}: {text}"


def made_of(bolus: dict[str, Any], calibration: dict[str, Any] | None) -> str:
    """Return the delivered part of an order; in steps if the pump has no bench."""
    steps = (bolus["delivered_steps"], bolus["ordered_steps"])
    if not calibration:
        return f"{steps[0]} of {steps[1]} steps"
    return measured.part(*(measured.total(one, calibration).volume_nl for one in steps))


def left_text(bolus: dict[str, Any]) -> str:
    """Return ", 12 min left" for a bolus that is being delivered."""
    if bolus["state"] != DELIVERING or not bolus.get("rate_nl") or not bolus["ordered_steps"]:
        return ""
    rest = Fraction(bolus["ordered_steps"] - bolus["delivered_steps"], bolus["ordered_steps"])
    return f", {span(int(rest * bolus.get('volume_nl', 0) * bolus['rate_seconds_s'] / bolus['rate_nl']))} left"


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


def reservoir_rows(status: Status) -> list[tuple[str, str]]:
    """Return what is left in the reservoir, and how long that lasts at the present rate."""
    told = (status.get("therapy") or {}).get("reservoir")
    if not told:
        return []
    if told.get("left_nl") is None:
        return [("reservoir", "unknown: report its refill with thecal refill")]
    flow = sum((part.nl_per_s for part in delivering.parts_of(status)), Fraction(0))
    above_nl = told["left_nl"] - told.get("empty_nl", 0)
    lasts = f", enough for {span(int(above_nl / flow))} at this rate" if flow and above_nl > 0 else ""
    return [("reservoir", f"{measured.volume(told['left_nl'])} left{lasts}")]


def delivered_text(status: Status) -> str:
    """Return the delivered total: "0.852 +- 0.004 mL in all, 0.02 mL of it uncertain after power cuts"."""
    pair, uncertain = status["calibration"], status["uncertain_steps"]
    if not pair:
        return f"{status['delivered_steps']} steps" + (f", {uncertain} of them uncertain" if uncertain else "")
    text = f"{measured.total(status['delivered_steps'], pair).text()} in all"
    return text + (f", {measured.volume(measured.total(uncertain, pair).volume_nl)} of it uncertain after power cuts" if uncertain else "")


def ceilings_text(status: Status, beside: Beside) -> str:
    """Return what the rolling windows hold of the most that bench and program allow."""
    texts = []
    for name, span_text in (("hour_nl", "in an hour"), ("day_nl", "in 24 h")):
        limits = [getattr(beside.program, name, 0), (beside.ceilings or {}).get(name)]
        most = min(filter(None, limits), default=None)
        held = measured.volume(status[name]) if most is None else measured.part(status[name], most)
        texts.append(f"{held} {span_text}")
    return ", ".join(texts)


def step_rows(status: Status) -> list[tuple[str, str]]:
    """Return the pump's own counts."""
    pair = status["calibration"]
    return [
        ("delivered", steps_text(status["delivered_steps"], pair)),
        ("ordered", f"{status['ordered_steps']} steps; the guard's counter is at {status['guard_steps']}"),
        ("uncertain", steps_text(status["uncertain_steps"], pair)),
        *([("motor", f"{status['motor_steps']} motor steps")] if "motor_steps" in status else []),
        ("leased", f"{status.get('leased_steps', status['delivered_steps'])} steps; the ceilings count whole leases"),
        *([("pair", calibration_text.pair(pair))] if pair else []),
    ]


def volumes(status: Status) -> dict[str, Any] | None:
    """Return the delivered total with the parts of its uncertainty, in nl, for `--json`; None if the pump has no bench."""
    pair = status["calibration"]
    if not pair:
        return None
    uncertain_nl = measured.total(status["uncertain_steps"], pair).volume_nl
    return {**measured.total(status["delivered_steps"], pair).as_dict(), "uncertain_nl": round(uncertain_nl)}


def supply_rows(status: Status) -> list[tuple[str, str]]:
    """Return the motor's supply, and from where on it is too high; nothing if the bench does not measure it."""
    if status.get("motor_supply_mv") is None:
        return []
    high_mv = status.get("motor_supply_high_mv")
    limit = f"too high from {high_mv / 1000:.1f} V" if high_mv else "no upper limit: supply_high_mv in the bench file"
    return [("motor supply", f"{status['motor_supply_mv'] / 1000:.1f} V ({limit})")]


def keys_rows(status: Status) -> list[tuple[str, str]]:
    """Return whether the pump has keys; nothing for a firmware that knows none."""
    texts = {
        "none": "none: everybody at the cable may change what it does",
        "set": "set: who may change what it does, thecal key says",
        "damaged": "damaged: nobody may change what it does; draw others with thecal key new",
    }
    return [("keys", texts.get(str(status["keys"]), str(status["keys"])))] if "keys" in status else []


def rows(status: Status, beside: Beside = NOTHING, steps: bool = False) -> list[tuple[str, str]]:
    """Return (label, text) of everything a person needs; `steps`: also the pump's own counts."""
    calibration, program, clock = status["calibration"], beside.program, beside.clock
    name, digest = status.get("program_name"), status.get("program_digest") or ""
    runs = status["state"] in ("running", "limited")
    return [
        ("state", status["state"] + (" (checking itself after power-up)" if status.get("checking") else "")),
        ("program", f"{name} ({digest[:12]})" if name else "none"),
        ("delivers", rate_text(status, program)),
        *doses_rows(status),
        *([("next", next_text(status, program))] if runs and status.get("next_change_s") and not status.get("protocol") else []),
        *([("protocol", protocol_text.now_text(status))] if status.get("protocol") else []),
        *([("bolus", bolus_text(status))] if status.get("bolus") else []),
        *([("extended bolus", bolus_text({**status, "bolus": status["extended"]}))] if status.get("extended") else []),
        *([("temporary rate", temporary_text(status))] if status.get("temporary") else []),
        *line_rows(status),
        ("delivered", delivered_text(status)),
        ("ceilings", ceilings_text(status, beside)),
        *reservoir_rows(status),
        ("calibration", calibration_text.line(calibration)),
        *law_text.rows(status),
        ("clock", clock_text(status["utc_s"], status["offset_s"]) + (f" ({clock.text()})" if clock and status["utc_s"] else "")),
        *supply_rows(status),
        *library_rows(status.get("therapy") or {}),
        *keys_rows(status),
        ("boot", f"{status['boot']}, powered on {span(status['powered_on_s'])}"),
        *(step_rows(status) if steps else []),
        *[(severity(number), fault_text(number)) for number in status["alarms"]],
    ]
