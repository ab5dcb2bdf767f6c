"""Convert the options of a forecast to exact values: start, local time, reservoir volume."""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from pumpcore.motion.dose import Calibration
from pumpcore.program.plan import Program
from pumpcore.units import S_PER_DAY
from thecal.checks.dose import option_nl, read
from thecal.errors import BadInput, Failed
from thecal.forecast.bridged import Front, typed
from thecal.forecast.model import Outlook, When
from thecal.pump import zones
from thecal.pump.clock import host_problem, host_s
from thecal.pump.zones import LocalTime
from thecal.quantities.amounts import ml, span
from thecal.quantities.typed import shown

if TYPE_CHECKING:
    from thecal.pump.facts import PumpFacts

EXAMPLE = 'write it like "2026-10-24 08:00"'
# the pump's clock is not set before 2020 and holds 32 bits: up to 2104 there is room for the days and the change of local time ahead
FIRST_UTC_S = 1_577_836_800
END_UTC_S = 4_260_211_200


def when(begin: str | None, zone: LocalTime, days: int) -> When:
    """Return a period of so many days from `begin`, local time of the zone (None: now). Raises BadInput for an invalid time; Failed if
    this computer's clock is wrong."""
    if begin is None and host_problem():
        raise Failed(host_problem(), "set this computer's clock, or give the start: --from TIME")
    utc_s = int(host_s()) if begin is None else utc_of(begin, zone)
    return When(utc_s, zone.zone(utc_s), days)


def local_time_of(pump: PumpFacts | None, zone: str | None) -> LocalTime:
    """Return the named zone, otherwise the pump's, otherwise this computer's. Raises BadInput if there is none."""
    if pump is None:
        return zones.named(zone) if zone is not None else zones.of_user()
    return zones.chosen(pump.client, pump.status, zone)


def utc_of(text: str, zone: LocalTime) -> int:
    """Convert a local time to UTC. Of a time that occurs twice it takes the first; it refuses a skipped one."""
    try:
        local = datetime.fromisoformat(text)
        if local.tzinfo is not None:
            raise ValueError
    except ValueError as error:
        raise BadInput(f"--from: {shown(text)} is not a local time", EXAMPLE) from error
    naive_s = int((local - datetime(1970, 1, 1)).total_seconds())
    if not FIRST_UTC_S + S_PER_DAY <= naive_s < END_UTC_S:  # a day: whatever the zone
        raise BadInput(f"--from: {shown(text)} is outside the range of the pump's clock, 2020 to 2104", EXAMPLE)
    offset_at = zone.offset_at
    offsets_s = sorted({offset_at(naive_s - S_PER_DAY), offset_at(naive_s + S_PER_DAY)}, reverse=True)
    for offset_s in offsets_s:
        if offset_at(naive_s - offset_s) == offset_s:
            return naive_s - offset_s
    later = span(offsets_s[0] - offsets_s[-1])
    raise BadInput(f"--from: {shown(text)} is skipped by the change of local time", f"name a time {later} later")


def left_nl(text: str | None, pump: PumpFacts | None, program: Program) -> int | None:
    """Return the reservoir volume as typed, otherwise as the pump reports; None if unknown, or if the program has no reservoir."""
    settings: Any = program.settings
    if settings is None or not settings.capacity_nl:
        if text is not None:
            raise BadInput("--left: the prescription has no [reservoir]", "remove it, or add [reservoir]")
        return None
    if text is not None:
        return option_nl("--left", text, "18 mL")
    reservoir = ((pump.status if pump else {}).get("therapy") or {}).get("reservoir") or {}
    return reservoir.get("left_nl")


def concentration(text: str | None) -> Fraction | None:
    """Return ng per nl. Raises BadInput for zero."""
    if text is None:
        return None
    value = read(text, ("mass/volume",), "500 ug/mL").to("ng/nL")
    if not value:
        raise BadInput(f"--previous: {shown(text)} is zero", "write the concentration in the line")
    return value


def outlook(program: Program, pair: Calibration, begin: When, left: int | None, old: Fraction | Front | None) -> Outlook:
    """Compute the forecast; `old`: the concentration in the line, typed or from the pump. Raises BadInput if an option does not fit the
    program."""
    settings: Any = program.settings
    if old is not None and not program.concentration[0]:
        raise BadInput("--previous: the prescription has no concentration", "remove it, or add concentration")
    if old is not None and (settings is None or not settings.line_nl()):
        raise BadInput("--previous: the prescription has no [line]", "add the volumes of tubing and catheter")
    if isinstance(old, Fraction) and program.drugs:
        cause = f"--previous: it names one concentration, the program has {1 + len(program.drugs)} drugs"
        raise BadInput(cause, "leave it out: the forecast with a pump asks the pump what is in its line")
    if settings is not None and settings.capacity_nl and left is not None and left > settings.capacity_nl:
        raise BadInput(
            f"--left: {ml(left)} is more than the reservoir's capacity of {ml(settings.capacity_nl)}", "write the volume in the reservoir"
        )
    return Outlook(program, pair, begin, left, typed(old, program, pair) if isinstance(old, Fraction) else old)
