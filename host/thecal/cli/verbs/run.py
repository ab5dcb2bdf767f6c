"""`thecal run RATE`: pump now. Any two of rate, volume and time become a protocol of one stage; reviewed, activated, started in one go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from thecal.cli.options import AsJson, DryRun, Library, Override, Port, Wait, Yes
from thecal.errors import BadInput

if TYPE_CHECKING:
    from thecal.prescription.dialled import Dialled


def run(
    rate: Annotated[str | None, typer.Argument(metavar="RATE", help='Rate, e.g. "1 mL/h" or "120 ug/day".')] = None,
    rate_option: Annotated[str | None, typer.Option("--rate", metavar="RATE", help="The same as RATE.")] = None,
    volume: Annotated[str | None, typer.Option("--volume", metavar="VOLUME", help='Volume or drug mass, e.g. "5 mL".')] = None,
    lasts: Annotated[
        str | None, typer.Option("--for", metavar="TIME", help='Time, 10 s or more, e.g. "2 h" (default: until you stop it).')
    ] = None,
    drug: Annotated[
        str | None, typer.Option(metavar="NAME", help="What is in the reservoir (default: the fluid of the active program).")
    ] = None,
    concentration: Annotated[str | None, typer.Option(metavar="VALUE", help='Its concentration, e.g. "500 ug/mL".')] = None,
    restore: Annotated[bool, typer.Option("--restore", help="Bring back the program that the last run replaced.")] = False,
    wait: Wait = False,
    library: Library = None,
    override: Override = None,
    port: Port = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Pump now: any two of rate, volume and time. The run becomes the active program, starts, and ends by itself on the pump."""
    from thecal.cli import running
    from thecal.cli.consent import Consent
    from thecal.pump import facts
    from thecal.pump.opening import open_pump

    consent = Consent(yes, dry_run, as_json)
    if restore:
        check_alone([rate, rate_option, volume, lasts, drug, concentration], wait)
        with open_pump(port) as client:
            running.bring_back(facts.ask(client), consent)
        return
    dialled = typed(rate, rate_option, volume, lasts)
    fluid = running.Asked(drug, concentration, library, override or [])
    fluid.check()
    if wait and dialled.endless():
        raise BadInput("a run without an end has nothing to wait for", "add --for TIME or --volume VOLUME, or leave out --wait")
    with open_pump(port) as client:
        begun = running.begin(facts.ask(client), dialled, fluid, consent)
        port_url = client.port_url
    if begun is None:
        return
    running.report(begun, running.wait_for(port_url, begun) if wait else None, as_json)


def check_alone(others: list[str | None], wait: bool) -> None:
    if wait or any(one is not None for one in others):
        raise BadInput("--restore stands alone: it brings a program back and starts nothing", "write: thecal run --restore")


def check_rate(text: str, lasts: str | None) -> None:
    """Raise BadInput for a volume in the place of the rate: the command that takes it follows."""
    from thecal.quantities.typed import parse, shown, words_of

    kind = parse(text).kind()
    if kind in ("volume", "mass"):
        rest = f'--for "{lasts if lasts is not None else "2 h"}"'
        raise BadInput(f"{shown(text)} is a {words_of(kind)}, not a rate", f'write: thecal run --volume {shown(text)} {rest}')


def typed(rate: str | None, rate_option: str | None, volume: str | None, lasts: str | None) -> Dialled:
    """Parse the three quantities. Raises BadInput."""
    from thecal.checks.dose import rate_of, volume_of
    from thecal.cli.typed import seconds
    from thecal.prescription.dialled import Dialled

    if rate is not None and rate_option is not None:
        raise BadInput("the rate is given twice", "leave out --rate")
    chosen = rate if rate is not None else rate_option
    if chosen is not None and volume is None:
        check_rate(chosen, lasts)
    made = Dialled(
        rate_of(chosen) if chosen is not None else None,
        volume_of(volume) if volume is not None else None,
        seconds("--for", lasts) if lasts is not None else None,
    )
    made.check()
    return made
