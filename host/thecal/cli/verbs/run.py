"""`thecal run RATE`: pump now. Any two of rate, volume and time become a protocol of one stage; reviewed, activated, started in one go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from thecal.cli.options import AsJson, DryRun, Library, Override, Port, Wait, Yes
from thecal.errors import BadInput
from thecal.terminal.console import data, emit_json, talk

if TYPE_CHECKING:
    from thecal.api.outcome import Outcome
    from thecal.api.review import Order, Review
    from thecal.cli.consent import Consent


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
    from thecal.api.dialled import dialled
    from thecal.api.running import Fluid
    from thecal.cli.consent import Consent, decide, followed, opened

    consent = Consent(yes, dry_run, as_json)
    if restore:
        check_alone([rate, rate_option, volume, lasts, drug, concentration], wait)
        with opened(port, consent) as pump:
            bring_back(pump.prepare_restore(not dry_run), consent)
        return
    if rate is not None and rate_option is not None:
        raise BadInput("the rate is given twice", "leave out --rate")
    chosen, fluid = rate if rate is not None else rate_option, Fluid(drug, concentration, library, override or [])
    wanted = dialled(chosen, volume, lasts)
    fluid.check()
    if wait and wanted.endless():
        raise BadInput("a run without an end has nothing to wait for", "add --for TIME or --volume VOLUME, or leave out --wait")
    with opened(port, consent) as pump:
        order = decide(pump.prepare_run(chosen, duration=lasts, volume=volume, drug=fluid, stage=not dry_run), consent)
        if order is not None:
            report(order, followed(pump, order, "run") if wait else None, as_json)


def check_alone(others: list[str | None], wait: bool) -> None:
    if wait or any(one is not None for one in others):
        raise BadInput("--restore stands alone: it brings a program back and starts nothing", "write: thecal run --restore")


def report(order: Order, outcome: Outcome | None, as_json: bool) -> None:
    """Print what runs now, or what was delivered."""
    from thecal.api.running import amount

    facts = order.facts
    if as_json:
        keys = ("rate_nl", "rate_seconds_s", "volume_nl", "duration_s", "whole_steps")
        made = {"delivered_steps": None if outcome is None else outcome.made, "outcome": "running" if outcome is None else "done"}
        told = {"digest": order.digest, "replaced": facts["replaced"], "start": order.reply}
        emit_json({**told, **{key: facts[key] for key in keys}, **made})
        return
    if outcome is not None:
        data(f"done: {facts['words']}; delivered {amount(order, outcome.made)}")
        return
    data(order.text)
    how = "it runs until you stop it" if facts["whole_steps"] is None else "it ends by itself; to stop it before"
    talk(f"{how}: {facts['stop_command']}")


def bring_back(review: Review, consent: Consent) -> None:
    """Activate the program that the last run replaced; start nothing."""
    from thecal.cli.consent import decide

    order = decide(review, consent)
    if order is None:
        return
    if consent.as_json:
        emit_json({"digest": order.digest, **order.facts})
    else:
        data(order.text)
        talk("nothing runs; start it with: thecal start")
