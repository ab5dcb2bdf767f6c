"""One wire of a shipped bench put elsewhere: harmless only if every net keeps its terminals; all else is refused, but for a list.

All single changes are tried in `make test-long`, a few hundred drawn ones in `make test`.
"""

import copy
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.models import dc
from thecal.errors import BadInput
from thecal.files.resources import hardware_folder
from thecal.hardware import check
from thecal.hardware.rig import rig_of
from thecal.hardware.rules.circuit import Circuit
from thecal.hardware.rules.finding import Undecided
from thecal.hardware.rules.roles import Roles

BENCHES = {file.stem: file for file in hardware_folder().glob("*.toml") if not file.stem.startswith("sim-")}
# Changes that other nets follow from, and that no rule can see, each with its reason: (bench, what moved, where to).
ALLOWED: dict[tuple[str, str, str], str] = {}

Change = tuple[str, str, str]


def table_of(name: str) -> dict[str, Any]:
    return tomllib.loads(BENCHES[name].read_text(encoding="utf-8"))


def changes(name: str) -> Iterator[Change]:
    """Yield every single change: (kind, what, where to)."""
    table = table_of(name)
    board = table["wiring"]["board"]
    ends = sorted({end for row in board.values() for end in row} | {end for wires in table["wiring"]["harness"].values() for w in wires for end in w[:2]})
    for net, row in board.items():
        for end in row:
            yield "off", f"{net}/{end}", ""
            yield from (("net", f"{net}/{end}", other) for other in board if other != net)
    for bundle, wires in table["wiring"]["harness"].items():
        for number, wire in enumerate(wires):
            yield "cut", f"{bundle}/{number}", ""
            for side in (0, 1):
                yield from (("end", f"{bundle}/{number}/{side}", end) for end in ends if end not in wire[:2])


def carried_out(name: str, change: Change) -> dict[str, Any]:
    kind, what, where = change
    table = copy.deepcopy(table_of(name))
    board, harness = table["wiring"]["board"], table["wiring"]["harness"]
    if kind in ("off", "net"):
        net, _, end = what.partition("/")
        board[net].remove(end)
        if kind == "net":
            board[where].append(end)
        for empty in [key for key, row in board.items() if not row]:
            del board[empty]
        return table
    bundle, number, *side = what.rsplit("/", 1 if kind == "cut" else 2)
    if kind == "cut":
        del harness[bundle][int(number)]
    else:
        harness[bundle][int(number)][int(side[0])] = where
    return table


def nets_of(table: dict[str, Any]) -> set[frozenset[str]]:
    """Return the sets of terminals, by a walk of its own."""
    groups: list[set[str]] = [set(row) for row in table["wiring"]["board"].values()]
    groups += [set(wire[:2]) for wires in table["wiring"]["harness"].values() for wire in wires]
    joined: list[set[str]] = []
    for group in groups:
        touching = [one for one in joined if one & group]
        joined = [one for one in joined if not one & group] + [group.union(*touching)]
    return {frozenset(group) for group in joined if len(group) > 1}


def refused(name: str, table: dict[str, Any]) -> bool:
    """Return True at the first finding: thousands of rigs are judged, and each needs one reason only."""
    try:
        circuit = Circuit(rig_of(table, f"{name}.toml"))
        known = Roles(circuit)
        return any(True for _, rule in check.RULES for _ in rule(circuit, known))
    except (BadInput, Undecided):
        return True


def judge(name: str, change: Change) -> str:
    """Return what is wrong with the verdict on a change, "" if it is right."""
    table = carried_out(name, change)
    harmless = nets_of(table) == nets_of(table_of(name))
    if refused(name, table):
        return ""
    return "" if harmless or (name, *change[1:]) in ALLOWED else f"{change} was not refused"


ALL = {name: list(changes(name)) for name in BENCHES}


@pytest.mark.parametrize("name", sorted(BENCHES))
def test_the_bench_as_it_is_has_no_finding_and_the_solver_sees_its_nets(name: str) -> None:
    table = table_of(name)
    assert not refused(name, table)
    solver = dc.Bench(BENCHES[name], hardware_folder() / "library")
    assert {ends for ends in solver.nets().values() if len(ends) > 1} == nets_of(table)


@pytest.mark.parametrize("name", sorted(BENCHES))
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_drawn_change_of_one_wire_is_refused(name: str, data: st.DataObject) -> None:
    assert judge(name, data.draw(st.sampled_from(ALL[name]))) == ""


@pytest.mark.long
@pytest.mark.parametrize("part", range(8))
@pytest.mark.parametrize("name", sorted(BENCHES))
def test_every_change_of_one_wire_is_refused(name: str, part: int) -> None:
    wrong = [found for change in ALL[name][part::8] if (found := judge(name, change))]
    assert wrong == []


def test_the_list_of_reasons_holds_only_changes_that_are_still_taken() -> None:
    for name, what, where in ALLOWED:
        change = next(one for one in ALL[name] if one[1:] == (what, where))
        assert not refused(name, carried_out(name, change)), (name, what, where)
