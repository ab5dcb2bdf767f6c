"""Begin, follow and report a `thecal run`; bring back the program that it replaced."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from thecal.errors import BadInput, Failed, InAlarm, Refused
from thecal.terminal.console import columns, confirm, data, emit_json, talk

if TYPE_CHECKING:
    from thecal.cli.consent import Consent
    from thecal.cli.following import Look
    from thecal.prescription.compiler import Compiled
    from thecal.prescription.dialled import Dialled, Fluid
    from thecal.prescription.file import Prescription
    from thecal.pump.exchange import Reply
    from thecal.pump.facts import PumpFacts

NAME = "thecal run"
RESTORE = "thecal run --restore"


class Asked(NamedTuple):
    """What the command line says of the fluid: its name, concentration, library, and the confirmed soft limits."""

    drug: str | None
    concentration: str | None
    library: Path | None
    overrides: list[str]

    def check(self) -> None:
        """Raise BadInput before looking for a pump."""
        from thecal.checks.dose import read

        if self.concentration is not None and not read(self.concentration, ("mass/volume",), "500 ug/mL").amount:
            raise BadInput(f'--concentration: "{self.concentration}" is zero', "leave it out for a fluid without a drug")
        if self.drug is not None and not self.drug.strip():
            raise BadInput("--drug is empty", "name what is in the reservoir: --drug water")


@dataclass(frozen=True)
class Begun:
    """A run that the pump has accepted. `whole_steps` is what it will make, None without an end."""

    compiled: Compiled
    digest: str
    replaced: str | None
    started: Reply
    status: Reply
    whole_steps: int | None
    stop_command: str

    @property
    def begin_steps(self) -> int:
        """Return the position at which the run began."""
        position: Any = self.started.get("position_steps", self.status["delivered_steps"])
        return int(position)


def begin(pump: PumpFacts, dialled: Dialled, asked: Asked, consent: Consent) -> Begun | None:
    """Check, review, ask, activate and start. Returns None after a dry run. Raises BadInput, Failed, Refused."""
    from thecal.cli.uploading import activate, line_changes, stage
    from thecal.pump import clock, replaced

    check_idle(pump)
    fluid = fluid_of(pump, asked)
    rx = prescribed(pump, dialled, fluid, asked, consent)
    compiled = compiled_for(pump, rx)
    check_a_step(pump, compiled)
    clock.tell(pump.reading)
    if consent.dry_run:
        review(pump, compiled)
        unsent_run(compiled, consent.as_json)
        return None
    staged = stage(pump, compiled)
    review(pump, compiled)
    if staged.get("line"):
        talk(line_changes(staged["line"]))
    confirm("Run it now?", consent.yes)
    before = pump.program.name if pump.program is not None else None
    replaced.remember(pump, staged["digest"])
    digest = activate(pump, compiled)
    started = start(pump, compiled)
    return Begun(compiled, digest, before, started, pump.client.status(), whole_steps(pump, compiled), pump.stop_command())


def check_idle(pump: PumpFacts) -> None:
    """Raise Failed while anything runs, InAlarm in an alarm: nothing is replaced then."""
    state = pump.status["state"]
    if state == "alarm":
        raise InAlarm("the pump is in alarm", "see it, then acknowledge it: thecal alarms, thecal ack")
    if state != "stopped":
        name = pump.status.get("program_name")
        running = f" ({name})" if name and state in ("running", "limited") else ""
        raise Failed(f"the pump is {state}{running}; nothing was changed", f"stop it first: {pump.stop_command()}")


def fluid_of(pump: PumpFacts, asked: Asked) -> Fluid:
    """Return the typed fluid, otherwise that of the active program, which is in the line; otherwise ask."""
    from thecal.checks.dose import read
    from thecal.prescription import decompiled
    from thecal.prescription.dialled import Fluid

    current = pump.program
    typed = read(asked.concentration, ("mass/volume",), "500 ug/mL") if asked.concentration is not None else None
    if current is not None and asked.drug in (None, current.fluid):
        if typed is not None and current.drugs:
            cause = f"--concentration: the active program has {1 + len(current.drugs)} drugs, and it names one concentration"
            raise BadInput(cause, "leave it out, or upload a prescription with the new concentrations: thecal program")
        return Fluid(current.fluid, typed or decompiled.concentration_of(current), decompiled.others_of(current))
    return Fluid(asked.drug if asked.drug is not None else ask_fluid(), typed)


def ask_fluid() -> str:
    """Ask for the fluid on stderr. Raises Failed without an answer."""
    sys.stderr.write("What is in the reservoir? ")
    sys.stderr.flush()
    answer = sys.stdin.readline()
    if not answer.endswith("\n"):
        talk("")
    if not answer.strip():
        raise Failed("the pump has no program yet, so the fluid is not known; nothing was changed", "name it: --drug water")
    return answer.strip()


def prescribed(pump: PumpFacts, dialled: Dialled, fluid: Fluid, asked: Asked, consent: Consent) -> Prescription:
    """Return the run as a prescription with the limits of its library; ask for soft limits. Raises BadInput."""
    from thecal.cli.uploading import ask_for_overrides
    from thecal.prescription import dialled as dial
    from thecal.prescription import library as libraries
    from thecal.prescription.file import contradictions

    rx = dial.prescription(dialled, fluid, pump.program)
    if asked.library is not None:
        rx = libraries.applied(rx.model_copy(update={"library": None}), asked.library, NAME)
    if asked.overrides and rx.library is None:
        raise BadInput("--override: no drug library limits this fluid", "leave it out, or give --library FILE")
    rx = libraries.with_overrides(rx, asked.overrides)
    for where, problem in contradictions(rx):
        raise BadInput(f"{NAME}: {where}: {problem.cause}", problem.do)
    return rx if consent.yes or consent.dry_run else ask_for_overrides(rx, NAME)


def compiled_for(pump: PumpFacts, rx: Prescription) -> Compiled:
    """Compile the run and check it against the pump's limits. A message speaks of what was typed."""
    from thecal.checks import program as program_checks
    from thecal.checks import rigs
    from thecal.prescription.compiler import compile_prescription

    try:
        compiled = compile_prescription(rx, NAME)
        program_checks.check(rx, compiled, rigs.of_pump(pump), NAME)
    except BadInput as error:
        cause = error.cause.removeprefix(f"{NAME}: ").removeprefix("protocol.stage[1].")
        raise BadInput(cause, error.do) from error
    return compiled


