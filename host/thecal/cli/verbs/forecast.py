"""`thecal forecast FILE`: forecast a prescription before it is sent; compare the digest with the pump's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from thecal.cli import complete
from thecal.cli.options import AsJson, Force, Library, Override, Png, Port, Zone
from thecal.errors import Failed
from thecal.terminal.console import columns, data, emit_json, headed, talk

if TYPE_CHECKING:
    from pumpcore.program.schedule import Zone as LocalZone
    from thecal.checks.rigs import Rig
    from thecal.forecast.bridged import Front
    from thecal.forecast.model import Outlook
    from thecal.prescription.compiler import Compiled
    from thecal.pump.client import Client
    from thecal.pump.facts import PumpFacts


def forecast(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Prescription file; `thecal new` writes an example.")],
    days: Annotated[int, typer.Option(min=1, max=31, metavar="N", help="Number of days.")] = 30,
    begin: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help='Local time of the start, like "2026-10-24 08:00" (default: now).')
    ] = None,
    zone: Zone = None,
    left: Annotated[
        str | None, typer.Option(metavar="VOLUME", help="Reservoir volume at the start (default: as reported by the pump, otherwise full).")
    ] = None,
    previous: Annotated[
        str | None,
        typer.Option(metavar="CONCENTRATION", help="Concentration of the solution in the line (default: as reported by the pump)."),
    ] = None,
    bench: Annotated[
        str | None,
        typer.Option(
            metavar="BENCH", help="Without a pump: use the ceilings and the calibration of this bench.", autocompletion=complete.benches
        ),
    ] = None,
    library: Library = None,
    override: Override = None,
    offline: Annotated[bool, typer.Option("--offline", help="Do not look for a pump.")] = False,
    png: Png = None,
    force: Force = False,
    port: Port = None,
    as_json: AsJson = False,
) -> None:
    """Show rates, doses, boluses, reservoir and refill date of the next days. Activates nothing."""
    from thecal.checks import program as program_checks
    from thecal.forecast import asked, unit
    from thecal.prescription.compiler import compile_prescription
    from thecal.prescription.reading import read_prescription
    from thecal.pump import facts, zones
    from thecal.pump.opening import a_pump
    from thecal.terminal.output_files import check_picture

    check_picture(png, force)
    prescription = read_prescription(file, library, override)
    compiled = compile_prescription(prescription, str(file))
    zones.check(zone)
    client = None if offline or (bench and not port) else a_pump(port)
    try:
        pump = facts.ask(client) if client else None
        when, judge = asked.when(begin, asked.local_time_of(pump, zone), days), of_judge(client)
        rig = rig_for(pump, bench)
        program_checks.check(prescription, compiled, rig, str(file))
        wanted = (asked.left_nl(left, pump, compiled.program), asked.concentration(previous) or front_of(judge, compiled))
        outlook = asked.outlook(compiled.program, rig.calibration, when, *wanted)
        outlook.unit = unit.of_prescription(prescription, compiled.program, outlook.front is None)
        digests = compare(judge, compiled, outlook) if judge else {}
    finally:
        if client:
            client.close()
    if png:
        from thecal.forecast.figure import png as drawn
        from thecal.terminal.output_files import write

        write(drawn(outlook), png)
    show(outlook, rig, digests, pump, as_json)


def of_judge(client: Client | None) -> Client | None:
    """Return the client if the pump can compute the same forecast; None without a pump, or without the key that it needs for that."""
    if client is None or client.may("program.stage"):
        return client
    talk("the pump did not compute this forecast: that needs its program key")
    return None


def rig_for(pump: PumpFacts | None, bench: str | None) -> Rig:
    from pumpcore.motion.dose import Calibration
    from thecal.checks import rigs
    from thecal.files import config

    if pump is None:
        return rigs.rig_of(bench or config.default("bench"))
    pair = pump.pair()
    told = pump.hello.get("ceilings") or {name: value for name, value in vars(rigs.ANY_RIG).items() if name != "calibration"}
    return rigs.Rig(told, Calibration(pair["volume_nl"], pair["steps"]))


def front_of(client: Client | None, compiled: Compiled) -> Front | None:
    """Return the line that the pump reports for this program; None if no bridge is needed, or if it still moves under another program."""
    from thecal.forecast.bridged import of_pump
    from thecal.text.line import content, need

    line = client.program_stage(compiled.packed).get("line") if client else None
    if client is None or not line:
        return None
    status = client.status()
    if line["needs"] == "prime":
        talk(f"careful: the line holds {content(line, 'old')}; {need(line)}")
    crossing = ((status.get("therapy") or {}).get("line") or {}).get("phase")
    if line["needs"] == "bridge" and status["state"] != "stopped" and not crossing:
        talk(f"careful: the line holds {content(line, 'old')} and the pump runs; stop it to forecast a bridge: thecal stop")
        return None
    return of_pump(line, compiled.program, status["delivered_steps"])


def compare(client: Client, compiled: Compiled, outlook: Outlook) -> dict[str, Any]:
    """Have the pump compute the forecast of the same program. Raises Failed if its digest differs."""
    from pumpcore.program.packing import digest as digest_of

    zone: LocalZone = outlook.when.zone
    digest = digest_of(compiled.packed)
    client.program_stage(compiled.packed)
    position = outlook.front.position_steps if outlook.front and outlook.front.by_pump else None
    if outlook.front is not None and position is None:
        talk("the forecast uses --previous as typed; the pump computed the program without a bridge")
    theirs = client.forecast_digest(digest, outlook.when.utc_s, zone, outlook.when.days, position)
    ours = outlook.digest(bytes.fromhex(digest))
    if theirs != ours:
        raise Failed(f"the pump computes a different forecast ({theirs[:12]}, here {ours[:12]})", "compare the versions: `thecal find`")
    return {"program_digest": digest, "forecast_digest": ours, "pump_agrees": True}


def show(outlook: Outlook, rig: Rig, digests: dict[str, Any], pump: PumpFacts | None, as_json: bool) -> None:
    from pumpcore.limits.limits import Ceilings
    from thecal.checks.rigs import ANY_RIG
    from thecal.forecast import words
    from thecal.text import law

    binding = words.binding_text(outlook, Ceilings(rig, rig.calibration, outlook.program))
    if as_json:
        document = words.document(outlook)
        if rig is ANY_RIG:  # without a calibration there are no steps
            document["rows"] = [{key: row[key] for key in ("second_s", "rate_nl")} for row in document["rows"]]
        emit_json({**document, **digests, "ceilings_that_bind": binding})
        return
    data(columns([*words.facts(outlook), *law.rows(pump.status if pump else {})]))
    if digests:
        data(f"the pump computes the same {words.days_text(outlook.when.days)}: digest {digests['forecast_digest'][:12]}")
    data("")
    data(headed(words.day_rows(outlook)))
    for line in binding:
        talk(f"careful: {line}")
    if not digests:
        talk("computed without a pump; with a pump, `thecal forecast` compares its own computation")
