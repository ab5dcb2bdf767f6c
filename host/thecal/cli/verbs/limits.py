"""`thecal limits`: show the layers of limits as one table (drug library, program, bench), and the limit that binds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from thecal.cli import complete
from thecal.cli.options import AsJson, Library, Port
from thecal.errors import Failed
from thecal.terminal.console import data, emit_json, headed

if TYPE_CHECKING:
    from pumpcore.program.plan import Program
    from thecal.checks.rigs import Rig

Row = dict[str, Any]


class Layers(NamedTuple):
    """One limit in each layer: nl, or nl per the program's seconds; 0 if the layer has none."""

    library_soft: int = 0
    library_hard: int = 0
    program: int = 0
    bench: int = 0


def limits(
    file: Annotated[Path | None, typer.Argument(metavar="FILE", help="Prescription file (default: the pump's active program).")] = None,
    library: Library = None,
    bench: Annotated[
        str | None,
        typer.Option(metavar="BENCH", help="Without a pump: use the ceilings of this bench.", autocompletion=complete.benches),
    ] = None,
    port: Port = None,
    as_json: AsJson = False,
) -> None:
    """Show every limit by layer, and the limit that binds."""
    from thecal.checks import rigs
    from thecal.files import config
    from thecal.prescription.compiler import compile_prescription
    from thecal.prescription.reading import read_prescription
    from thecal.pump import facts
    from thecal.pump.opening import a_pump

    program = compile_prescription(read_prescription(file, library), str(file)).program if file else None
    client = None if bench and not port else a_pump(port)
    if client is None:
        if program is None:
            raise Failed("no pump found, and no prescription given", "write: thecal limits rx.toml --bench sim-clock")
        found = table(program, rigs.rig_of(bench or config.default("bench")))
    else:
        with client:
            pump = facts.ask(client)
            found = table(program or pump.active(), rigs.of_pump(pump))
    if as_json:
        emit_json(found)
    else:
        data(headed([("limit", "library, soft", "library, hard", "program", "bench", "binds", "the program asks"), *map(cells, found)]))


def table(program: Program, rig: Rig) -> list[Row]:
    """Return a row per limit: nl (or nl per second as text) of each layer, None if it has none; `binds` is the lowest hard one."""
    from pumpcore.program.settings import Settings
    from thecal.checks.rigs import ANY_RIG
    from thecal.quantities.amounts import ug_per_ml

    settings: Any = program.settings or Settings()
    seconds_s = program.rate_seconds_s
    known = rig is not ANY_RIG
    rig_: Any = rig
    bench_rate = rig_.rate_nl * seconds_s // rig_.rate_seconds_s if known else 0
    asked = asked_of(program, settings)
    rows = [
        row("rate", Layers(settings.soft_rate_nl, settings.hard_rate_nl, program.max_rate_nl, bench_rate), asked["rate"], seconds_s),
        row("motor with ramps", Layers(bench=motor_nl(rig_, seconds_s) if known else 0), asked["rate"], seconds_s),
        row("bolus", Layers(settings.soft_bolus_nl, settings.hard_bolus_nl, settings.bolus_max_nl), asked["bolus"]),
        row("boluses in 24 h", Layers(program=settings.bolus_day_nl), settings.demand_nl * settings.demand_per_day),
        row("hour", Layers(program=program.hour_nl, bench=rig_.hour_nl if known else 0), None),
        row("24 h", Layers(settings.soft_day_nl, settings.hard_day_nl, program.day_nl, rig_.day_nl if known else 0), asked["day"]),
    ]
    if settings.hard_high_ng or settings.soft_high_ng:
        rows.append(concentration(program, settings))
    for (name, mass_ng, volume_nl), (_, own) in zip(program.drugs, settings.drugs[1:], strict=False):
        rows += [of_drug(name, own, ug_per_ml(mass_ng, volume_nl))] if any(own[6:]) else []
    passed = settings.overridden()
    for one in rows:
        word = {"24 h": "day"}.get(one["limit"], one["limit"])
        by_library = one["binds"] == "library_hard" and word in ("rate", "bolus", "day")
        one["drug"] = settings.whose(f"hard_{word}_nl").get("drug") if by_library else None
        one["overridden"] = {"24 h": "day"}.get(one["limit"], one["limit"].partition(" of ")[0]) in passed
    return rows