def review(pump: PumpFacts, compiled: Compiled) -> None:
    """Show the run, what it replaces, and the calibration."""
    from thecal.text import calibration as calibration_text

    talk(columns([*review_rows(pump, compiled), ("calibration", calibration_text.line(pump.status["calibration"]))]))


def review_rows(pump: PumpFacts, compiled: Compiled) -> list[tuple[str, ...]]:
    """Return rate, volume and time, the third of them computed, and the program that the run replaces."""
    from thecal.quantities.amounts import ug_per_ml
    from thecal.text import protocol as protocol_text
    from thecal.text.program import concentration

    program = compiled.program
    protocol: Any = program.protocol
    rows = [("run", f"{program.name.removeprefix('run ')}"), ("fluid", program.fluid)]
    rows += [("concentration", concentration(program))] if program.concentration[0] else []
    rows += [(f"drug {at}", f"{name} {ug_per_ml(mass_ng, nl)}") for at, (name, mass_ng, nl) in enumerate(program.drugs, 2)]
    rows += list(protocol_text.one_stage(program, protocol).items())
    return [*rows, ("replaces", replaced_text(pump))]


def replaced_text(pump: PumpFacts) -> str:
    """Return the name of the program that the run replaces, and what brings it back; of a run the program before it."""
    from thecal.pump import replaced

    if pump.program is None:
        return "nothing: no program is active"
    back = replaced.comes_back(pump)
    if not back:
        return pump.program.name
    return f"{pump.program.name}; `{RESTORE}` brings {'it' if back == pump.program.name else back} back"


def unsent_run(compiled: Compiled, as_json: bool) -> None:
    from pumpcore.program.packing import digest
    from thecal.cli.consent import unsent
    from thecal.pump.orders import Order

    unsent([Order("program.activate", {"digest": digest(compiled.packed)}), Order("start")], as_json)


def start(pump: PumpFacts, compiled: Compiled) -> Reply:
    """Set the clock if that needs no question, then start. Raises Refused; the run is then the active program."""
    from thecal.cli.clock_setting import set_if_plain
    from thecal.text import line as line_text

    set_if_plain(pump)
    try:
        return pump.client.start()
    except Refused as refused:
        after = pump.client.status()
        found = line_text.explained(refused, after)
        do = f"{found.do}; the run is the active program now, `{RESTORE}` brings the other one back"
        made = Refused(found.code, found.fault, f"{found.cause}; nothing was started", do)
        raise made from refused


