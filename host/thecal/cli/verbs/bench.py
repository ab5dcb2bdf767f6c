"""`thecal bench show | set | check`: the ceilings of the pump's bench, and the electrical rules of a bench file.

Raising a ceiling needs the stop button, held by a person at the pump.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any

import typer

from thecal.cli import complete
from thecal.cli.consent import unsent
from thecal.cli.options import AsJson, DryRun, Port, Yes
from thecal.errors import BadInput, Failed, Refused
from thecal.terminal.console import columns, confirm, data, emit_json, headed, talk

if TYPE_CHECKING:
    from thecal.pump.exchange import Reply
    from thecal.pump.facts import PumpFacts
    from thecal.pump.layers import Bench

LONGEST_S = (1 << 31) - 1
Ceilings = dict[str, int]
WHAT_TO_DO = 'write: thecal bench show, or: thecal bench set --max-per-day "30 mL", or: thecal bench check FILE'


def bench(
    what: Annotated[
        str, typer.Argument(metavar="[show|set|check]", help="Show the ceilings, set other ones, or check a file.", show_default=False)
    ] = "show",
    file: Annotated[
        str | None, typer.Argument(metavar="[FILE]", help="Bench file to check, or its name.", autocompletion=complete.benches)
    ] = None,
    max_rate: Annotated[str | None, typer.Option("--max-rate", metavar="RATE", help='Highest rate, e.g. "10 mL/h".')] = None,
    max_per_hour: Annotated[str | None, typer.Option("--max-per-hour", metavar="VOLUME", help='Most in an hour, e.g. "5 mL".')] = None,
    max_per_day: Annotated[str | None, typer.Option("--max-per-day", metavar="VOLUME", help='Most in 24 hours, e.g. "40 mL".')] = None,
    port: Port = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Show or set the ceilings of the pump's bench, or check a bench file: parts, wires, ratings.

    To set ceilings, the pump must be stopped; it asks for its stop button before it raises one. `check` needs no pump.
    """
    from thecal.pump import facts
    from thecal.pump.layers import of_greeting
    from thecal.pump.opening import open_pump
    from thecal.pump.orders import Order, require

    typed = {"rate": max_rate, "hour": max_per_hour, "day": max_per_day}
    if what not in ("show", "set", "check"):
        raise BadInput(f'"{what[:40]}" is neither show, set nor check', WHAT_TO_DO)
    if (what == "check") != (file is not None):
        raise BadInput("`bench check` needs a bench file, `bench show` and `bench set` take none", WHAT_TO_DO)
    if file is not None:
        check(file, any(typed.values()) or dry_run or yes or port is not None, as_json)
        return
    if (what == "set") != any(typed.values()):
        raise BadInput("`bench set` needs at least one ceiling, `bench show` takes none", WHAT_TO_DO)
    wanted = {kind: read(kind, text) for kind, text in typed.items() if text is not None}
    with open_pump(port) as client:
        pump = facts.ask(client)
        now = of_greeting(pump.hello)
        if now is None:
            raise Failed("the pump has no bench", "flash it with its bench: thecal flash --bench NAME")
        if what == "show":
            show(pump, now, as_json)
            return
        require(client, "bench.set")
        if pump.status["state"] not in ("stopped", "alarm"):
            raise Failed(f"the pump is {pump.status['state']}; nothing was changed", f"stop it first: {pump.stop_command()}")
        new = changed(now, wanted)
        talk(headed(review(now, new, typed)))
        if dry_run:
            unsent(Order("bench.set", dict(new)), as_json)
            return
        confirm("Set these ceilings?", yes)
        place(pump, now, new)
    if as_json:
        emit_json({"bench": now.name, "old": described(now), "new": new})
    else:
        data(f"the ceilings of {now.name} are set")


def check(file: str, with_options: bool, as_json: bool) -> None:
    """Print the findings of a bench file. Raises typer.Exit with 2 if there is one."""
    from thecal.cli import bench_findings

    if with_options:
        raise BadInput("`bench check` takes --json and no other option: it asks no pump and writes nothing", WHAT_TO_DO)
    if bench_findings.show(file, as_json):
        raise typer.Exit(BadInput.exit_code)


def read(kind: str, text: str) -> Fraction:
    """Return nl, or nl per second, of a typed ceiling. Raises BadInput."""
    from thecal.checks.dose import read as quantity

    option = {"rate": "--max-rate", "hour": "--max-per-hour", "day": "--max-per-day"}[kind]
    try:
        found = quantity(text, ("volume/time" if kind == "rate" else "volume",), "10 mL/h" if kind == "rate" else "5 mL")
        value = Fraction(found.to("nL/s" if kind == "rate" else "nL"))
    except BadInput as error:
        raise BadInput(f"{option}: {error.cause}", error.do) from None
    if not 0 < value <= 1 << 48:
        raise BadInput(f'{option}: "{text}" is zero, or more than a pump can count', WHAT_TO_DO)
    return value