def motor_nl(rig: Any, seconds_s: int) -> int:
    """Return the highest rate that the motor can reach with ramps in each second, in nl per `seconds_s`."""
    from pumpcore.motion.profile import highest_rate_hz

    return int(highest_rate_hz(rig) * seconds_s * rig.calibration.volume_nl // rig.calibration.steps)


def asked_of(program: Program, settings: Any) -> dict[str, int]:
    """Return the values that the pump compares with the library: highest basal, largest bolus, most in 24 hours with every demand bolus."""
    from copy import copy

    from pumpcore.limits.limits import asks_nl

    with_settings = copy(program)
    with_settings.settings = settings
    return dict(asks_nl(with_settings))


def row(name: str, limits: Layers, asked: int | None, rate_seconds_s: int = 0) -> Row:
    layers = {layer: value or None for layer, value in limits._asdict().items()}
    hard = [(value, layer) for layer, value in layers.items() if value and layer != "library_soft"]
    return {"limit": name, "unit": f"nl / {rate_seconds_s} s" if rate_seconds_s else "nl", "rate_seconds_s": rate_seconds_s,
            **layers, "binds": min(hard)[1] if hard else None, "asked": asked}  # fmt: skip


def concentration(program: Program, settings: Any) -> Row:
    from thecal.quantities.amounts import ug_per_ml

    mass_ng, volume_nl = program.concentration
    ranges = {kind: f"{settings_ug(settings, kind, 'low')} to {settings_ug(settings, kind, 'high')}" for kind in ("soft", "hard")}
    asked = ug_per_ml(mass_ng, volume_nl) if mass_ng else None
    return {"limit": "concentration", "unit": "ug/mL", "rate_seconds_s": 0, "library_soft": ranges["soft"], "library_hard": ranges["hard"],
            "program": None, "bench": None, "binds": "library_hard", "asked": asked}  # fmt: skip


def of_drug(name: str, limits: tuple[int, ...], asked: str) -> Row:
    """Return the row of the concentration of a drug after the first."""
    from pumpcore.program.settings import LIMITS, Settings

    own = Settings()
    for field, value in zip(LIMITS, limits, strict=True):
        setattr(own, field, value)
    ranges = {kind: f"{settings_ug(own, kind, 'low')} to {settings_ug(own, kind, 'high')}" for kind in ("soft", "hard")}
    return {"limit": f"concentration of {name}", "unit": "ug/mL", "rate_seconds_s": 0, "library_soft": ranges["soft"],
            "library_hard": ranges["hard"], "program": None, "bench": None, "binds": "library_hard", "asked": asked}  # fmt: skip


def settings_ug(settings: Any, kind: str, end: str) -> str:
    """Without its unit."""
    from thecal.quantities.amounts import ug_per_ml

    return ug_per_ml(getattr(settings, f"{kind}_{end}_ng")).removesuffix(" ug/mL")


def cells(one: Row) -> tuple[str, ...]:
    shown = [text_of(one, one[layer]) for layer in Layers._fields]
    binds = (one["binds"] or "nothing").replace("_", ", ") + (f" ({one['drug']})" if one["drug"] else "")
    binds += " (soft limit confirmed)" if one["overridden"] else ""
    return (one["limit"], *shown, binds, text_of(one, one["asked"]))


def text_of(one: Row, value: Any) -> str:
    from thecal.quantities.amounts import ml, ml_per_h

    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    return ml_per_h(value, one["rate_seconds_s"]) if one["rate_seconds_s"] else ml(value)
