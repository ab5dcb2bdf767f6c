"""The steps of `thecal calibrate`: it checks all typed values before it runs the pump, and stores only after a yes."""

from __future__ import annotations

import dataclasses
import time
from contextlib import AbstractContextManager, nullcontext
from fractions import Fraction
from typing import Any

from pumpcore.bench import weighed
from pumpcore.faults import faults
from pumpcore.faults.fault_texts import sentence
from pumpcore.faults.faults import Refusal
from thecal.errors import BadInput, Failed, Refused
from thecal.pump.client import Client
from thecal.pump.steering import StopNotes
from thecal.quantities.amounts import ml, span
from thecal.quantities.typed import decimal
from thecal.terminal.console import columns, confirm, data, emit_json, headed, talk
from thecal.text.calibration import line
from thecal.weighing.calibrate import review, running, water
from thecal.weighing.calibrate.fit import MOST_CV_PPM, MOST_DEVIATION_PPM, Fit, Run, fit
from thecal.weighing.calibrate.masses import Asked, Listed, Masses, OnBalance, ask, grams
from thecal.weighing.calibrate.plan import Plan, Typed
from thecal.weighing.clocks import passing

UNKNOWN_TUBE = "-"


@dataclasses.dataclass(frozen=True)
class How:
    """The options that say how to go about it."""

    yes: bool
    dry_run: bool
    as_json: bool
    accept_scatter: bool
    no_run: bool
    balance: str | None
    masses: list[str]
    tares: list[str]


def list_all(client: Client, how: How) -> None:
    """List the active calibration and the earlier ones."""
    pump = client.calibration_read()
    if how.as_json:
        rows = [pump["calibration"], *pump["history"]]
        emit_json({**pump, "decoded": [one.describe() for one in map(review.decoded, rows) if one]})
        return
    talk(line(pump["status"]))
    rows = review.history(pump)
    data(headed(rows) if len(rows) > 1 else "no calibration was weighed on this bench")


def forget(client: Client, how: How) -> None:
    """Return to the nominal calibration; the history stays."""
    pump = client.calibration_read()
    client.calibration_check(b"")
    talk(headed(review.side_by_side(pump, None)))
    if how.dry_run:
        return
    confirm("Return to the nominal calibration?", how.yes)
    told = client.calibration_set(b"")
    report(told, how)


def weigh(client: Client, typed: Typed, how: How, verify: bool) -> None:
    """Run and weigh; then fit and store, or with `verify` only compare."""
    guided = not how.masses and not how.dry_run
    pump = client.calibration_read()
    typed = completed(typed, verify, guided)
    plan = Plan(typed, pump)
    if how.masses and len(how.masses) != typed.runs:
        raise BadInput(f"{typed.runs} runs and {len(how.masses)} times --mass", "give --mass once for each run")
    if how.masses and how.balance:
        raise BadInput("--mass and --balance can't be combined", "give --mass to type the weights, or --balance to read them")
    if how.no_run and not how.masses:
        raise BadInput("--no-run needs --mass", "give --mass once for each earlier run")
    listed = Listed(plan.plausible(), how.masses, how.tares) if how.masses else None
    check_state(client)
    if not verify:
        check_early(client, plan)
    talk(columns(planned(plan)))
    if how.dry_run:
        talk("dry run: the pump does not move, nothing is stored")
        if listed is None:
            return
    runs = weighed_before(plan, listed) if listed and (how.dry_run or how.no_run) else weighed_now(client, plan, listed, how)
    if verify:
        compare(client, runs, how)
    else:
        store(client, plan, runs, how)


def weighed_before(plan: Plan, listed: Listed) -> list[Run]:
    """Return the runs of the typed masses; run nothing."""
    return [made(plan, plan.steps, mass) for mass in listed.masses]


def weighed_now(client: Client, plan: Plan, listed: Listed | None, how: How) -> list[Run]:
    """Run the pump. Print the weights at once, so that a later error costs no run."""
    notes = StopNotes(client.port_url)
    confirm("Run the pump?", how.yes)
    with chosen(plan, listed, how) as masses:
        runs = all_runs(client, plan, masses, notes)
    if listed is None:
        words = " ".join(f'--mass "{decimal(run.mass_ug / 1_000_000, 7)} g"' for run in runs)
        talk(f"weighed; if storing fails, repeat it without a run: --no-run {words}")
    return runs


