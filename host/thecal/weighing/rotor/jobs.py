"""The steps of `thecal calibrate --rotor`: everything is checked before the pump moves, and nothing is stored before a yes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from pumpcore.bench import learned
from thecal.errors import BadInput, Failed
from thecal.pump.client import Client
from thecal.quantities.amounts import ml
from thecal.terminal.console import columns, confirm, data, emit_json, headed, talk
from thecal.weighing.balance import Balance, open_balance
from thecal.weighing.calibrate import water
from thecal.weighing.calibrate.jobs import check_state
from thecal.weighing.calibrate.review import decoded as calibration_of
from thecal.weighing.clocks import clock_for, passing
from thecal.weighing.rotor import plan as plans
from thecal.weighing.rotor import review, telling
from thecal.weighing.rotor.fit import Learned, learn
from thecal.weighing.rotor.plan import Turns
from thecal.weighing.rotor.positions import weighing_of
from thecal.weighing.rotor.record import LEARNING, VERIFYING, Conditions, Record, Recorder, read_record
from thecal.weighing.rotor.table import Stored, decoded, empty, packed_of, table_of
from thecal.weighing.rotor.verify import Verified, verify
from thecal.weighing.rotor.weigh import Weigher

STABLE_S = 60.0
LEARN_DO = "learn it: thecal calibrate --rotor --balance PORT"
UNKNOWN_ZERO = -1


@dataclass(frozen=True)
class How:
    """The typed options: `balance` or `source`, the liquid, and how to go about it."""

    balance: str | None
    source: Path | None
    record: Path | None
    png: Path | None
    ug_per_ml: int
    buoyancy: bool
    yes: bool
    dry_run: bool
    as_json: bool

    @property
    def ug_per_nl(self) -> float:
        """Return what the balance shows of a nanolitre."""
        return float(1 / water.volume_nl(Fraction(1), self.ug_per_ml, self.buoyancy))


# --- learn


def learn_rotor(client: Client, how: How) -> None:
    """Weigh two runs at two rates, or read their record; fit, review, ask, store, read back."""
    _check_source(how)
    if how.source is not None:
        record = _recorded(client, how.source)
        if record.conditions.purpose != LEARNING:
            raise BadInput(f"{how.source} is the record of a verification", "name the record of a learning")
    else:
        check_state(client)
        found = _weighed(client, how, LEARNING)
        if found is None:
            return
        record = found
    store(client, record, how)


def store(client: Client, record: Record, how: How) -> None:
    """Fit; refuse a table that helps nobody; show it beside the stored one, ask, set, read back and compare."""
    conditions = record.conditions
    found = fitted(record)
    new = Stored(table_of(found, conditions), conditions.volume_nl, conditions.steps)
    _write_picture(how, found, conditions)
    talk(headed(review.side_by_side(_stored(client), new)))
    outlook = new.outlook()
    if not outlook.worth_it:
        raise Failed(
            f"this table would not beat dosing by angle: 2 min at 100 uL/h within {outlook.table_percent:.0f} %, "
            f"by angle {outlook.plain_percent:.0f} %; nothing was stored",
            "use a balance with a finer digit, shield it from draughts, or go on by angle",
        )
    packed = packed_of(new.table)
    if client.rotor_check(packed)["id"] != new.table.describe()["id"]:
        raise Failed("the pump read back a different table", "flash the pump with this version's firmware")
    document = telling.learned(new, found)
    if how.dry_run:
        if how.as_json:
            emit_json(document)
        return
    confirm("Store this table?", how.yes)
    zero_steps = _zero_of(client, record)
    client.rotor_set(packed, zero_steps)
    read = client.rotor_read()
    if read["rotor"] is None or packed_of(decoded(read["rotor"]) or new.table) != packed:
        raise Failed("the pump's table differs from the one that was sent", "store it again before you start: add --from FILE")
    if read["status"]["zero_steps"] is None:
        talk("the motor was switched on since these weights, so the angle is not known: thecal calibrate --rotor --verify --balance PORT")
    _report(read, how, document)


def fitted(record: Record) -> Learned:
    """Return what these runs show. Raises Failed if they are too short."""
    conditions = record.conditions
    try:
        return learn([weighing_of(run, conditions) for run in record.runs], conditions.turn, conditions.mg_per_nl)
    except ValueError as error:
        raise Failed(f"these weights give no table: {error}", "weigh again: thecal calibrate --rotor --balance PORT") from None


def _zero_of(client: Client, record: Record) -> int:
    """Return the motor's position at bin 0: the fit counts from position 0. Unknown if the rotor may have turned since."""
    status = client.status()
    same = record.conditions.pump == client.unique_id and record.settled == (status["boot"], status["position_uncertain_steps"])
    return 0 if same else UNKNOWN_ZERO


