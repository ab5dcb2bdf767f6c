"""The rooms of a package: its top parts, their imports, the floor of each, and circles of imports.

`python tests/house_rules/rooms.py [ROOT]` prints them for the host and for the firmware. An import counts wherever it is: in a function,
for types only, by `import_module`, or as the dotted name of a module in a text: alone, in a list of such names, or as the front of a
name.
"""

import ast
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from house_rules.tree import Source

HOST, VERBS = "host/thecal/", "host/thecal/cli/verbs/"
FIRMWARE = ("firmware/pumpcore/", "firmware/app/", "firmware/hal/")
MOST_ROOMS = {HOST: 20, "firmware/pumpcore/": 12, "firmware/app/": 7, "firmware/hal/": 4}
# The command line is the top of the library: only the program's start and the command line itself import it.
COMMAND_LINE, MAY_IMPORT_IT = "thecal.cli", ("cli", "__main__")

Arrows = dict[str, set[str]]


class House:
    """The modules below some folders, by dotted name, and their imports of each other."""

    def __init__(self, sources: Iterable[Source], *folders: str) -> None:
        self.folders = folders
        self.sources = {module_of(source.path): source for source in sources if source.path.startswith(folders)}
        self.arrows: Arrows = {name: self._imports_of(name) - {name} for name in self.sources}

    def room_of(self, module: str) -> str:
        """Return the part of a name at the top of its package; "" for the package itself."""
        path = self.sources[module].path
        folder = next(folder for folder in self.folders if path.startswith(folder))
        room = path.removeprefix(folder).split("/")[0].removesuffix(".py")
        if room == "__init__":
            return ""
        return room if len(self.folders) == 1 else f"{folder.split('/')[-2]}/{room}"

    def rooms(self) -> Arrows:
        """Return {room: rooms that it imports}."""
        found: Arrows = {self.room_of(name): set() for name in self.sources}
        for name, targets in self.arrows.items():
            found[self.room_of(name)] |= {self.room_of(target) for target in targets}
        return {room: targets - {room, ""} for room, targets in found.items() if room}

    def nested(self) -> dict[str, Arrows]:
        """Return {package: its parts: parts that they import}; the package's own `__init__` may gather them."""
        found: dict[str, Arrows] = {}
        for name, targets in self.arrows.items():
            for target in targets:
                for package, one, other in parted(name, target):
                    found.setdefault(package, defaultdict(set))[one].add(other)
        return found

    def _imports_of(self, name: str) -> set[str]:
        source = self.sources[name]
        found: set[str] = set()
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Import):
                found |= {self._longest(alias.name) for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                base = ".".join(filter(None, (package_of(source.path, node.level), node.module)))
                found |= {self._longest(f"{base}.{alias.name}") for alias in node.names}
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found |= self._named(node.value)
            elif isinstance(node, ast.JoinedStr):
                found |= self._begun(node)
            elif isinstance(node, ast.Call) and called(node) == "import_module" and len(node.args) == 2:
                found |= self._relative(node, source.path)
        return found - {""}

    def _longest(self, dotted: str) -> str:
        """Return the module at the front of a dotted name; "" if it is not of this house."""
        while dotted and dotted not in self.sources:
            dotted = dotted.rpartition(".")[0]
        return dotted

    def _named(self, text: str) -> set[str]:
        """Return the modules that a text names and nothing else: "thecal.cli.verbs.stop", "thecal.cli.verbs.stop:stop", "app.pump
        app.types".

        For the front of names ("app.wire.handlers.") it returns all modules with that front.
        """
        if text.endswith(".") and text[:-1] in self.sources:
            return {name for name in self.sources if name.startswith(text)}
        modules = [word.partition(":")[0] for word in text.split()]
        return set(modules) if all("." in module and module in self.sources for module in modules) else set()

    def _begun(self, text: ast.JoinedStr) -> set[str]:
        """Return all modules that f"thecal.cli.verbs.{verb}" can name."""
        front = text.values[0].value if text.values and isinstance(text.values[0], ast.Constant) else ""
        package = str(front).rpartition(".")[0]
        return {name for name in self.sources if name.startswith(str(front))} if package in self.sources else set()

    def _relative(self, call: ast.Call, path: str) -> set[str]:
        """Return those of `import_module(".stop", __package__)`."""
        name, level = call.args[0], 1
        if isinstance(name, ast.Constant) and str(name.value).startswith("."):
            level = len(name.value) - len(name.value.lstrip("."))
            return {self._longest(f"{package_of(path, level)}.{name.value[level:]}")}
        return {one for one in self.sources if one.startswith(package_of(path, level) + ".")}


def module_of(path: str) -> str:
    """Return "thecal.pump.client" for "host/thecal/pump/client.py"."""
    parts = path.removesuffix(".py").split("/")[1:]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def package_of(path: str, level: int) -> str:
    """Return the package that `level` dots start from; "" for none."""
    return ".".join(path.split("/")[1:-level]) if level else ""


def called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def parted(name: str, target: str) -> list[tuple[str, str, str]]:
    """Return [(package, its part, its other part)] where the ways to two modules part; [] if one is the other's package."""
    one, other = name.split("."), target.split(".")
    common = 0
    while common < min(len(one), len(other)) and one[common] == other[common]:
        common += 1
    if common in (0, len(one), len(other)):
        return []
    return [(".".join(one[:common]), one[common], other[common])]


def circles(arrows: Arrows) -> list[list[str]]:
    """Return every group whose members reach each other, sorted (Tarjan)."""
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(one: str) -> None:
        number[one] = low[one] = len(number)
        stack.append(one)
        for other in sorted(arrows.get(one, ())):
            if other not in number:
                visit(other)
                low[one] = min(low[one], low[other])
            elif other in stack:
                low[one] = min(low[one], number[other])
        if low[one] == number[one]:
            at = stack.index(one)
            found.append(sorted(stack[at:]))
            del stack[at:]

    for one in sorted(arrows):
        if one not in number:
            visit(one)
    return sorted(group for group in found if len(group) > 1)


def floors(arrows: Arrows) -> list[list[str]]:
    """Return the floors, lowest first: a room stands above everything that it imports; those of a circle share a floor."""
    group_of = {name: tuple(group) for group in circles(arrows) for name in group}
    height: dict[tuple[str, ...], int] = {}

    def of(name: str) -> int:
        group = group_of.get(name, (name,))
        if group not in height:
            height[group] = 0
            below = {other for one in group for other in arrows.get(one, ()) if other not in group}
            height[group] = max((of(other) + 1 for other in below), default=0)
        return height[group]

    found: dict[int, list[str]] = defaultdict(list)
    for name in sorted(arrows):
        found[of(name)].append(name)
    return [found[floor] for floor in sorted(found)]


def violations(sources: Iterable[Source]) -> list[str]:
    """Return one line per breach in a house, host or firmware: too many rooms, circles, the command line imported from below."""
    known = list(sources)
    host, firmware = House(known, HOST), House(known, *FIRMWARE)
    found = [line for folder, most in MOST_ROOMS.items() for line in _too_many(folder, House(known, folder).rooms(), most)]
    return found + _round(host) + _round(firmware) + _below_the_line(host)


def _too_many(folder: str, rooms: Arrows, most: int) -> list[str]:
    return [f"{folder} has {len(rooms)} rooms, at most {most}: {', '.join(sorted(rooms))}"] if len(rooms) > most else []


def _round(house: House) -> list[str]:
    """Return the circles: without one, all arrows go downwards."""
    nested = house.nested()
    if len(house.folders) > 1:  # circles through two of its packages
        nested[", ".join(house.folders)] = house.rooms()
    found = [f"{package}: the imports go round: {', '.join(group)}" for package, parts in nested.items() for group in circles(parts)]
    return found + [f"modules import each other: {', '.join(group)}" for group in circles(house.arrows)]


def _below_the_line(house: House) -> list[str]:
    """Return who imports the command line or another verb and must not."""
    found = []
    for name, targets in house.arrows.items():
        path = house.sources[name].path
        for target in sorted(targets):
            if within(target, COMMAND_LINE) and house.room_of(name) not in MAY_IMPORT_IT:
                found.append(f"{path}: imports {target}: the library does not know the command line")
            if is_verb(path) and is_verb(house.sources[target].path):
                found.append(f"{path}: imports {target}: what two verbs share lies below them")
    return found


def within(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


def is_verb(path: str) -> bool:
    return path.startswith(VERBS) and not path.endswith("/__init__.py")


def described(house: House) -> str:
    """Return the rooms by floor, highest first, their arrows, and all circles."""
    rooms = house.rooms()
    by_floor = floors(rooms)
    round_rooms, round_modules = circles(rooms), circles(house.arrows)
    inner = [(package, group) for package, parts in house.nested().items() if "." in package for group in circles(parts)]
    arrow_count = sum(map(len, rooms.values()))
    lines = [
        f"{', '.join(house.folders)}: {len(rooms)} rooms on {len(by_floor)} floors, {arrow_count} arrows, "
        f"{len(round_rooms)} circles of rooms, {len(inner)} inside of rooms; "
        f"{len(house.sources)} modules, {len(round_modules)} circles of modules"
    ]
    for number, names in reversed(list(enumerate(by_floor))):
        lines += [f"  {number}  {name} -> {', '.join(sorted(rooms[name])) or '-'}" for name in names]
    lines += [f"  circle of rooms: {', '.join(group)}" for group in round_rooms]
    lines += [f"  circle in {package}: {', '.join(group)}" for package, group in inner]
    lines += [f"  circle of modules: {', '.join(group)}" for group in round_modules]
    return "\n".join(lines)


def sources_below(root: Path, *folders: str) -> list[Source]:
    """Return the Python files of any tree, tracked or not."""
    files = sorted(file for folder in folders for file in (root / folder).rglob("*.py"))
    return [Source(file.relative_to(root).as_posix(), file.read_text(encoding="utf-8")) for file in files]


if __name__ == "__main__":
    where = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).resolve().parents[2])
    for houses in ((HOST,), *((folder,) for folder in FIRMWARE), FIRMWARE):
        print(described(House(sources_below(where, *houses), *houses)) + "\n")
