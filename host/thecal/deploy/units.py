"""Files of the firmware that are in memory together become one file, a unit; it lies where one of them would.

Each module costs a pump its object, its dictionary and three names in memory, and a look in the file system when it starts. What one
asks of another one of its unit is asked of nobody then; names that meant something else in each become different.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable

from thecal.deploy.constants import module_of
from thecal.deploy.scopes import Meaning, Scopes, bound, bound_inside, imported, unbound
from thecal.errors import Failed

Trees = dict[str, ast.Module]
Units = dict[str, str]

# A unit's file: the modules in it, besides which it takes what they import at the top and no unit before it has.
UNITS = {
    "/hal/rp2/imports.py": "hal.rp2.imports",
    "/hal/rp2/board.py": "hal.rp2.board hal.rp2.generator hal.rp2.clock hal.rp2.signals hal.rp2.flash",
    "/hal/rp2/motors.py": "hal.rp2.motors",
    "/hal/sim/board.py": "hal.sim.board",
    "/app/pump.py": """app.pump app.records.alarms app.delivery.delivery app.records.journal app.delivery.leases app.delivery.motion
        app.programs.setup app.records.store app.records.wall app.wire.session app.wire.handlers.table pumpcore.limits.ceilings""",
    "/app/startup/boot.py": "app.startup.boot",
    "/pumpcore/bench/bench.py": "pumpcore.bench.bench",
}


def join(trees: Trees, outside: list[ast.Module], units: Units) -> tuple[Units, list[str]]:
    """Joins files in place. {path: path of the unit that it is a part of}, and the names that were made for it. `outside` are files
    that are not changed and ask for names: Failed when they ask for a module that is a part of another one."""
    paths = {module_of(path): path for path in trees}
    members = _members(trees, paths, units)
    home = {module: module_of(unit) for unit, own in members.items() for module in own}
    finals = _finals(trees, paths, members, outside)
    joined: dict[str, list[ast.stmt]] = {}
    for module, path in paths.items():
        joined[module] = _Joined(module, trees[path], paths, home, finals).body
    for unit, own in members.items():
        for module in own:
            del trees[paths[module]]
        trees[unit] = ast.Module(_each_import_once([statement for module in own for statement in joined[module]]), [])
    for module, path in paths.items():
        if module not in home:
            trees[path].body = joined[module]
    made = sorted({*finals.values(), *map(_unit_name, home.values())})
    return {paths[module]: unit for unit, own in members.items() for module in own}, made


def _members(trees: Trees, paths: dict[str, str], units: Units) -> dict[str, list[str]]:
    """Each unit's modules, those that another one imports before it."""
    taken = {root for roots in units.values() for root in roots.split()}
    found: dict[str, list[str]] = {}

    def visit(module: str, own: list[str]) -> None:
        if module in taken or module not in paths or paths[module].endswith("/__init__.py"):
            return
        taken.add(module)
        for node in trees[paths[module]].body:
            if isinstance(node, ast.ImportFrom):
                for _, meaning in imported(node, paths):
                    visit(meaning.module, own)
        own.append(module)

    for unit in [unit for unit in units if unit in trees]:
        roots = units[unit].split()
        taken -= set(roots)
        found[unit] = []
        for root in roots:
            visit(root, found[unit])
    return found


def _finals(trees: Trees, paths: dict[str, str], members: dict[str, list[str]], outside: list[ast.Module]) -> dict[Meaning, str]:
    """What a name at the top of a module is called in its unit, where it can't stay."""
    asked = _asked(outside, paths)
    for unit, own in members.items():
        if {meaning.module for meaning in asked} & {module for module in own if module != module_of(unit)}:
            raise Failed(f"main.py asks for a part of {unit[1:]}", "ask for it there")
    found = {}
    for own in members.values():
        unclear = _unclear({module: trees[paths[module]] for module in own}, paths)
        for meaning in [Meaning(module, name) for module in own for name in _defined(trees[paths[module]]) & unclear]:
            if meaning in asked:
                raise Failed(f"{meaning.module}: another file of its unit has a {meaning.name} too", "call one of them otherwise")
            found[meaning] = f"_{meaning.module.replace('.', '_')}_{meaning.name.strip('_')}"
    return found