def _write_picture(how: How, found: Learned, conditions: Conditions) -> None:
    if how.png is None:
        return
    from thecal.weighing.rotor import pictures

    try:
        how.png.write_bytes(pictures.png(found.shape, conditions.turn, f"Rotor of {conditions.bench}, tube {conditions.tube}"))
    except OSError as error:
        raise Failed(f"{how.png}: can't be written: {error.strerror}", "name another file, and add --from with the record") from error
    talk(f"written: {how.png}")


# --- verify


def verify_rotor(client: Client, how: How) -> None:
    """Weigh two turns against the stored table; offer to set the zero, or say that the head is to be learned anew."""
    _check_source(how)
    read = client.rotor_read()
    table = decoded(read["rotor"])
    if table is None:
        raise Failed("the pump has no table of its rotor", LEARN_DO)
    if how.source is None:
        check_state(client)
        record = _weighed(client, how, VERIFYING)
        if record is None:
            return
    else:
        record = _recorded(client, how.source)
    zero_steps = read["status"]["zero_steps"]
    found = compared(record, table, zero_steps or 0)
    rows = review.verified(found, table, zero_steps)
    data(columns(rows)) if not how.as_json else talk(columns(rows))
    if found.changed(table.residual_ug / 1000):
        if how.as_json:
            emit_json(telling.verified(found, read["status"], None))
        raise Failed("the head is not as it was learned; nothing was changed", LEARN_DO.replace("learn it", "learn it anew"))
    ahead_steps = found.phase_degrees / 360 * table.turns_steps / table.turns
    answer = _set_zero(client, record, round((zero_steps or 0) - ahead_steps) % table.turns_steps, how)
    if how.as_json:
        emit_json(telling.verified(found, client.rotor_read()["status"], answer))


def compared(record: Record, table: learned.Learned, zero_steps: int) -> Verified:
    """Return gain, phase and residual of a table. Raises Failed if the run is too short."""
    conditions = record.conditions
    run = weighing_of(record.runs[-1], conditions)
    counted = type(run)(run.time_s, run.motor_steps - zero_steps, run.mass_mg)
    try:
        return verify(counted, list(table.volumes), conditions.turn, table.lag_ms / 1000, conditions.mg_per_nl)
    except ValueError as error:
        raise Failed(f"these weights verify nothing: {error}", "weigh again") from None


def _set_zero(client: Client, record: Record, zero_steps: int, how: How) -> dict[str, Any] | None:
    """Offer to set the zero to what was found; return the pump's answer, None if it stayed."""
    if _zero_of(client, record) == UNKNOWN_ZERO:
        talk("the motor was switched on since these weights: the zero stays as it was")
        return None
    if how.dry_run:
        return None
    confirm("Set the rotor's zero to what was found?", how.yes)
    answer = client.rotor_phase(zero_steps)
    talk(review.law(answer))
    return answer


# --- show, forget


def show(client: Client, how: How) -> None:
    """Show the stored table, and whether it counts."""
    read = client.rotor_read()
    stored = _stored(client)
    if how.as_json:
        emit_json({"rotor": read["status"]})
        return
    data(columns(review.facts(stored).items()) if stored else f"the pump has no table of its rotor; {LEARN_DO}")
    data(review.law(read["status"]))


def forget(client: Client, how: How) -> None:
    """Take the table away: the pump doses by angle."""
    stored = _stored(client)
    client.rotor_check(b"")
    talk(headed(review.side_by_side(stored, None)))
    if how.dry_run:
        return
    confirm("Forget this table, and dose by angle?", how.yes)
    client.rotor_set(b"", UNKNOWN_ZERO)
    _report(client.rotor_read(), how, {})


