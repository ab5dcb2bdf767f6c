"""What the run delivered that a stop ended, and what it left: from the journal, after the pump has stopped."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from pumpcore.faults.faults import Refusal
from pumpcore.wire.records import STARTED_BY
from thecal.errors import ThecalError
from thecal.pump.active import program_if_allowed, read_back
from thecal.quantities import measured
from thecal.quantities.amounts import masses_text, span
from thecal.quantities.exact import drugs_of
from thecal.text.protocol import total

if TYPE_CHECKING:
    from pumpcore.program.plan import Program
    from pumpcore.wire.record_types import Record
    from thecal.pump.client import Client

FIRST_RECORDS, MOST_RECORDS = 400, 12_800  # of the journal, read backwards: a total every 5 minutes makes 288 a day
BEGINS = ("started", "run_ordered")
CHANGES = ("temporary_ordered", "program_activated")  # after one of these the steps of a run are not those of its stages
JUST_NOW_MS = 10_000  # a stop of a stopped pump writes no record


@dataclass(frozen=True)
class Ended:
    """A run that a stop ended: its steps, those of boluses among them, and its time by the pump's uptime (None if it began before the last
    power-up). `tokens`: of the boluses that ended in it. `changed`: a temporary rate or another program began in it."""

    steps: int
    lasted_s: int | None
    bolus_steps: int = 0
    tokens: frozenset[str] = frozenset()
    changed: bool = False


def ended(client: Client, status: dict[str, Any]) -> Ended | None:
    """Return the run that this stop ended; None if nothing ran, or the newest records do not have its begin."""
    newest, count = status["events_sequence"], FIRST_RECORDS
    while True:
        first = max(1, newest - count)
        records = [record for _, block in client.journal("events", first) for record in block]
        stop = next((one for one in records[::-1] if one.name == "stopped"), None)
        if stop is None or stop.boot != status["boot"] & 0xFFFF or status["uptime_ms"] - stop.uptime_ms > JUST_NOW_MS:
            return None
        begins = [one for one in records if one.name in BEGINS and one.sequence < stop.sequence and not resumes(one)]
        if begins:
            begin, same = begins[-1], begins[-1].boot == stop.boot
            lasted_s = (stop.uptime_ms - begin.uptime_ms) // 1000 if same else None
            boluses = [one for one in records if one.name == "bolus_ended" and one.sequence > begin.sequence]
            bolus_steps = sum(one.fields["delivered_steps"] for one in boluses)
            tokens = frozenset(one.fields["token"].hex() for one in boluses)
            changed = any(one.name in CHANGES and one.sequence > begin.sequence for one in records)
            return Ended(stop.fields["delivered_steps"] - begin.fields["position_steps"], lasted_s, bolus_steps, tokens, changed)
        if first == 1 or count >= MOST_RECORDS:
            return None
        count *= 4


def resumes(record: Record) -> bool:
    """Return True for a start after a power cut: the run and its protocol go on."""
    return record.name == "started" and STARTED_BY[record.fields["by"]] == "resume"


def left(status: dict[str, Any], run: Ended) -> list[str]:
    """Return what was ordered and is not delivered of the boluses that ended in this run: "0.3 of 0.5 mL of the bolus"."""
    found = []
    pair = status["calibration"]
    for name in ("bolus", "extended"):
        one = status.get(name)
        if not one or one["token"] not in run.tokens:  # the pump's status keeps the last bolus of an earlier run
            continue
        if one["state"] not in ("done", "delivering", "waiting") and one["ordered_steps"] > one["delivered_steps"]:
            rest, whole = one["ordered_steps"] - one["delivered_steps"], one["ordered_steps"]
            amount = f"{rest} of {whole} steps"
            if pair:
                amount = measured.part(*(Fraction(steps * pair["volume_nl"], pair["steps"]) for steps in (rest, whole)))
            purpose = one.get("purpose", "manual")
            found.append(f"{amount} of the {'bolus' if purpose == 'manual' else purpose + ' bolus'}")
    return found


def left_of_protocol(program: Program | None, run: Ended, calibration: dict[str, Any] | None) -> list[str]:
    """Return "4 of 5 mL of the protocol", what its stages had still to deliver; nothing for another program, one without an end, or if the
    run's steps are not those of the stages alone."""
    if program is None or program.protocol is None or calibration is None or run.changed:
        return []
    whole_nl = total(program, program.protocol).volume_nl
    if whole_nl is None:
        return []
    rest_nl = whole_nl - measured.total(run.steps - run.bolus_steps, calibration).volume_nl
    return [f"{measured.part(rest_nl, whole_nl)} of the protocol"] if rest_nl > 0 else []


@dataclass(frozen=True)
class Outcome:
    """What a stop found: the status after it, the run that it ended, and the program."""

    status: dict[str, Any]
    run: Ended | None
    program: Program | None = None

    def text(self, steps: bool = False) -> str:
        """ "this run delivered 0.852 +- 0.004 mL in 2 h 05 min; not delivered: 0.3 of 0.5 mL of the bolus"."""
        pair, run = self.status["calibration"], self.run
        if run is None:  # nothing ran, or the newest records do not say since when
            return ""
        made = f"{run.steps} steps" if not pair else self.mass(run.steps) + measured.total(run.steps, pair).text()
        lasted = "" if run.lasted_s is None else f" in {span(run.lasted_s)}"
        parts = [f"this run delivered {made}{lasted}" + (f" ({run.steps} steps)" if steps and pair else "")]
        if rest := left(self.status, run) + left_of_protocol(self.program, run, pair):
            parts.append("not delivered: " + ", ".join(rest))
        reservoir = (self.status.get("therapy") or {}).get("reservoir")
        if reservoir and reservoir.get("left_nl") is not None:
            parts.append(f"{measured.volume(reservoir['left_nl'])} left in the reservoir")
        return "; ".join(parts)

    def mass(self, steps: int) -> str:
        """Return "20 ug = ", the drug in so many steps; empty without a drug, or while the line holds more than one content."""
        if self.program is None or (self.status.get("therapy") or {}).get("line"):
            return ""
        pair, drugs = self.status["calibration"], drugs_of(self.program)
        return f"{masses_text(Fraction(steps * pair['volume_nl'], pair['steps']), drugs)} = " if drugs else ""

    def as_dict(self) -> dict[str, Any]:
        """Return steps and volume of the run, for `--json`."""
        pair, run = self.status["calibration"], self.run
        if run is None:
            return {"run": None}
        volume = measured.total(run.steps, pair).as_dict() if pair else None
        return {"run": {"steps": run.steps, "lasted_s": run.lasted_s, "delivered": volume}}


def outcome(client: Client) -> Outcome | None:
    """Ask the stopped pump. Return None if it does not answer: a stop is done whatever comes after it."""
    try:
        status = client.status()
        return Outcome(status, ended(client, status), read_back(program_if_allowed(client)))
    except (ThecalError, Refusal):
        return None