def check_early(client: Client, plan: Plan) -> None:
    """Have the pump check everything except the pair: a wrong clock shows now, not after the last run."""
    pair = plan.nominal
    try:
        client.calibration_check(packed_of(as_stored(plan, Fit(pair.volume_nl, pair.steps, Fraction(1), 0, 0))))
    except Refused as refused:
        if refused.fault != "calibration_unfit":  # this fault matters only for the real pair
            raise


def packed_of(one: weighed.Weighed) -> bytes:
    """Return the bytes for the pump. Raises Failed if a value is out of range; nothing was sent."""
    try:
        return weighed.pack(one)
    except Refusal as refusal:
        raise Failed(f"these runs give no valid calibration: {sentence(refusal)}", "check the weights and the number of steps") from None


def as_stored(plan: Plan, found: Fit) -> weighed.Weighed:
    """Return the data for the pump; the date is this computer's."""
    return weighed.Weighed(
        found.volume_nl, found.steps, int(time.time()), plan.density_ug_per_ml, found.cv_ppm, plan.expires_nl,
        plan.typed.for_days, plan.typed.runs, plan.tube, plan.lot,
    )  # fmt: skip


def completed(typed: Typed, verify: bool, guided: bool) -> Typed:
    """Ask for a missing tube and lot; a verification needs neither."""
    if verify:
        return dataclasses.replace(typed, tube=typed.tube or UNKNOWN_TUBE)
    if typed.tube or not guided:
        return typed
    return dataclasses.replace(typed, tube=ask("tube (as on its bag, e.g. T1): "), lot=typed.lot or ask("lot (Enter for none): "))


def check_state(client: Client) -> None:
    """Require a stopped pump, before the user fills a line. Raises Refused as the pump would."""
    status = client.status()
    if status["state"] == "alarm" and any(map(_stops_a_run, status.get("alarms", []))):
        raise Refused(205, "alarm_active", "an alarm is active", "see `thecal alarms`, remove the cause, acknowledge it with `thecal ack`")
    if status["state"] not in ("stopped", "alarm"):
        raise Refused(201, "not_stopped", f"the pump is {status['state']}", "stop it first: `thecal stop`")


def _stops_a_run(number: int) -> bool:
    """Return True if an alarm prevents a run; alarms that a calibration clears do not."""
    try:
        found = faults.by_number(number)
    except KeyError:  # of a newer pump
        return True
    return found.severity == faults.ALARM and found.name not in faults.RUNS_MEND