def _asked(outside: list[ast.Module], modules: Iterable[str]) -> set[Meaning]:
    nodes = [node for tree in outside for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return {meaning for node in nodes for _, meaning in imported(node, modules)}


def _unclear(ours: Trees, modules: Iterable[str]) -> set[str]:
    """Names that would mean different things in one file; `ours` by module."""
    meant: dict[str, set[object]] = {}
    for module, tree in ours.items():
        for name, meaning in _top(module, tree, modules).items():
            meant.setdefault(name, set()).add(meaning)
        for name in bound_inside(tree) | unbound(tree):
            meant.setdefault(name, set()).add(None)
    several = {name for name, meanings in meant.items() if len(meanings) > 1}
    return several.union(dir(builtins))


def _top(module: str, tree: ast.Module, modules: Iterable[str]) -> dict[str, object]:
    """What each name at the top of a file stands for."""
    found: dict[str, object] = {name: Meaning(module, name) for name in _defined(tree)}
    for node in tree.body:
        if isinstance(node, ast.Import):
            found.update({alias.asname or alias.name: alias.name for alias in node.names})
        elif isinstance(node, ast.ImportFrom):
            found.update({alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names})
            found.update({alias.asname or alias.name: meaning for alias, meaning in imported(node, modules)})
    return found


def _defined(tree: ast.Module) -> set[str]:
    """What the file itself gives a name, imports left out."""
    return bound([node for node in tree.body if not isinstance(node, ast.Import | ast.ImportFrom)])


def _unit_name(unit: str) -> str:
    """What other files call a unit."""
    return f"_in_{unit.replace('.', '_')}"


def _each_import_once(body: list[ast.stmt]) -> list[ast.stmt]:
    """Failed when one name would be imported from two places."""
    kept: list[ast.stmt] = []
    places: dict[str, str] = {}
    for statement in body:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            alias, place = statement.names[0], ast.dump(statement)
            if places.setdefault(alias.asname or alias.name, place) != place:
                raise Failed(f"{ast.unparse(statement)}: another file of its unit means something else by that name", "rename it")
            if place in [ast.dump(node) for node in kept if isinstance(node, type(statement))]:
                continue
        kept.append(statement)
    return kept


class _Joined(Scopes):
    """One module's statements as they stand in its unit, each import one statement."""

    def __init__(self, module: str, tree: ast.Module, paths: Iterable[str], home: dict[str, str], finals: dict[Meaning, str]) -> None:
        self._home, self._finals, self._here = home, finals, home.get(module, module)
        top = _top(module, tree, paths)
        super().__init__({name: meaning for name, meaning in top.items() if isinstance(meaning, Meaning)}, paths)
        self.body: list[ast.stmt] = []
        for statement in tree.body:
            changed = self.visit(statement)
            self.body += changed if isinstance(changed, list) else [changed] if changed is not None else []
            if isinstance(statement, ast.FunctionDef | ast.ClassDef):
                statement.name = finals.get(Meaning(module, statement.name), statement.name)

    def _is_here(self, meaning: Meaning) -> bool:
        return self._home.get(meaning.module, meaning.module) == self._here

    def visit_Import(self, node: ast.Import) -> list[ast.Import]:
        return [ast.Import([alias]) for alias in node.names]

    def visit_ImportFrom(self, node: ast.ImportFrom) -> list[ast.ImportFrom] | None:
        ours = {id(alias): meaning for alias, meaning in imported(node, self._modules)}
        found = []
        for alias in node.names:
            meaning = ours.get(id(alias))
            if meaning is None:
                found.append(ast.ImportFrom(node.module, [alias], 0))
            elif not self._is_here(meaning):
                found.append(self._asked(meaning, alias.asname or alias.name))
        return found or None

    def _asked(self, meaning: Meaning, name: str) -> ast.ImportFrom:
        """The import of what lies in another file. A unit of which several modules are asked is one name."""
        home = self._home.get(meaning.module, meaning.module)
        if meaning.name:
            final = self._finals.get(meaning, meaning.name)
            return ast.ImportFrom(home, [ast.alias(final, None if final == name else name)], 0)
        package, _, own = home.rpartition(".")
        name = _unit_name(home) if meaning.module in self._home else name
        return ast.ImportFrom(package, [ast.alias(own, None if own == name else name)], 0)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        meaning = self.meaning(node.id)
        if meaning is None:
            return node
        if not meaning.name and meaning.module in self._home:
            raise Failed(f"{self._here}: {node.id} is a part of a unit, and no module", "ask for what is in it")
        if self._is_here(meaning):
            node.id = self._finals.get(meaning, meaning.name or node.id)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        meaning = self.meaning(node.value.id) if isinstance(node.value, ast.Name) else None
        if meaning is None or meaning.name:
            self.generic_visit(node)
            return node
        final = self._finals.get(Meaning(meaning.module, node.attr), node.attr)
        if self._is_here(meaning):
            return ast.Name(final, node.ctx)
        assert isinstance(node.value, ast.Name)
        unit = self._home.get(meaning.module)
        return ast.Attribute(ast.Name(_unit_name(unit) if unit else node.value.id, ast.Load()), final, node.ctx)
