"""One list names modules of the firmware, `UNITS`; what a pump keeps in memory follows from it and from the imports."""

import ast
from collections.abc import Iterable

import pytest

from house_rules.tree import Source, python_sources
from thecal.deploy.build import compile_all
from thecal.deploy.files import MAIN, firmware_files
from thecal.deploy.units import CHIP, SIMULATOR, STAYS, of_target, path_of
from thecal.files.resources import firmware_folder

THE_LIST = "host/thecal/deploy/units.py"
OPENS_THE_PACK = "/hal/rp2/imports.py"
# MicroPython finds these without a look into the file system, or they lie there; `rp2` is loaded by hal/rp2/pio.py once.
NEVER_LOOKED_FOR = {"gc", "micropython", "sys", "uctypes", "vfs", "rp2", "rp2.asm_pio", "adafruit_motor"}
MOST_KEPT_BYTES = 65_800


def modules() -> set[str]:
    """Return the modules of the firmware, without folders."""
    return {path[1:-3].replace("/", ".") for path in firmware_files(firmware_folder()) if not path.endswith("/__init__.py")}


def lists(source: Source, known: set[str]) -> list[str]:
    """Return one line for each text, or row of texts, that names two or more modules of the firmware, by name or by path."""
    found = []
    for node in ast.walk(source.tree):
        inner = [node] if isinstance(node, ast.Constant) else list(ast.iter_child_nodes(node)) if _is_row(node) else []
        words = [word for one in inner if isinstance(one, ast.Constant) and isinstance(one.value, str) for word in one.value.split()]
        if len({word.removeprefix("/").removesuffix(".py").replace("/", ".") for word in words} & known) > 1:
            found.append(f"{source.path}:{node.lineno}: names modules; the list of {THE_LIST} is the only one")
    return found


def _is_row(node: ast.AST) -> bool:
    return isinstance(node, ast.Tuple | ast.List | ast.Set | ast.Dict | ast.Call)


def loaded_later(sources: Iterable[Source]) -> set[str]:
    """Return the modules that something imports inside a function: those are loaded when they are needed, and given back."""
    found = set()
    for source in sources:
        tree = source.tree
        other = {id(inner) for node in tree.body if isinstance(node, ast.If) for inner in ast.walk(node)} | set(map(id, tree.body))
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and id(node) not in other:
                found |= {str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def kept(files: dict[str, bytes]) -> set[str]:
    """Return the modules whose text is in the unit that stays in memory."""
    lines = files[path_of(STAYS)].decode().splitlines()
    return {line[2:] for line in lines if line.startswith("# ") and line[2:] in modules()}


def wrongly_kept(sources: list[Source]) -> set[str]:
    """Return the modules that stay in memory, and that something loads only when it needs them."""
    files = {source.path.removeprefix("firmware"): source.text.encode() for source in sources}
    return kept(of_target(files, CHIP)) & loaded_later(sources)


def firmware() -> list[Source]:
    return python_sources("firmware/app/", "firmware/pumpcore/")


def planted(path: str, line: str) -> list[Source]:
    """Return the firmware with this line at the top of a file."""
    return [Source(one.path, f"{line}\n{one.text}" if one.path == path else one.text) for one in firmware()]


def test_one_place_lists_modules() -> None:
    found = [line for source in python_sources("firmware/", "host/") if source.path != THE_LIST for line in lists(source, modules())]
    assert not found, "\n".join(found)
    (the_list,) = [line for source in python_sources(THE_LIST) for line in lists(source, modules())]
    assert the_list.startswith(THE_LIST)


@pytest.mark.parametrize(
    "code",
    [
        'LENT = """\napp.programs.lines\npumpcore.limits.limits\n"""',
        'POWER_UP = ("app.startup.boot", "app.startup.recovery")',
        'LOOSE = ["/hal/rp2/board.py", "/hal/rp2/imports.py"]',
        'UNITS = {"/app/pump.py": "app.pump app.supervisor"}',
        'system.forget("hal.rp2.motors", "hal.rp2.programs")',
    ],
)
def test_a_planted_list_is_found(code: str) -> None:
    assert lists(Source("firmware/app/planted.py", code), modules())


@pytest.mark.parametrize("code", ['__import__("app.pump")', 'HALS = {"rp2": "hal.rp2", "wasi": "hal.sim"}', "import app.pump, app.wire"])
def test_a_single_name_is_no_list(code: str) -> None:
    assert lists(Source("firmware/app/planted.py", code), modules()) == []


def test_what_stays_in_memory_is_one_file_that_imports_no_other() -> None:
    """So `Loader.give_back` may free every other file of app and pumpcore, and nothing is ever loaded twice."""
    for hal in (CHIP, SIMULATOR):
        files = of_target(firmware_files(firmware_folder()), hal)
        tree = ast.parse(files[path_of(STAYS)])
        asked = {str(node.module) for node in tree.body if isinstance(node, ast.ImportFrom)}
        assert not {name for name in asked if name.split(".")[0] in ("app", "pumpcore", "hal")}, asked
        assert {STAYS, "app.wire.session", "app.wire.handlers.table", "app.records.journal"} <= kept(files)


def test_what_is_loaded_when_needed_does_not_stay() -> None:
    assert wrongly_kept(firmware()) == set()


@pytest.mark.parametrize("path", ["firmware/app/records/journal.py", "firmware/app/startup/boot.py", "firmware/pumpcore/units.py"])
def test_a_planted_import_that_keeps_it_is_found(path: str) -> None:
    assert "app.records.naming" in wrongly_kept(planted(path, "from app.records.naming import before"))


def kept_bytes(sources: list[Source]) -> int:
    """Return the size of what stays in memory, compiled."""
    files = of_target({source.path.removeprefix("firmware"): source.text.encode() for source in sources}, CHIP)
    return len(compile_all({MAIN: files[path_of(STAYS)]})[MAIN])


def test_what_stays_in_memory_is_not_large() -> None:
    """Each byte of it costs a pump more than one of memory. Two commands may need one file at their top, which no rule above finds."""
    assert kept_bytes(firmware()) <= MOST_KEPT_BYTES
    assert kept_bytes(planted("firmware/app/records/journal.py", "from pumpcore.bench.bench import parse")) > MOST_KEPT_BYTES


def test_micropython_s_own_modules_are_preloaded_as_the_chip_imports_them() -> None:
    """`_OWN` of hal/rp2/imports.py: a module that it lacks is looked up in the file system at every import."""
    files = of_target(firmware_files(firmware_folder()), CHIP)
    nodes = [node for data in files.values() for node in ast.walk(ast.parse(data)) if isinstance(node, ast.Import | ast.ImportFrom)]
    asked = {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
    asked |= {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    (own,) = [
        ast.literal_eval(node.value.args[0])  # const("...")
        for node in ast.parse(files[OPENS_THE_PACK]).body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and getattr(node.targets[0], "id", "") == "_OWN"
    ]
    theirs = {name for name in asked if name.split(".")[0] not in ("app", "pumpcore", "hal")}
    assert set(own.split()) == theirs - NEVER_LOOKED_FOR