def whole_steps(pump: PumpFacts, compiled: Compiled) -> int | None:
    """Return the steps of the whole run, rounded down as the pump does; None without an end."""
    from thecal.text.protocol import total

    protocol: Any = compiled.program.protocol
    volume_nl, pair = total(compiled.program, protocol).volume_nl, pump.pair()
    return None if volume_nl is None else int(volume_nl * pair["steps"] / pair["volume_nl"])


def check_a_step(pump: PumpFacts, compiled: Compiled) -> None:
    """Raise BadInput for a run that ends before its first step: it would deliver nothing."""
    from thecal.quantities.typed import decimal

    if whole_steps(pump, compiled) != 0:
        return
    pair = pump.pair()
    step = f"{decimal(Fraction(-(-pair['volume_nl'] * 1000 // pair['steps']), 1000))} nL"
    words = compiled.program.name.removeprefix("run ")
    raise BadInput(f"{words}: that is less than one step of the pump, so nothing would be delivered", f'the smallest run holds "{step}"')


def wait_for(port_url: str, begun: Begun) -> Look:
    """Follow the run to its end. Raises Failed, InAlarm, Unknown, Interrupted."""
    from thecal.cli.following import DONE, Look, Watched, follow

    whole = begun.whole_steps or 0

    def look(client: Any) -> Look:
        status = client.status()
        made = status["delivered_steps"] - begun.begin_steps
        if status["state"] in ("running", "limited", "resuming") and status.get("program_digest") == begun.digest:
            return Look(made, whole, "", status)
        ended = DONE if made >= whole - 1 and status["state"] == "stopped" else status["state"]
        return Look(made, whole, ended, status)

    return follow(port_url, Watched("run", look, lambda last: f"{amount(begun, last.made)} of {amount(begun, whole)} delivered"))


def amount(begun: Begun, steps: int) -> str:
    from thecal.quantities.amounts import ml

    pair = begun.status["calibration"]
    return ml(Fraction(steps * pair["volume_nl"], pair["steps"]))


def report(begun: Begun, last: Look | None, as_json: bool) -> None:
    """Print what runs now, or what was delivered."""
    if as_json:
        emit_json(document(begun, last))
        return
    words = begun.compiled.program.name.removeprefix("run ")
    if last is not None:
        data(f"done: {words}; delivered {amount(begun, last.made)}")
        return
    data(f"running: {words}")
    how = "it runs until you stop it" if begun.whole_steps is None else "it ends by itself; to stop it before"
    talk(f"{how}: {begun.stop_command}")


def document(begun: Begun, last: Look | None) -> dict[str, Any]:
    """Return the run for machines."""
    from thecal.text.protocol import total

    program, protocol = begun.compiled.program, begun.compiled.program.protocol
    assert protocol is not None
    found = total(program, protocol)
    return {
        "digest": begun.digest,
        "replaced": begun.replaced,
        "start": begun.started,
        "rate_nl": protocol.stages[0][1],
        "rate_seconds_s": program.rate_seconds_s,
        "volume_nl": None if found.volume_nl is None else int(found.volume_nl),
        "duration_s": found.lasts_s,
        "whole_steps": begun.whole_steps,
        "delivered_steps": None if last is None else last.made,
        "outcome": "running" if last is None else last.ended,
    }


def bring_back(pump: PumpFacts, consent: Consent) -> None:
    """Activate the program that the last run replaced; start nothing. Raises Failed while anything runs, or if none is kept."""
    from pumpcore.program.packing import digest as digest_of
    from thecal.cli.consent import unsent
    from thecal.cli.uploading import show, upload
    from thecal.prescription.compiler import Compiled
    from thecal.pump import replaced
    from thecal.pump.orders import Order

    check_idle(pump)
    packed = replaced.packed_of(pump)
    compiled = Compiled(replaced.program_of(packed), packed, {})
    if consent.dry_run:
        show(pump.program, compiled.program, {})
        unsent(Order("program.activate", {"digest": digest_of(packed)}), consent.as_json)
        return
    unchanged = pump.status.get("program_digest") == digest_of(packed)
    digest = digest_of(packed) if unchanged else upload(pump, compiled, consent.yes)
    if consent.as_json:
        emit_json({"digest": digest, "program": compiled.program.describe(), "unchanged": unchanged})
    else:
        data(f"{'unchanged, active' if unchanged else 'active'} in the pump: {compiled.program.name} ({digest[:12]})")
        talk("nothing runs; start it with: thecal start")
