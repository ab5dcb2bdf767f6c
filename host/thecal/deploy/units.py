"""Join the files of the firmware that are in memory together to one file, a unit, which lies where one of them would.

Each module costs a pump its object, its dictionary and three names in memory, and a look in the file system when it starts. A unit is
the text of its files, one after another. Only imports change: a name that another file of the unit defines is there already, and a
file that imports a part of a unit imports the unit. Nothing is renamed, so no name may mean two things in one unit: Failed. A constant
that no other file asks for (`NAME = const(1)`) is defined below `if 0:`: MicroPython's compiler knows it, and a pump keeps no name.
"""

from __future__ import annotations

import ast
import functools
import re
import symtable
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pumpcore.flash import manifest
from thecal.deploy.files import MAIN, Files, firmware_files, library_files, module_of
from thecal.errors import Failed
from thecal.files.resources import firmware_folder

Units = dict[str, str]
Import = ast.Import | ast.ImportFrom
Meaning = tuple[str, str]  # (module, name in it); the name of a whole module is ""

# A unit is its module here and what that imports at the top, without the files of the units before it. The only list of modules.
UNITS = ("hal.rp2.imports", "hal.rp2.board", "hal.rp2.motors", "hal.sim.board", "app.pump", "app.startup.boot")
OPENER, STAYS, POWER_UP = UNITS[0], UNITS[-2], UNITS[-1]  # what opens the pack; what stays in memory; what is freed after power-up
_CAPITALS = re.compile(r"\b[A-Z][A-Z0-9_]*\b")
_ATTRIBUTES = re.compile(r"\.([A-Z][A-Z0-9_]*)\b")
_NUMBER = re.compile(r"([A-Z][A-Z0-9_]*) = const\(.*\)")
CHIP, SIMULATOR = "rp2", "sim"  # the hals
_UNKNOWN = ("", "")  # a builtin, or a word that only an assembler knows


def of_target(sources: Files, hal: str) -> Files:
    """Return what a pump with this hal runs: the same files for both, but for those of the other hal."""
    other = f"/hal/{CHIP if hal == SIMULATOR else SIMULATOR}/"
    present = {path: data for path, data in sources.items() if not path.startswith(other)}
    return join(present, units_of(present))


def units_of(sources: Files) -> Units:
    """Return {path: the modules that a unit begins with}. What `POWER_UP` imports at the top of its file is in memory for good, except the
    files of its own folder; what it imports in a function is not.
    """
    found = {path_of(module): module for module in UNITS}
    kept, folder = [STAYS], POWER_UP.rpartition(".")[0]
    imports = [node for node in ast.parse(sources.get(path_of(POWER_UP), b"")).body if isinstance(node, ast.ImportFrom)]
    for node in [node for node in imports if node.module != folder]:
        for alias in node.names:
            whole = f"{node.module}.{alias.name}"
            kept.append(whole if path_of(whole) in sources else str(node.module))
    found[path_of(STAYS)] = " ".join(kept)
    return found


def path_of(module: str) -> str:
    """Return where the file of a module lies."""
    return f"/{module.replace('.', '/')}.py"


def simulated_files(firmware: Path) -> Files:
    """Return the files of a simulated pump, library included."""
    return {**of_target(firmware_files(firmware), SIMULATOR), **library_files()}


def manifest_of(firmware: Path | None) -> bytes:
    """Return the manifest of a simulated pump (None: of the firmware that came with thecal)."""
    sources = firmware_files(firmware or firmware_folder())
    return manifest.build(sources, of_target(sources, SIMULATOR), library=library_files())


@dataclass(frozen=True)
class _File:
    """A source as joining needs it: its lines, the imports at its top and inside of something, the other names that it binds at its
    top, and those that it looks up there and does not bind."""

    lines: tuple[str, ...]
    top: tuple[Import, ...]
    nested: tuple[Import, ...]
    defined: frozenset[str]
    free: frozenset[str]


