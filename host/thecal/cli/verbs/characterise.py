"""`thecal characterise`: weigh the delivered fluid and rate it: start-up graph, trumpet curve, pulsation."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from thecal.cli.options import AsJson, Force, Port, Yes
from thecal.errors import BadInput
from thecal.terminal.console import columns, confirm, data, emit_json, headed, talk

if TYPE_CHECKING:
    from thecal.weighing.characterise.analysis import Analysis
    from thecal.weighing.characterise.run import Run


class Scales(NamedTuple):
    """The typed options of the balance."""

    port_url: str
    protocol: str
    framing: str | None


class PumpRun(NamedTuple):
    """The typed options of the pump; without a rate it runs already."""

    port_url: str | None
    rate: str | None
    yes: bool


def characterise(
    balance: Annotated[
        str | None, typer.Option("--balance", metavar="PORT", help="Balance: serial port, socket:// or rfc2217:// URL.")
    ] = None,
    rate: Annotated[str | None, typer.Option(metavar="RATE", help="Run the pump at this rate (default: record the running pump).")] = None,
    duration: Annotated[str, typer.Option(metavar="TIME", help="Length of the recording.")] = "4h",
    record: Annotated[Path | None, typer.Option(metavar="FILE", help="File for the raw record (default: named by the date).")] = None,
    source: Annotated[Path | None, typer.Option("--from", metavar="FILE", help="Analyse this record; open no port.")] = None,
    still: Annotated[str, typer.Option(metavar="TIME", help="Weigh this long before the start, to measure evaporation.")] = "0 s",
    evaporation: Annotated[str | None, typer.Option(metavar="RATE", help='Evaporation, if you know it: "0.3 mg/h".')] = None,
    density: Annotated[str | None, typer.Option(metavar="DENSITY", help="Density of the fluid (default: water at 20 C).")] = None,
    interval: Annotated[str, typer.Option(metavar="TIME", help="Time between two readings.")] = "0.5 s",
    sample: Annotated[str, typer.Option(metavar="TIME", help="Sample interval of the analysis (S in the standard).")] = "30 s",
    rollers: Annotated[int, typer.Option(min=1, max=50, metavar="NUMBER", help="Rollers of the pump head.")] = 3,
    steps_per_turn: Annotated[int, typer.Option(min=1, metavar="NUMBER", help="Steps per turn of the pump head.")] = 3200,
    balance_protocol: Annotated[str, typer.Option(metavar="NAME", help="Protocol of the balance: mt-sics, sbi, plain or auto.")] = "auto",
    balance_framing: Annotated[str | None, typer.Option(metavar="TEXT", help='Serial settings of the balance, like "9600-8N1".')] = None,
    png: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the plots as PNG.")] = None,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write tables and plots as one offline page.")] = None,
    force: Force = False,
    port: Port = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Weigh the delivered fluid and draw the trumpet curve (IEC 60601-2-24)."""
    from thecal.files import extras
    from thecal.terminal.output_files import check_free

    extras.require_computing()  # before the import that needs it, and before hours of weighing
    from thecal.weighing.characterise.analysis import analyse
    from thecal.weighing.characterise.durations import seconds
    from thecal.weighing.characterise.run import read_run

    if (balance is None) == (source is None):
        raise BadInput(
            "the command names neither --balance nor --from, or both", "give --balance PORT to record a run, or --from FILE to analyse one"
        )
    check_free([file for file in (png, html) if file is not None], force)
    if png is not None:
        extras.require_drawing()
    sample_s = seconds(sample, "--sample")
    if source is not None:
        run = read_run(source)
    else:
        head = {"rollers": rollers, "steps_per_turn": steps_per_turn, **fluid(density, evaporation)}
        texts = {"duration": duration, "still": still, "interval": interval}
        times = {name: seconds(text, f"--{name}") for name, text in texts.items()}
        scales = Scales(str(balance), balance_protocol, balance_framing)
        run = weigh(scales, PumpRun(port, rate, yes), times, head, record)
    show(analyse(run, sample_s), png, html, as_json)


def fluid(density: str | None, evaporation: str | None) -> dict[str, str]:
    """Return density (default: water at 20 C) and a given evaporation, exact, as in the record."""
    from thecal.quantities.typed import parse

    found: dict[str, str] = {}
    if density is not None:
        found["density_mg_per_ml"] = str(density_mg_per_ml(density))
    if evaporation is not None:
        lost = parse(evaporation)
        if lost.kind() != "mass/time":
            raise BadInput(f"--evaporation {evaporation!r} is a {lost.kind()}", 'write a mass per time, like "0.3 mg/h"')
        found["evaporation_ug_per_h"] = str(lost.to("ug/h"))
    return found


def density_mg_per_ml(text: str) -> Fraction:
    """ "0.9982 g/mL" or "998.2 mg/mL"; BadInput outside of 0.5 to 3 g/mL."""
    import re

    match = re.fullmatch(r"([0-9]{1,4}(?:\.[0-9]{1,9})?) *(g|mg)/m[lL]", text.strip())
    found = Fraction(match.group(1)) * (1000 if match.group(2) == "g" else 1) if match else Fraction(0)
    if not 500 <= found <= 3000:
        raise BadInput(f"--density {text!r} is not a density of a liquid", 'write it like "0.9982 g/mL" (water at 20 C)')
    return found


def weigh(scales: Scales, pump: PumpRun, times: dict[str, Fraction], head: dict[str, Any], record: Path | None) -> Run:
    """Open balance and pump, ask, record. `times` in seconds."""
    from thecal.pump.opening import open_pump
    from thecal.pump.steering import interruptible
    from thecal.weighing.balance import open_balance
    from thecal.weighing.characterise.run import RunWriter
    from thecal.weighing.characterise.session import Session

    rate = pump.rate
    with interruptible(), open_balance(*scales) as balance, open_pump(pump.port_url) as client, Session(balance, client, rate) as session:
        plan = session.plan(times)
        facts = session.facts(head)
        talk(columns(session.review(plan)))
        confirm("Weigh this?" if rate is None else "Run the pump at this rate and weigh it?", pump.yes)
        path = record or Path(f"gravimetry-{facts.begun_utc.replace(':', '')}.csv")
        with RunWriter(path, facts) as writer:
            talk(f"recording to {path}; Ctrl-C ends the recording and keeps its samples")
            return session.record(plan, facts, writer)


def show(analysis: Analysis, png: Path | None, html: Path | None, as_json: bool) -> None:
    from thecal.weighing.characterise import telling
    from thecal.weighing.characterise.output import write_files

    if as_json:
        emit_json(telling.as_json(analysis))
    else:
        data(columns(telling.facts_table(analysis)))
        data("\n" + headed(telling.trumpet_table(analysis)))
    for path in write_files(analysis, png, html):
        talk(f"written: {path}")
