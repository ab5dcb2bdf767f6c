"""`thecal compare`: compare program and journal minute by minute, with the reasons of differences."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from thecal.cli.options import AsJson, Force, FromJournal, FromTime, LastDays, Png, Port, Steps, ToTime
from thecal.terminal.console import columns, data, emit_json, headed, talk

if TYPE_CHECKING:
    from thecal.forecast.compare import Comparison, Difference


def compare(
    from_journal: FromJournal = None,
    days: LastDays = None,
    from_time: FromTime = None,
    to_time: ToTime = None,
    png: Png = None,
    force: Force = False,
    port: Port = None,
    steps: Steps = False,
    as_json: AsJson = False,
) -> None:
    """Compare forecast and journal minute by minute."""
    from thecal.cli.evidence import evidence
    from thecal.forecast.compare import Comparison
    from thecal.history.timeline import Timeline
    from thecal.reports.period import Period
    from thecal.terminal.output_files import check_picture, write

    period = Period(from_time, to_time, days)
    check_picture(png, force)
    line = Timeline(evidence(from_journal, port))
    asked = period.of(line) if (days, from_time, to_time) != (None, None, None) else (None, None)
    found = Comparison(line, *asked)
    if png is not None:
        from thecal.forecast.compare_figure import png as drawn

        known = line.prescribed
        write(drawn(found, f"{known.program.name if known else 'pump'}: forecast and delivered"), png)
    if as_json:
        emit_json(document(found))
    else:
        show(found, steps)


def show(found: Comparison, steps: bool = False) -> None:
    from thecal.quantities.amounts import span
    from thecal.text import law as law_text

    rows: list[tuple[str, ...]] = [("from", "to", "forecast", "delivered", "difference", "of which boluses", "uncertain", "why")]
    rows += [cells(found, one) for one in found.differences]
    minutes = len(found.minutes) - 1
    differing = sum(round((one.to_ms - one.from_ms) / 60_000) for one in found.differences)
    data(f"{local(found, found.from_ms)} to {local(found, found.to_ms)}: {minutes} minutes ({span(minutes * 60)}), {differing} differ")
    if found.differences:
        data("")
        data(headed(rows))
    totals = found.totals()
    for text in found.incomplete:
        talk(f"the journal is incomplete, so the totals are uncertain: {text}")
    data("")
    data(columns([(f"{name}", total_text(found, amount, steps) + scatter(found, name, amount)) for name, amount in totals.items()]))
    for change in found.line.laws.within(found.from_ms, found.to_ms) if found.line.laws.changes else []:
        talk(f"from {local(found, change.at_ms)} on dosed {law_text.line(change.law, change.cause)}")
    shown = steps or total_text(found, totals["rest"], False) != total_text(found, type(totals["rest"])(0), False)
    if shown and abs(totals["rest"]) >= 2 * max(1, len(found.differences)):
        talk("the journal does not explain the whole difference; see `thecal report`")


def cells(found: Comparison, one: Difference) -> tuple[str, ...]:
    amounts = (one.forecast_steps, one.delivered_steps, one.steps(), one.bolus_steps, one.uncertain_steps)
    return (local(found, one.from_ms), local(found, one.to_ms), *[amount_text(found, steps) for steps in amounts], one.why)


def amount_text(found: Comparison, steps: Fraction) -> str:
    """Format an amount: a mass first, if the program has a concentration."""
    from thecal.forecast.unit import Unit, of_program

    volume_nl = found.line.volume_nl(steps, found.to_ms) or Fraction(0)
    known, text = found.line.prescribed, Unit().amount_text(volume_nl)
    if known is None or not known.program.concentration[0]:
        return text
    return f"{of_program(known.program).amount_text(volume_nl)} = {text}"


def scatter(found: Comparison, name: str, amount: Fraction) -> str:
    """Return " (0.852 +- 0.004 mL by the scatter of the calibration)" for the delivered total; "" if the scatter is not known."""
    from thecal.quantities.measured import of_volume

    told = (found.line.evidence.status or {}).get("calibration") or {}
    volume_nl = found.line.volume_nl(amount, found.to_ms)
    if name != "delivered" or volume_nl is None:
        return ""
    made = of_volume(Fraction(volume_nl), told.get("scatter_ppm") or 0, told.get("runs") or 0)
    return f" ({made.text()} by the scatter of the calibration)" if made.off_nl else ""


def total_text(found: Comparison, amount: Fraction, steps: bool) -> str:
    from thecal.quantities.typed import decimal

    return amount_text(found, amount) + (f" = {decimal(amount, 2)} steps" if steps else "")


def local(found: Comparison, at_ms: int) -> str:
    from thecal.quantities.amounts import clock_text

    return clock_text(at_ms // 1000, found.line.offset_s(at_ms))


def document(found: Comparison) -> dict[str, Any]:
    """Return every minute in steps (fractions as decimals), and the differences."""
    return {
        "from_ms": found.from_ms,
        "to_ms": found.to_ms,
        "incomplete": found.incomplete,
        "totals": {f"{name}_steps": float(steps) for name, steps in found.totals().items()},
        "differences": [
            {
                "from_ms": one.from_ms,
                "to_ms": one.to_ms,
                "forecast_steps": float(one.forecast_steps),
                "delivered_steps": float(one.delivered_steps),
                "difference_steps": float(one.steps()),
                "bolus_steps": float(one.bolus_steps),
                "uncertain_steps": float(one.uncertain_steps),
                "why": one.why,
            }
            for one in found.differences
        ],
        "minutes": [
            {
                "at_ms": one.at_ms,
                "forecast_steps": float(one.forecast_steps),
                "low_steps": float(one.low_steps),
                "high_steps": float(one.high_steps),
            }
            for one in found.minutes
        ],
    }
