"""Everything that a pump holds, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from thecal.pump.facts import PumpFacts

Section = tuple[str, list[tuple[str, str]]]


def text_of_sections(found: list[Section]) -> str:
    """Return the sections as text, each below its title."""
    from thecal.terminal.console import columns

    return "\n\n".join(f"{title}\n{columns([(f'  {label}', text) for label, text in rows])}" for title, rows in found) + "\n"


def sections(pump: PumpFacts, steps: bool) -> list[Section]:
    """Return pump, bench, state, local time, program and live values of the therapy, each as rows."""
    from thecal.pump.clock import next_change
    from thecal.text.program import facts
    from thecal.text.status import Beside, rows

    hello, status, program = pump.hello, pump.status, pump.program
    digest = [("digest", str(status.get("program_digest")) or "none")]
    found: list[Section] = [
        ("pump", pump_rows(hello)),
        ("now", rows(status, Beside(program, hello.get("ceilings"), pump.reading), steps)),
        ("local time", [("next change", next_change(status))]),
        ("program", [*facts(program, steps).items(), *digest] if program else [("", "none active")]),
    ]
    if hello.get("ceilings"):
        found.insert(1, ("bench", bench_rows(hello["ceilings"])))
    therapy = status.get("therapy")
    if therapy:
        found.append(("therapy", therapy_rows(therapy)))
    return found


def pump_rows(hello: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the names and versions of a greeting."""
    keys = ("name", "unique_id", "bench", "firmware", "release", "protocol", "calibration_state")
    shown = {**hello, "protocol": ".".join(map(str, hello.get("protocol", [])))}
    return [(key.replace("_", " "), str(shown.get(key) or "-")) for key in keys]


def bench_rows(ceilings: dict[str, int]) -> list[tuple[str, str]]:
    """Return the ceilings of a bench."""
    from thecal.quantities.amounts import ml, ml_per_h

    return [
        ("highest rate", ml_per_h(ceilings["rate_nl"], ceilings["rate_seconds_s"])),
        ("most in an hour", ml(ceilings["hour_nl"])),
        ("most in 24 hours", ml(ceilings["day_nl"])),
        ("motor", motor_text(ceilings)),
    ]


def motor_text(ceilings: dict[str, int]) -> str:
    """Return the motor's highest rate, and the highest for a program, because ramps need the rest."""
    from pumpcore.motion.profile import highest_rate_hz
    from thecal.checks.rigs import Rig

    highest_hz, most_hz = highest_rate_hz(Rig(ceilings)), ceilings["max_rate_hz"]
    text = f"{most_hz} steps a second"
    if highest_hz * 100 >= most_hz * 99:
        return text
    return f"{text}; a program may use at most {highest_hz}, because each second includes its ramps"


def therapy_rows(therapy: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the live values (lockouts, counts, reservoir, line) by their names; nested tables with a point."""
    rows: list[tuple[str, str]] = []
    for name, value in therapy.items():
        if isinstance(value, dict):
            rows += [(f"{name}.{inner}", text_of(inner, its)) for inner, its in value.items()]
        else:
            rows.append((name, text_of(name, value)))
    return [(label.replace("_", " ").removesuffix(" nl").removesuffix(" s"), text) for label, text in rows]


def text_of(name: str, value: Any) -> str:
    """Format a value by the unit at the end of its name."""
    from thecal.quantities.amounts import clock_text, ml, span, ug_per_ml

    if value is None or value in ("", []):
        return "none"
    if name.endswith("utc_s"):
        return clock_text(value)
    if name.endswith("_drugs"):
        return ", ".join(f"{one['name']} {ug_per_ml(one['ng'], one['nl'], 3)}" if one["nl"] else one["name"] for one in value)
    if name.endswith("_nl"):
        return ml(value)
    if name.endswith("_s"):
        return span(value)
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