def join(sources: Files, units: Units) -> Files:
    """Return the files of a pump, those of a unit joined to one. main.py runs as it is.

    `units`: {path: modules, between spaces}; what these import at the top, and no unit before has, belongs to the unit as well.
    """
    return dict(_joined(tuple(sorted(sources.items())), tuple(units.items())))


@functools.lru_cache(maxsize=16)
def _joined(items: tuple[tuple[str, bytes], ...], units: tuple[tuple[str, str], ...]) -> tuple[tuple[str, bytes], ...]:
    sources = dict(items)
    paths = {module_of(path): path for path in sorted(sources) if path != MAIN}
    files = {module: _read(path, sources[path]) for module, path in paths.items()}
    members = _members(files, {unit: own.split() for unit, own in units if unit in sources})
    joining = _Joining(files, {module: module_of(unit) for unit, own in members.items() for module in own})
    joined = {path: joining.text(module) for module, path in paths.items() if module not in joining.home}
    for unit, own in members.items():
        joining.refuse_clashes(unit, own)
        joined[unit] = joining.unit(own)
    words = {path: set(_CAPITALS.findall(text)) for path, text in joined.items()}
    for path in joined:
        joined[path] = _without_names(joined[path], set().union(*(found for other, found in words.items() if other != path)))
    made = {path: text.encode() for path, text in joined.items()} | {path: data for path, data in items if path == MAIN}
    return tuple(sorted(made.items()))


def _without_names(text: str, elsewhere: set[str]) -> str:
    """Return a file that keeps no name of a constant, but for one that stands above its line, in another file, or behind a point."""
    asked = elsewhere.union(_ATTRIBUTES.findall(text))
    lines = []
    for line in text.splitlines(keepends=True):
        found = _NUMBER.match(line)
        lines.append("if 0: " + line if found and found[1] not in asked else line)
        asked.update(_CAPITALS.findall(line))
    return "".join(lines)


@functools.lru_cache(maxsize=1024)
def _read(path: str, data: bytes) -> _File:
    """Read a source. What stands below `if 0:` is for the type checker alone, and left out."""
    try:
        tree = ast.parse(data)
    except SyntaxError as error:
        raise Failed(f"{path[1:]} does not compile: SyntaxError: {error.msg}, line {error.lineno}", "correct it") from None
    lines = data.decode().splitlines()
    for node in tree.body[:]:
        if isinstance(node, ast.If) and isinstance(node.test, ast.Constant) and node.test.value == 0:
            lines[node.lineno - 1 : node.end_lineno] = [""] * len(lines[node.lineno - 1 : node.end_lineno])
            tree.body.remove(node)
    top = [node for node in tree.body if isinstance(node, Import)]
    nested = [node for node in _statements(tree) if isinstance(node, Import) and node not in top]
    table = symtable.symtable("\n".join(lines), path, "exec")
    bound = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_assigned() or symbol.is_imported()}
    imported = {alias.asname or alias.name for node in top for alias in node.names}
    return _File(tuple(lines), tuple(top), tuple(nested), frozenset(bound - imported), frozenset(_looked_up(table) - bound))


def _looked_up(table: symtable.SymbolTable) -> set[str]:
    """Return the names that a scope, and those inside of it, look up at the top of their file."""
    at_top = table.get_type() == "module"
    found = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_referenced() and (at_top or symbol.is_global())}
    return found.union(*map(_looked_up, table.get_children()))


def _statements(node: ast.AST) -> Iterator[ast.stmt]:
    """Yield all statements of a file."""
    for part in ("body", "orelse", "handlers", "finalbody"):
        for inner in getattr(node, part, ()):
            if isinstance(inner, ast.stmt):
                yield inner
            yield from _statements(inner)


def _meanings(node: Import, files: dict[str, _File]) -> Iterator[tuple[ast.alias, Meaning]]:
    """Yield what each name of an import stands for."""
    for alias in node.names:
        whole = alias.name if isinstance(node, ast.Import) else f"{node.module}.{alias.name}"
        if isinstance(node, ast.Import) or whole in files:
            yield alias, (whole, "")
        else:
            yield alias, (str(node.module), alias.name)


