"""Format a program's settings, under the names of the prescription; every setting has its line."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from fractions import Fraction

from pumpcore.program.plan import Program
from pumpcore.program.settings import LIMITS, Settings
from pumpcore.units import S_PER_DAY, S_PER_HOUR, S_PER_MINUTE
from thecal.prescription.tables import COUNT, DAY, PERMILLE, RANGE, RATE, SECONDS, SETTINGS, VOLUME
from thecal.quantities.amounts import ml, ml_per_h, span, ug_per_ml
from thecal.quantities.typed import decimal

NONE = "none"
# By kind: what a field's number is in words, with what the pump holds. `seconds_s` are the program's, for its rates.
SHOWN: dict[str, Callable[[int, int], str]] = {
    VOLUME: lambda volume_nl, _: ml(volume_nl),
    RATE: lambda rate_nl, seconds_s: ml_per_h(rate_nl, seconds_s),
    SECONDS: lambda duration_s, _: span(duration_s) + ("" if is_whole(duration_s) else f" = {duration_s} s"),
    COUNT: lambda count, _: str(count),
    PERMILLE: lambda permille, _: f"{decimal(Fraction(permille, 10))} %",
    DAY: lambda days, _: (date(1970, 1, 1) + timedelta(days=days)).isoformat(),
    RANGE: lambda ng_per_ml, _: ug_per_ml(ng_per_ml),
}
NUMBERS = {VOLUME: "nl", RATE: "nl", SECONDS: "s"}  # what the pump counts these in
MAY_BE_NOTHING = (VOLUME, RATE, RANGE)


def settings_facts(program: Program, steps: bool = False) -> dict[str, str]:
    """Return label and value of every setting; an unset group has one line."""
    settings = program.settings or Settings()
    said = {
        **demand_facts(settings),
        **lines(settings, "bolus"),
        **line_facts(settings),
        **(lines(settings, "reservoir") if settings.capacity_nl else {"reservoir": NONE}),
        **library_facts(settings, program.rate_seconds_s),
        **{f"library.{kind}_concentration of {drug}": said for drug, own in settings.drugs[1:] for kind, said in ranges(own)},
    }
    return {label: text + numbers(settings, label) for label, text in said.items()} if steps else said


def numbers(settings: Settings, key: str) -> str:
    """Return " = 20000 nl", what the pump holds under a key of the prescription; "" for other values."""
    one = next((one for one in SETTINGS if one.key == key), None)
    if one is None or one.held.kind not in NUMBERS:
        return ""
    values = [getattr(settings, field) for field in one.held.fields if one.held.kind != SECONDS or is_whole(getattr(settings, field))]
    return "".join(f" = {value} {NUMBERS[one.held.kind]}" for value in values)


def is_whole(duration_s: int) -> bool:
    """Return True if `span` loses nothing of it."""
    return duration_s < S_PER_MINUTE or duration_s % (S_PER_MINUTE if duration_s < S_PER_DAY else S_PER_HOUR) == 0


def lines(settings: Settings, table: str, rate_seconds_s: int = 1) -> dict[str, str]:
    """Return the values of one table."""
    found = {}
    for one in SETTINGS:
        if one.table == table and one.held.kind in SHOWN:
            values = [getattr(settings, field) for field in one.held.fields]
            said = " to ".join(SHOWN[one.held.kind](value, rate_seconds_s) for value in values)
            found[one.key] = NONE if one.held.kind in MAY_BE_NOTHING and not values[-1] else said
    return found


def ranges(own: tuple[int, ...]) -> list[tuple[str, str]]:
    """Return ("soft" or "hard", the range of concentration) that a library sets for a drug after the first."""
    ends = {kind: [own[LIMITS.index(f"{kind}_{end}_ng")] for end in ("low", "high")] for kind in ("hard", "soft")}
    return [(kind, " to ".join(map(ug_per_ml, pair))) for kind, pair in ends.items() if pair[1]]


def demand_facts(settings: Settings) -> dict[str, str]:
    if not settings.demand_nl:
        return {"demand": NONE}
    return {"demand": "on" if settings.demand_on else "off", **lines(settings, "demand")}


def line_facts(settings: Settings) -> dict[str, str]:
    return lines(settings, "line") if settings.line_day else {"line": NONE}


def library_facts(settings: Settings, rate_seconds_s: int) -> dict[str, str]:
    if not settings.library:
        return {"library": NONE}
    return {
        "library": f"{settings.library}, version {settings.library_version}",
        "library.overrides": ", ".join(settings.overridden()) or NONE,
        **lines(settings, "library", rate_seconds_s),
    }
