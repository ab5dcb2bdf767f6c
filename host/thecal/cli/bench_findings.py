"""The findings of a bench file as a table or as JSON: `thecal bench check`."""

from __future__ import annotations

from collections.abc import Mapping

from thecal.files.bench import bench_file, read_bench
from thecal.hardware import check
from thecal.hardware.check import Finding
from thecal.terminal.console import data, emit_json, headed, talk

HEAD = ("rule", "net", "parts", "what is wrong", "numbers", "cure")


def show(name: str, as_json: bool) -> bool:
    """Print what is wrong with the bench of this name or path; return True if something is. Raises BadInput if it can't be read."""
    file = bench_file(name, "*")
    bench, found, figures = read_bench(file), check.findings(file), check.counts(file)
    if as_json:
        emit_json({"bench": bench["name"], "target": bench["target"], "findings": list(map(described, found)), "figures": figures})
    elif found:
        data(headed([HEAD, *map(row, found)]))
    else:
        data(f"{bench['name']}: no finding" + ("; a simulated rig has no wires to check" if not figures else ""))
    if figures and not as_json:
        built = "" if figures["measured"] else "; no builder has measured one yet"
        talk(f"figures of its parts: {counted(figures)}{built}")
    return bool(found)


def described(finding: Finding) -> dict[str, object]:
    """Return one finding as the keys that `--json` prints."""
    return {
        "rule": finding.rule, "net": finding.net, "parts": list(finding.parts), "numbers": finding.numbers, "cure": finding.cure,
        "text": finding.text,
    }  # fmt: skip


def row(finding: Finding) -> tuple[str, ...]:
    return finding.rule, finding.net, ", ".join(finding.parts), finding.text, finding.numbers, finding.cure


def counted(figures: Mapping[str, int]) -> str:
    """Return "52 read, 27 computed, 244 unread"."""
    return ", ".join(f"{count} {state}" for state, count in figures.items())
