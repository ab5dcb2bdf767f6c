"""The journal and the delivered volume as columns: a dict of lists, which a data frame takes as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from thecal.errors import BadInput

if TYPE_CHECKING:
    from thecal.history.curve import Curve
    from thecal.history.download import Note
    from thecal.history.evidence import Evidence
    from thecal.pump.client import Client

Columns = dict[str, list[Any]]
FIRST = ("ring", "sequence", "boot", "uptime_ms", "utc_s", "utc", "event")
RINGS = ("events", "faults")
MOST_ROWS = 1_000_000
NL_PER_ML = 1_000_000


def columns_of(rows: list[dict[str, Any]]) -> Columns:
    """Return rows as columns of equal length; None where a row has no such field. The first columns are those of every record."""
    names = dict.fromkeys([*FIRST, *(name for row in rows for name in row)])
    return {name: of_one_kind([row.get(name) for row in rows]) for name in names}


def of_one_kind(column: list[Any]) -> list[Any]:
    """Return a column with texts and numbers as texts: a data frame's column has one type."""
    if len({isinstance(value, str) for value in column if value is not None}) < 2:
        return column
    return [None if value is None else str(value) for value in column]


class Records(NamedTuple):
    """The records of a ring as dicts, their bytes, and the status after them."""

    rows: list[dict[str, Any]]
    raw: bytes
    status: dict[str, Any]


def records(client: Client, ring: str, from_sequence: int, note: Note) -> Records:
    """Read one ring. Raises BadInput, LinkLost."""
    from thecal.history.download import download

    check_ring(ring)
    raw = bytearray()
    return Records(download(client, ring, from_sequence, raw, note), bytes(raw), client.status())


def check_ring(ring: str) -> None:
    """Raise BadInput for a name that is not a ring's."""
    if ring not in RINGS:
        raise BadInput(f'"{ring[:40]}" is not a ring of the journal', 'write ring="events" or ring="faults"')


def journal_rows(client: Client, ring: str | None, from_sequence: int, note: Note) -> list[dict[str, Any]]:
    """Read one ring, or both in the order of time, with a row for missing records. Raises BadInput, LinkLost."""
    from thecal.history.download import download
    from thecal.history.rows import with_gaps

    if ring is not None:
        check_ring(ring)
    if ring is None and from_sequence:
        raise BadInput("each ring counts its own records", 'name the ring too: ring="events"')
    found = [with_gaps(download(client, one, from_sequence, note=note), from_sequence) for one in RINGS if ring in (None, one)]
    if ring is not None:
        return found[0]
    return sorted((row for rows in found for row in rows), key=lambda row: (row["boot"], row["uptime_ms"], row["sequence"]))


def samples(evidence: Evidence, every_s: int) -> Columns:
    """Return planned and delivered volume at every multiple of `every_s`, counted from the journal's begin. Raises BadInput for an interval
    that makes more than a million rows."""
    from thecal.history.timeline import Timeline

    if every_s < 1:
        raise BadInput(f"every {every_s} s is not a positive time", 'write it like "1 min"')
    line = Timeline(evidence)
    if (line.to_ms - line.from_ms) // (every_s * 1000) > MOST_ROWS:
        raise BadInput(f"a sample every {every_s} s makes more than {MOST_ROWS} rows", "choose a longer interval")
    found = list(line.samples(line.from_ms, line.to_ms, every_s * 1000))

    def ml(curve: Curve, at_ms: int) -> float | None:
        volume_nl = line.volume_between(curve, line.from_ms, at_ms)
        return None if volume_nl is None else round(float(volume_nl) / NL_PER_ML, 9)

    return {
        "utc_s": [one.at_ms / 1000 for one in found],
        "planned_steps": [int(one.planned_steps) for one in found],
        "delivered_least_steps": [int(one.low_steps) for one in found],
        "delivered_most_steps": [int(one.high_steps) for one in found],
        "planned_ml": [ml(line.planned, one.at_ms) for one in found],
        "delivered_least_ml": [ml(line.low, one.at_ms) for one in found],
        "delivered_most_ml": [ml(line.high, one.at_ms) for one in found],
        "law": [one.law for one in found],
    }
