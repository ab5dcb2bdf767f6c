"""Check a bench file against the electrical rules: findings, and how far the figures behind them can be trusted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from thecal.errors import BadInput
from thecal.files.bench import Bench, read_bench
from thecal.hardware.figures import STATES
from thecal.hardware.rig import Rig, read_rig, rig_of
from thecal.hardware.rules import (
    budgets,
    bus,
    buttons,
    divider,
    enable,
    fuse,
    ordering,
    protection,
    purpose,
    ratings,
    resources,
    signals,
    supplies,
)  # fmt: skip
from thecal.hardware.rules.circuit import Circuit
from thecal.hardware.rules.finding import Finding, Undecided
from thecal.hardware.rules.roles import Roles

__all__ = ["Finding", "counts", "findings", "require"]

SIM = "sim"
SHOWN = 3  # findings in an error; one wrong wire may have twenty
Rule = Callable[[Circuit, Roles], Iterator[Finding]]
# In the order of a report: first what burns, last what can't be ordered.
SUBJECTS = (
    supplies, purpose, ratings, enable, fuse, budgets, divider, signals, bus, buttons, protection, resources, ordering,
)  # fmt: skip
RULES: tuple[tuple[str, Rule], ...] = tuple((name, rule) for subject in SUBJECTS for name, rules in subject.RULES.items() for rule in rules)


def findings(file: Path) -> list[Finding]:
    """Return what is wrong with a bench file; nothing for a simulated rig. Raises BadInput if it can't be read as a rig at all."""
    if read_bench(file)["target"] == SIM:
        return []
    return of_rig(read_rig(file))


def of_rig(rig: Rig) -> list[Finding]:
    """Return what is wrong with a rig, in the order of the rules; a text that two rules find is there once."""
    circuit = Circuit(rig)
    known = Roles(circuit)
    found = list(supplies.one_of_each(circuit, known))
    if found:  # without a supply, a Pico, a driver and a motor no other rule can judge
        return found
    for name, rule in RULES:
        texts = {one.text for one in found}
        found += [one for one in _of_rule(name, rule, circuit, known) if one.text not in texts]
    return found


def _of_rule(name: str, rule: Rule, circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Yield the findings of one rule. A rule that lacks a figure must not pass: that is a finding too."""
    try:
        yield from rule(circuit, known)
    except Undecided as error:
        yield Finding(name, error.text, error.cure, parts=(error.mark,) if error.mark else ())


def require(file: Path) -> None:
    """Raise BadInput with the first findings of a bench file, if it has one. There is no override."""
    _require(str(file), findings(file), str(file))


def require_bench(bench: Bench) -> None:
    """Raise BadInput with the first findings of a bench that was read already, before it goes to a board."""
    name = str(bench["name"])
    _require(name, [] if bench["target"] == SIM else of_rig(rig_of(bench, name)), "FILE")


def _require(name: str, found: list[Finding], file: str) -> None:
    if found:
        count = "1 finding" if len(found) == 1 else f"{len(found)} findings"
        lines = [f"{one.rule}: {one.text} ({one.cure})" for one in found[:SHOWN]]
        more = f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        cause = f"{name}: {count} of the electrical rules, so nothing is written: {'; '.join(lines)}{more}"
        raise BadInput(cause, f"correct the bench file; all of them as a table: thecal bench check {file}")


def counts(file: Path) -> dict[str, int]:
    """Return how many figures of the bench's parts are read, computed, unread, defined or measured; {} for a simulated rig."""
    if read_bench(file)["target"] == SIM:
        return {}
    rig = read_rig(file)
    found = Counter(rig.figure(mark, _key(key)).state for mark, part in rig.parts.items() for key, _ in part.library.figures())
    return {state: found.get(state, 0) for state in STATES}


def _key(key: str) -> str:
    """Return the key by which a rig knows a figure: `values.ohm` is `ohm`, `terminals.EN.max_mv` is `EN.max_mv`."""
    return key.removeprefix("values.").removeprefix("terminals.")