def _stored(client: Client) -> Stored | None:
    """Return the pump's table with the pair that counts."""
    table, pair = decoded(client.rotor_read()["rotor"]), client.calibration_read()["status"]
    return Stored(table, pair["volume_nl"], pair["steps"]) if table else None


def _report(read: dict[str, Any], how: How, document: dict[str, Any]) -> None:
    if how.as_json:
        emit_json({"rotor": read["status"], **document})
    else:
        data(review.law(read["status"]))


# --- weigh


def _check_source(how: How) -> None:
    if (how.balance is None) == (how.source is None):
        raise BadInput(
            "the command names neither --balance nor --from, or both", "give --balance PORT to weigh, or --from FILE to use a record"
        )


def _recorded(client: Client, source: Path) -> Record:
    """Return the weights of a file. Raises BadInput if they are of another pump: another head has another shape."""
    record = read_record(source)
    if record.conditions.pump != client.unique_id:
        raise BadInput(
            f"{source} was weighed with another pump ({record.conditions.pump})", "name that pump with --port, or weigh this one"
        )
    return record


def _weighed(client: Client, how: How, purpose: str) -> Record | None:
    """Plan, tell what will come of it, ask, run and weigh. None for a dry run. Raises before anything moves what can be known before."""
    with _balance_at_rest(str(how.balance)) as balance:
        conditions = _conditions(client, how, purpose, balance)
        hello = client.hello()
        plan = (plans.to_learn if purpose == LEARNING else plans.to_verify)(conditions.turn, hello["ceilings"])
        _check_room(client, plan, hello["ceilings"])
        rows = review.planned(plan, conditions)
        if purpose == LEARNING:
            client.rotor_check(packed_of(empty(conditions)))
            rows.append(review.prediction(review.predicted(plan, conditions)))
        talk(columns(rows))
        if how.dry_run:
            talk("dry run: the pump does not move, nothing is stored")
            return None
        confirm("Run the pump and weigh?", how.yes)
        path = how.record or Path(f"rotor-{time.strftime('%Y-%m-%dT%H%M%SZ', time.gmtime(conditions.begun_utc_s))}.txt")
        with Recorder(path, conditions) as recorder:
            talk(f"recording to {path}; Ctrl-C stops the pump")
            clock = clock_for(client.port_url)
            try:
                Weigher(client, balance, clock, recorder).weigh(plan, "weighing")
            finally:
                clock.close()
            return recorder.record


@contextmanager
def _balance_at_rest(port_url: str) -> Iterator[Balance]:
    """Open a balance and wait until it is stable: its digit is known then."""
    with passing(port_url):
        balance = open_balance(port_url)
    with balance:
        with passing(port_url):
            balance.read_stable(STABLE_S)
        yield balance


def _conditions(client: Client, how: How, purpose: str, balance: Balance) -> Conditions:
    """Return the conditions of a weighing. Raises Failed without a calibration that counts."""
    pump = client.calibration_read()
    status, one = pump["status"], calibration_of(pump["calibration"])
    if one is None or status["state"] != "CALIBRATED":
        cause = "the calibration has expired" if status["state"] == "EXPIRED" else "the pump is not calibrated"
        raise Failed(
            f"{cause}: what a turn delivers must be weighed first", "weigh it: thecal calibrate --balance PORT --tube NAME --lot NAME"
        )
    return Conditions(
        purpose, client.unique_id, pump["bench"], one.tube, one.lot, pump["turns"], pump["turns_steps"],
        status["volume_nl"], status["steps"], how.ug_per_nl, balance.digit_ug, balance.identity, int(time.time()),
    )  # fmt: skip


def _check_room(client: Client, plan: Turns, ceilings: dict[str, Any]) -> None:
    """Raise Failed if the rolling ceilings would end a run before its end."""
    volume_nl, status = round(sum(run.steps for run in plan.runs) * plan.turn.step_nl), client.status()
    for name, what in (("hour_nl", "hour"), ("day_nl", "24 hours")):
        if status[name] + volume_nl > ceilings[name]:
            cause = f"{ml(volume_nl)} would pass the bench's limit of {ml(ceilings[name])} in the last {what}"
            raise Failed(f"{cause}: {ml(status[name])} were delivered", "wait, or see `thecal bench show`")
