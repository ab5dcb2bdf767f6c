"""The active program as the page shows it: its rows, its text, and its present day."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from pumpcore.program.packing import digest
from pumpcore.program.schedule import DAY_NAMES, entry_at, second_of_week, seconds_to_next
from pumpcore.units import NL_PER_ML, S_PER_DAY, S_PER_HOUR, S_PER_WEEK
from thecal.history.staged import pieces
from thecal.prescription.written import written
from thecal.text.program import facts
from thecal.text.protocol import total
from thecal.web.refusals import WebError
from thecal.web.shapes import Part, ProgramView

if TYPE_CHECKING:
    from pumpcore.program.plan import Program
    from thecal.web.pump import WebPump
    from thecal.web.sessions import Session

MOST_PARTS = 2000
MOST_DAYS = 7
COARSE = Fraction(1, 50)  # ramps as few straight pieces: a picture, no plan


def program_view(pump: WebPump, session: Session | None) -> ProgramView:
    """Return the active program. Raises WebError 404 without one."""
    if not pump.packed and (pump.known.status or {}).get("program_digest"):
        pump.learn_program(pump.new_client(signer=session.signer(pump.unique_id) if session is not None else None))
    program = pump.known.program
    if program is None:
        raise WebError(404, "no_program", "no program is active in the pump", "upload one, or pump now with a run")
    parts, text = day_of(program, pump.known.status or {})
    return ProgramView(
        name=program.name,
        digest=digest(pump.packed),
        toml=written(program),
        rows=[[label, value] for label, value in facts(program).items()],
        day=parts[:MOST_PARTS],
        day_text=text,
    )


def day_of(program: Program, status: dict[str, Any]) -> tuple[list[Part], str]:
    """Return the parts of the pump's present day with its name; of a protocol its stages from the start on, at most a week."""
    protocol = program.protocol
    if protocol is not None:
        lasts_s = min(total(program, protocol).lasts_s or S_PER_DAY, MOST_DAYS * S_PER_DAY)
        made = ((one.lasts_s, one.rate_nl) for one in pieces(protocol, 0, lasts_s, COARSE))
        return list(parts_of(made, program)), "from its start"
    if not program.needs_clock():
        return list(parts_of(iter([(S_PER_DAY, program.entries[0][1])]), program)), "each day"
    utc_s = status.get("utc_s") or 0
    day = second_of_week(utc_s, status.get("offset_s") or 0) // S_PER_DAY if utc_s else 0
    return list(parts_of(scheduled(program, day * S_PER_DAY), program)), DAY_NAMES[day]


def scheduled(program: Program, begin_s: int) -> Iterator[tuple[int, int]]:
    """Yield (seconds, rate_nl) of one day of a schedule."""
    at_s, left_s = begin_s, S_PER_DAY
    while left_s > 0:
        lasts_s = min(left_s, seconds_to_next(program.entries, at_s))
        yield lasts_s, program.entries[entry_at(program.entries, at_s)][1]
        at_s, left_s = (at_s + lasts_s) % S_PER_WEEK, left_s - lasts_s


def parts_of(made: Iterator[tuple[int, int | Fraction]] | Iterator[tuple[int, int]], program: Program) -> Iterator[Part]:
    """Yield parts from consecutive (seconds, nl per the program's seconds)."""
    at_s = 0
    for lasts_s, rate_nl in made:
        rate = float(Fraction(rate_nl) * S_PER_HOUR / (program.rate_seconds_s * NL_PER_ML))
        yield Part(from_s=at_s, to_s=at_s + lasts_s, rate_ml_per_h=rate)
        at_s += lasts_s