def planned(plan: Plan) -> list[tuple[str, ...]]:
    duration_s = int(-(-plan.expected_nl * plan.rate.rate_seconds_s // plan.rate.rate_nl))
    rows: list[tuple[str, ...]] = [
        ("each run", f"{plan.typed.turns} turns, {plan.steps} steps at {plan.typed.rate}"),
        ("expected", f"{ml(plan.expected_nl)} = {grams(plan.expected_nl * plan.density_ug_per_ml / 1_000_000)}"),
        ("takes", f"{span(duration_s)}, {plan.typed.runs} times"),
        ("density", f"{plan.density_ug_per_ml} ug/mL" + (", buoyancy corrected" if plan.typed.buoyancy else "")),
    ]
    return [("prime", plan.typed.prime), *rows] if plan.prime_nl else rows


def chosen(plan: Plan, listed: Listed | None, how: How) -> AbstractContextManager[Masses]:
    """Return the source of the masses; open a balance before the pump moves."""
    if listed is not None:
        return nullcontext(listed)
    if how.balance is None:
        return nullcontext(Asked(plan.plausible()))
    return on_balance(plan, how.balance)


class on_balance:
    """Open a balance for the time of the runs."""

    def __init__(self, plan: Plan, port_url: str) -> None:
        self.plan = plan
        self.port_url = port_url

    def __enter__(self) -> Masses:
        from thecal.weighing.balance import open_balance

        with passing(self.port_url):
            self.balance = open_balance(self.port_url)
        self.balance.__enter__()
        talk(f"balance: {self.balance.identity}")
        return OnBalance(self.plan.plausible(), self.balance, self.port_url)

    def __exit__(self, *details: object) -> None:
        self.balance.close()


def all_runs(client: Client, plan: Plan, masses: Masses, notes: StopNotes) -> list[Run]:
    """Prime, then run and weigh."""
    if plan.prime_nl:
        talk(f"priming with {ml(plan.prime_nl)}")
        running.prime(client, plan, notes)
    runs: list[Run] = []
    for number in range(plan.typed.runs):
        masses.before(number)
        talk(f"run {number + 1} of {plan.typed.runs}")
        steps = running.run(client, plan, notes)
        runs.append(made(plan, steps, masses.after(number)))
    return runs


def made(plan: Plan, steps: int, mass_ug: Fraction) -> Run:
    return Run(steps, mass_ug, water.volume_nl(mass_ug, plan.density_ug_per_ml, plan.typed.buoyancy))


def compare(client: Client, runs: list[Run], how: How) -> None:
    """Report the error of the pump's calibration; change nothing."""
    found, status = fit(runs), client.calibration_read()["status"]
    stored = Fraction(status["volume_nl"], status["steps"])
    off_ppm = round((found.exact_nl_per_step / stored - 1) * 1_000_000)
    if how.as_json:
        emit_json({"calibration": status, "weighed": as_dict(found, runs), "delivers_more_by_ppm": off_ppm})
        return
    data(headed(review.runs_table(runs, found)))
    data(f"the pump delivers {review.percent(abs(off_ppm))} {'more' if off_ppm > 0 else 'less'} than its calibration says ({line(status)})")
    if len(runs) > 1:
        data(f"scatter of the runs (CV): {review.percent(found.cv_ppm)}")


def store(client: Client, plan: Plan, runs: list[Run], how: How) -> None:
    """Fit, show scatter and the pump's check, ask, set, read back."""
    found = fit(runs)
    talk(headed(review.runs_table(runs, found)))
    check_scatter(found, how)
    one = as_stored(plan, found)
    packed = packed_of(one)
    read = review.decoded({"packed": client.calibration_check(packed)["calibration"]})
    if read is None or weighed.pack(read) != packed:
        raise Failed("the pump read back a different calibration", "flash the pump with this version's firmware")
    talk(headed(review.side_by_side(client.calibration_read(), read)))
    if how.dry_run:
        if how.as_json:
            emit_json({"weighed": as_dict(found, runs), "calibration": one.describe()})
        return
    confirm("Store this calibration?", how.yes)
    client.calibration_set(packed)
    pump = client.calibration_read()
    kept = review.decoded(pump["calibration"])
    if kept is None or weighed.pack(kept) != packed:
        raise Failed("the pump's calibration differs from the one that was sent", "set it again before you start")
    report(pump["status"], how, as_dict(found, runs))


def check_scatter(found: Fit, how: How) -> None:
    talk(f"scatter: CV {review.percent(found.cv_ppm)}, at most {review.percent(found.deviation_ppm)} off the mean")
    if found.too_scattered() and not how.accept_scatter:
        limits = f"CV {review.percent(MOST_CV_PPM)}, {review.percent(MOST_DEVIATION_PPM)} off the mean"
        raise Failed(
            f"the runs differ too much (allowed: {limits}), nothing was stored",
            "check for air, leaks and drops at the outlet and run again, or add --accept-scatter (and --no-run to use these weights)",
        )


def report(status: dict[str, Any], how: How, found: dict[str, Any] | None = None) -> None:
    if how.as_json:
        emit_json({"calibration": status, **({"weighed": found} if found else {})})
    else:
        data(f"in the pump: {line(status)}")


def as_dict(found: Fit, runs: list[Run]) -> dict[str, Any]:
    """Return the result for machines; masses and volumes are rounded to ug and nl, the pair is exact."""
    return {
        "volume_nl": found.volume_nl,
        "steps": found.steps,
        "cv_ppm": found.cv_ppm,
        "largest_deviation_ppm": found.deviation_ppm,
        "rounding_ppb": found.rounding_ppb,
        "runs": [{"steps": run.steps, "mass_ug": round(run.mass_ug), "volume_nl": round(run.volume_nl)} for run in runs],
    }
