"""Which layer of limits refused something (drug library, program, bench), where that limit is set, and how to change it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from pumpcore.units import NL_PER_ML, S_PER_HOUR
from thecal.quantities.typed import decimal

if TYPE_CHECKING:
    from pumpcore.program.plan import Program
    from pumpcore.program.settings import Settings

PUMP = "pump"  # where a bench is set: in a pump, or else in this file
SIGNIFICANT = 3
RATE, HOUR, DAY = "rate", "hour", "day"
KINDS = {
    "rate_above_ceiling": RATE,
    "demand_rate": RATE,
    "hour_above_ceiling": HOUR,
    "day_above_ceiling": DAY,
}
# By kind: the limit's key in a prescription, its attribute in a program, the option of `thecal bench set`.
KEYS = {RATE: "limits.max_rate", HOUR: "limits.max_per_hour", DAY: "limits.max_per_day"}
FIELDS = {RATE: "max_rate_nl", HOUR: "hour_nl", DAY: "day_nl"}
OPTIONS = {RATE: "--max-rate", HOUR: "--max-per-hour", DAY: "--max-per-day"}
DOSES = {"bolus_above_max": "bolus.max_dose", "bolus_day": "bolus.max_per_day"}


@dataclass(frozen=True)
class Bench:
    """A bench's ceilings: `rate_nl` per `rate_seconds_s`, volumes per hour and day. `source`: PUMP, or its file."""

    name: str
    rate_nl: int
    rate_seconds_s: int
    hour_nl: int
    day_nl: int
    source: str = PUMP

    def limit(self, kind: str, seconds_s: int) -> int:
        """Return a ceiling; a rate per `seconds_s`."""
        if kind == RATE:
            return self.rate_nl * seconds_s // self.rate_seconds_s
        return self.hour_nl if kind == HOUR else self.day_nl


def of_greeting(hello: Mapping[str, object]) -> Bench | None:
    """Return the bench of a pump's `hello`; None if the pump does not report one."""
    ceilings = hello.get("ceilings")
    if not isinstance(ceilings, dict):
        return None
    return Bench(str(hello.get("bench") or ""), *(ceilings[name] for name in ("rate_nl", "rate_seconds_s", "hour_nl", "day_nl")))


def words(fault: str, detail: Mapping[str, object], program: Program, bench: Bench | None) -> str:
    """Return the sentence about the layer that binds; "" for a refusal that no layer of limits caused."""
    if fault in ("library_hard", "library_soft") and program.settings is not None:
        return f"the limit is the drug library's ({program.settings.library}): thecal limits shows it"
    if fault == "bolus_above_max" and program.settings is not None and is_of_library(program.settings):
        return f"the limit is the drug library's ({program.settings.library}): thecal limits shows it"
    if fault in DOSES:
        return f"the limit is the program's: {DOSES[fault]} in its prescription"
    if fault == "rate_above_motor":
        return f"the limit is the motor's{of(bench)}: max_rate_hz and its ramps in the bench file"
    kind = kind_of(fault, detail)
    if not kind:
        return ""
    own_nl, bench_nl = getattr(program, FIELDS[kind]), bench.limit(kind, program.rate_seconds_s) if bench else 0
    hard_nl = program.settings.hard_day_nl if kind == DAY and program.settings is not None else 0
    if program.settings is not None and 0 < hard_nl <= min(filter(None, (own_nl, bench_nl)), default=hard_nl):
        return f"the limit is the drug library's ({program.settings.library}): thecal limits shows it"
    if fault != "limit_wider" and own_nl and (not bench_nl or own_nl <= bench_nl):
        return f"the limit is the program's: {KEYS[kind]} in its prescription"
    return "" if bench is None else of_bench(bench, kind, detail, program.rate_seconds_s)


def is_of_library(settings: Settings) -> bool:
    """Return True if the largest bolus is that of the drug library, not the program's own."""
    return 0 < settings.hard_bolus_nl == settings.bolus_limit_nl()


def kind_of(fault: str, detail: Mapping[str, object]) -> str:
    """Return which of the three limits a refusal is about; "" if none."""
    if fault == "limit_wider":
        return next((kind for kind, field in FIELDS.items() if field == detail.get("parameter")), "")
    if fault == "demand_volume":
        return str(detail.get("window", ""))
    return KINDS.get(fault, "")


def of(bench: Bench | None) -> str:
    """Return " of the bench sim-clock"."""
    return f" of the bench {bench.name}" if bench is not None and bench.name else ""


def of_bench(bench: Bench, kind: str, detail: Mapping[str, object], seconds_s: int) -> str:
    """Say that a bench's ceiling binds, and the command that raises it."""
    limit = quantity(kind, bench.limit(kind, seconds_s), seconds_s)
    text = f"the limit is a ceiling{of(bench)}, {limit}"
    if bench.source != PUMP:
        return f"{text}: [ceilings] in {bench.source}"
    asked = detail.get("asked_rate_nl", detail.get("asked_nl"))
    wanted = quantity(kind, asked, seconds_s, up=True) if isinstance(asked, int) else "..."
    typed = wanted.removesuffix(" in an hour").removesuffix(" in 24 h")
    return f'{text} (thecal bench show). To raise it, at the pump: thecal bench set {OPTIONS[kind]} "{typed}"'


def quantity(kind: str, value_nl: int, seconds_s: int, up: bool = False) -> str:
    """ "10 mL/h", "5 mL in an hour", "40 mL in 24 h"; `up`: rounded up to three significant digits."""
    value = Fraction(value_nl, NL_PER_ML) * (Fraction(S_PER_HOUR, seconds_s) if kind == RATE else 1)
    text = decimal(rounded_up(value, kind) if up else value).removeprefix("~")
    return text + {RATE: " mL/h", HOUR: " mL in an hour", DAY: " mL in 24 h"}[kind]


def rounded_up(value: Fraction, kind: str) -> Fraction:
    """Round up to three significant digits, at most six decimals; a volume always to more, because whole steps count downwards."""
    size = Fraction(10) ** (len(str(int(value))) - SIGNIFICANT) if value >= 1 else Fraction(1, 10**6)
    return (-(-value // size) if kind == RATE else value // size + 1) * size
