"""Changes of a bench's parts and wires, for tests of the electrical rules: each returns nothing and changes the tables in place."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

from thecal.files.bench import Bench, read_bench
from thecal.files.resources import hardware_folder
from thecal.hardware.figures import UNREAD, Figure
from thecal.hardware.rig import Rig, rig_of

BENCHES = {"tmc2209": "tmc2209-peristaltic01", "drv8833": "drv8833-coils"}
REASON = "a test"


def changed(case: dict[str, Any]) -> Bench:
    """Return the shipped bench `case["bench"]` with the case's changes."""
    bench = copy.deepcopy(read_bench(hardware_folder() / f"{BENCHES[case.get('bench', 'tmc2209')]}.toml"))
    for kind, change in KINDS.items():
        for one in case.get(kind, {}).items() if isinstance(case.get(kind), dict) else case.get(kind, []):
            change(bench, one)
    return bench


def rig(case: dict[str, Any]) -> Rig:
    """Return the rig of a case, with the figures of its parts that it changes. Raises BadInput if it is no rig at all."""
    found = rig_of(changed(case), "bench.toml")
    for key, value in case.get("figure", {}).items():
        found = with_figure(found, key, value)
    return found


def with_figure(rig: Rig, key: str, value: Any) -> Rig:
    """Return the rig with another figure of one part. `key`: MARK.name or MARK.TERMINAL.name.

    `value`: [low, high], "measure", or "" for no figure. The pull of a terminal is [direction, Ohm, terminal that it leads to] or [].
    """
    mark, *where, name = key.split(".")
    part = rig.parts[mark]
    if where:
        new = _pull(value) if name == "pull" else {name: _figure(value)}
        terminals = {**part.library.terminals, where[0]: part.library.terminals[where[0]].model_copy(update=new)}
        library = part.library.model_copy(update={"terminals": terminals})
    else:
        values = {**part.library.values, name: _figure(value)}
        library = part.library.model_copy(update={"values": {key: one for key, one in values.items() if one is not None}})
    return replace(rig, parts={**rig.parts, mark: replace(part, library=library)})


def _figure(value: Any) -> Figure | None:
    if value == "measure":
        return Figure(None, None, UNREAD, REASON)
    return Figure(value[0], value[1], UNREAD, REASON) if value else None


def _pull(value: list[Any]) -> dict[str, Any]:
    if not value:
        return {"pull": "none", "pull_ohm": None, "pull_to": ""}
    return {"pull": value[0], "pull_ohm": Figure(value[1], value[1], UNREAD, REASON), "pull_to": value[2]}


def move(bench: Bench, one: tuple[str, str]) -> None:
    """Move a terminal to another net of the board; a new name makes a new net."""
    terminal, net = one
    _take(bench, terminal)
    bench["wiring"]["board"].setdefault(net, []).append(terminal)
    bench["wiring"]["unwired"].pop(terminal, None)


def lift(bench: Bench, terminal: str) -> None:
    """Take the wire of a terminal away, with a reason for it."""
    _take(bench, terminal)
    mark, _, name = terminal.partition(":")
    key = name if mark == "PICO" else terminal
    if mark != "PICO" or name in bench["pins"]:
        bench["wiring"]["unwired"][key] = REASON


def swap(bench: Bench, pair: tuple[str, str]) -> None:
    """Exchange the places of two terminals on the board."""
    nets = bench["wiring"]["board"]
    places = {one: next(net for net, ends in nets.items() if one in ends) for one in pair}
    move(bench, (pair[0], places[pair[1]]))
    move(bench, (pair[1], places[pair[0]]))


def join(bench: Bench, pair: tuple[str, str]) -> None:
    """Make one net of two."""
    nets = bench["wiring"]["board"]
    nets[pair[0]] += nets.pop(pair[1])


def drop(bench: Bench, mark: str) -> None:
    """Take a part out, with its wires and links."""
    del bench["parts"][mark]
    wiring = bench["wiring"]
    for net in list(wiring["board"]):
        for terminal in [one for one in wiring["board"][net] if one.partition(":")[0] == mark]:
            _take(bench, terminal)
    for name, rows in list(wiring["harness"].items()):
        wiring["harness"][name] = [row for row in rows if mark not in (row[0].partition(":")[0], row[1].partition(":")[0])]
    wiring["unwired"] = {key: why for key, why in wiring["unwired"].items() if key.partition(":")[0] != mark}


def part(bench: Bench, one: tuple[str, str]) -> None:
    """Put another part of the library at a mark, or add one."""
    bench["parts"].setdefault(one[0], {})["part"] = one[1]


def rewire(bench: Bench, one: tuple[str, str]) -> None:
    """Replace a wire off the board, "FROM TO", by another."""
    old, new = one[0].split(" "), one[1].split(" ")
    for rows in bench["wiring"]["harness"].values():
        for row in rows:
            if list(row[:2]) == old:
                row[:2] = new
                return
    raise ValueError(f"there is no wire {one[0]}")


def put(bench: Bench, one: tuple[str, Any]) -> None:
    """Set a value of the bench by its path, such as motor.microsteps; None takes it away."""
    *tables, name = one[0].split("/")
    table: dict[str, Any] = bench
    for key in tables:
        table = table.setdefault(key, {})
    if one[1] == "none":
        del table[name]
    else:
        table[name] = one[1]


def _take(bench: Bench, terminal: str) -> None:
    nets = bench["wiring"]["board"]
    for net in list(nets):
        if terminal in nets[net]:
            nets[net].remove(terminal)
            if not nets[net]:
                del nets[net]


def reason(bench: Bench, one: tuple[str, str]) -> None:
    """Give the reason why a terminal has no wire, or with "none" take it away."""
    put(bench, (f"wiring/unwired/{one[0]}", one[1]))


KINDS = {"part": part, "drop": drop, "lift": lift, "swap": swap, "join": join, "move": move, "rewire": rewire, "put": put, "reason": reason}