def described(bench: Bench) -> Ceilings:
    return {name: getattr(bench, name) for name in ("rate_nl", "rate_seconds_s", "hour_nl", "day_nl")}


def changed(now: Bench, wanted: dict[str, Fraction]) -> Ceilings:
    """Return the ceilings with the wanted ones as the pump's integers. Raises BadInput for a value that no integers hold."""
    new = described(now)
    for kind, value in wanted.items():
        if kind == "rate":
            seconds = next((one for one in (now.rate_seconds_s, 3600, 86_400) if (value * one).denominator == 1), value.denominator)
            if seconds > LONGEST_S or value * seconds > 1 << 48:
                raise BadInput("--max-rate: no whole number of nl in any time that the pump can count", "write fewer digits")
            new["rate_nl"], new["rate_seconds_s"] = int(value * seconds), seconds
        elif value.denominator != 1:
            raise BadInput(f"--max-per-{kind}: not a whole number of nl", "write fewer digits")
        else:
            new[f"{kind}_nl"] = int(value)
    return new


def lines(bench: Bench) -> dict[str, tuple[str, Fraction]]:
    """Return each ceiling by its kind: its text, and its value for comparing."""
    from thecal.quantities.amounts import ml, ml_per_h

    rate = Fraction(bench.rate_nl, bench.rate_seconds_s)
    found = {"rate": (ml_per_h(bench.rate_nl, bench.rate_seconds_s), rate)}
    return {**found, "hour": (ml(bench.hour_nl), Fraction(bench.hour_nl)), "day": (ml(bench.day_nl), Fraction(bench.day_nl))}


LABELS = {"rate": "highest rate", "hour": "most in an hour", "day": "most in 24 hours"}


def review(now: Bench, new: Ceilings, typed: dict[str, str | None]) -> list[tuple[str, ...]]:
    """Return old and new side by side; a change is marked with a word."""
    from dataclasses import replace

    rows: list[tuple[str, ...]] = [("", "now", "new", "", "as typed")]
    changed_ones: dict[str, Any] = dict(new)
    after = lines(replace(now, **changed_ones))
    for kind, (text, value) in lines(now).items():
        mark = "" if value == after[kind][1] else "RAISED" if after[kind][1] > value else "lowered"
        rows.append((LABELS[kind], text, after[kind][0], mark, typed[kind] or ""))
    return rows


def place(pump: PumpFacts, now: Bench, new: Ceilings) -> None:
    """Set the ceilings; for a raise, say what to do at the pump and ask until that was done. Raises Refused or Unknown."""
    from thecal.cli.held_button import await_done

    def ask() -> Reply:
        try:
            return pump.client.command("bench.set", dict(new))
        except Refused as refused:
            raise unfit(pump, refused) from refused

    await_done(ask, "raising a ceiling", pump.client.port_url)


def unfit(pump: PumpFacts, refused: Refused) -> Refused:
    """Return the refusal; one because of the active program names it and says why in words."""
    from pumpcore.faults import fault_texts
    from thecal.pump.refusals import said, with_rates

    seconds_s = pump.status.get("rate_seconds_s")
    if refused.fault != "bench_unfit":
        return with_rates(refused, seconds_s)
    name = pump.status.get("program_name") or "the active program"
    detail = {key: value for key, value in refused.detail.items() if key != "cause" and not key.startswith("nearest")}
    try:
        why = said(str(refused.detail["cause"]), fault_texts.told(str(refused.detail["cause"]))[0], detail, seconds_s)
    except (KeyError, ValueError):  # a newer pump gives another reason
        why = with_rates(refused, seconds_s).cause
    do = "set a ceiling with room for it, or upload a program that fits first; nothing was changed"
    return Refused(refused.code, refused.fault, f'"{name}" would no longer fit: {why}', do)


def show(pump: PumpFacts, now: Bench, as_json: bool) -> None:
    from thecal.quantities import measured
    from thecal.text import calibration

    ceilings: dict[str, Any] = pump.hello["ceilings"]
    if as_json:
        emit_json({"bench": now.name, "ceilings": ceilings})
        return
    pair, held = pump.pair(), {"hour": pump.status["hour_nl"], "day": pump.status["day_nl"]}
    rows = [("bench", now.name)]
    for kind, (text, _) in lines(now).items():
        rows.append((LABELS[kind], text + (f", {measured.volume(held[kind])} of it used now" if kind in held else "")))
    highest_nl = ceilings["max_rate_hz"] * 3600 * pair["volume_nl"] // pair["steps"]
    rows.append(("motor", f"up to {measured.volume(highest_nl)} an hour, less for its ramps"))
    rows.append(("calibration", calibration.line(pump.status["calibration"])))
    data(columns(rows))
    talk("set when the firmware was flashed (thecal flash --bench FILE), or by thecal bench set; its --help has examples")