def _members(files: dict[str, _File], units: dict[str, list[str]]) -> dict[str, list[str]]:
    """Return the modules of each unit, those that another one imports before it."""
    packages = {module.rpartition(".")[0] for module in files}
    taken = {root for roots in units.values() for root in roots} | packages
    found: dict[str, list[str]] = {}

    def visit(module: str, own: list[str]) -> None:
        if module in taken or module not in files:
            return
        taken.add(module)
        for node in files[module].top:
            for _, meaning in _meanings(node, files):
                visit(meaning[0], own)
        own.append(module)

    for unit, roots in units.items():
        taken -= set(roots)
        found[unit] = []
        for root in roots:
            visit(root, found[unit])
    return found


class _Joining:
    """`home`: the unit, as a module, that a module is part of."""

    def __init__(self, files: dict[str, _File], home: dict[str, str]) -> None:
        self._files, self.home = files, home

    def unit(self, own: list[str]) -> str:
        """Return the text of a unit; what two of its files import at the top it imports once."""
        seen = {"import sys"}
        return "import sys\n" + "".join(f"# {module}\n{self.text(module, seen)}" for module in own)

    def text(self, module: str, seen: set[str] | None = None) -> str:
        """Return the text of a file. `seen`: what its unit has imported so far."""
        file, seen = self._files[module], set() if seen is None else seen
        lines: list[str | None] = list(file.lines)
        for node in (*file.top, *file.nested):
            at_top, indent = node in file.top, " " * node.col_offset
            changed = self._changed(node, module, seen if at_top else set()) or ["" if at_top else "pass"]
            lines[node.lineno - 1] = "\n".join(indent + line for line in changed)
            lines[node.lineno : node.end_lineno] = [None] * ((node.end_lineno or 0) - node.lineno)
        return "\n".join(line for line in lines if line is not None) + "\n"

    def _changed(self, node: Import, module: str, seen: set[str]) -> list[str]:
        """Return the statements that take the place of an import."""
        found: dict[str, list[str]] = {}
        for alias, meaning in _meanings(node, self._files):
            begin, what = self._asked(alias.asname or alias.name, meaning, module, isinstance(node, ast.Import))
            if what and begin + what not in seen:
                found.setdefault(begin, []).append(what)
            seen.add(begin + what)
        return [begin + ", ".join(what) for begin, what in found.items()]

    def _asked(self, called: str, meaning: Meaning, module: str, whole: bool) -> tuple[str, str]:
        """Return how a statement begins that gives this meaning a name, and what it asks for; ("", "") when none is needed."""
        (asked, name), here = meaning, self.home.get(module)
        unit = self.home.get(asked, asked)
        if unit == here:
            return ("", "") if name == called else (f"{called} = ", name or "sys.modules[__name__]")
        begin, what = ("import ", asked) if whole else (f"from {unit} import ", name)
        if not name and not whole:
            package, _, what = unit.rpartition(".")
            begin = f"from {package} import "
        return begin, what if what == called else f"{what} as {called}"

    def refuse_clashes(self, unit: str, own: list[str]) -> None:
        """Failed when a name would mean in the unit what it does not mean in one of its files."""
        meant: dict[str, tuple[str, Meaning]] = {}
        for module in own:
            for name, meaning in self._names(module).items():
                other, known = meant.setdefault(name, (module, meaning))
                if meaning != known:
                    raise Failed(f"{unit[1:]}: {name} is not the same in {other} and in {module}", "rename one of them in the sources")

    def _names(self, module: str) -> dict[str, Meaning]:
        """Return what each name that a file looks up at its top means."""
        file = self._files[module]
        found = dict.fromkeys(file.free, _UNKNOWN) | {name: (module, name) for name in file.defined} | {"sys": ("sys", "")}
        for node in file.top:
            for alias, (asked, name) in _meanings(node, self._files):
                found[alias.asname or alias.name] = (asked if name else self.home.get(asked, asked), name)
        return found
