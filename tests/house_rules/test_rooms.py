"""The rooms of host and firmware: few, arrows downwards only, no circle at any height; a planted breach of each kind is found."""

import pytest

from house_rules import rooms
from house_rules.tree import Source, python_sources

CLIENT, CONSOLE = "host/thecal/pump/client.py", "host/thecal/terminal/console.py"
# a small house: the command line above the pump, the pump above the terminal
TREE = {
    "host/thecal/__init__.py": "",
    "host/thecal/__main__.py": "from thecal.cli.app import main",
    "host/thecal/cli/__init__.py": "",
    "host/thecal/cli/app.py": "from thecal.cli.verbs import VERBS",
    "host/thecal/cli/verbs/__init__.py": "from thecal.cli.verbs.start import start\nfrom thecal.cli.verbs.stop import stop",
    "host/thecal/cli/verbs/start.py": "def start():\n    from thecal.pump.client import Client",
    "host/thecal/cli/verbs/stop.py": "def stop():\n    from thecal.pump import client",
    "host/thecal/pump/__init__.py": "",
    "host/thecal/pump/orders.py": "from thecal.pump.client import Client",
    CLIENT: "from thecal.terminal.console import talk",
    CONSOLE: "import sys",
}


# the same for a firmware: the start above the line, the line above the records, and all of the app above pumpcore
START, TABLE, JOURNAL = "firmware/app/startup/boot.py", "firmware/app/wire/table.py", "firmware/app/records/journal.py"
PUMP = {
    "firmware/app/__init__.py": "",
    "firmware/app/startup/__init__.py": "",
    START: "from app.wire.table import Loader\nfrom app.startup import recovery",
    "firmware/app/startup/recovery.py": "from app.records.journal import Ring",
    "firmware/app/wire/__init__.py": "",
    TABLE: "GIVEN = 'app.records.journal app.records.store'\nFOLDER = 'app.wire.handlers.'",
    "firmware/app/wire/handlers/__init__.py": "",
    "firmware/app/wire/handlers/stop.py": "from app.records import journal",
    "firmware/app/records/__init__.py": "",
    JOURNAL: "from pumpcore.units import const",
    "firmware/app/records/store.py": "",
    "firmware/pumpcore/__init__.py": "",
    "firmware/pumpcore/units.py": "",
    "firmware/hal/__init__.py": "",
}


def found(changes: dict[str, str], tree: dict[str, str] = TREE) -> list[str]:
    return rooms.violations([Source(path, text) for path, text in {**tree, **changes}.items()])


@pytest.mark.parametrize("folders", [(rooms.HOST,), rooms.FIRMWARE], ids=["host", "firmware"])
def test_the_house_has_few_rooms_and_no_circle(folders: tuple[str, ...]) -> None:
    sources = python_sources(*folders)
    assert sources
    found = rooms.violations(sources)
    assert not found, "\n".join(found)


def test_the_small_firmware_is_in_order() -> None:
    assert found({}, PUMP) == []


@pytest.mark.parametrize(
    "code",
    [
        "def find():\n    from app.startup.recovery import find_end",
        "if 0:\n    from app.startup import recovery",
        "def find():\n    return __import__('app.startup.recovery', None, None, ('find_end',))",
        "GIVEN = '''\napp.startup.recovery\napp.records.store\n'''",
    ],
)
def test_a_circle_of_rooms_of_the_firmware_is_refused(code: str) -> None:
    assert found({JOURNAL: code}, PUMP) == [
        "app: the imports go round: records, startup, wire",
        "firmware/pumpcore/, firmware/app/, firmware/hal/: the imports go round: app/records, app/startup, app/wire",
        "modules import each other: app.records.journal, app.startup.recovery",
    ]


def test_a_loader_that_is_asked_for_by_what_it_loads_is_refused() -> None:
    assert found({"firmware/app/wire/handlers/stop.py": "from app.wire.table import Loader"}, PUMP) == [
        "app.wire: the imports go round: handlers, table",
        "modules import each other: app.wire.handlers.stop, app.wire.table",
    ]


def test_a_circle_through_two_packages_of_the_firmware_is_refused() -> None:
    assert found({"firmware/pumpcore/units.py": "from app.records.journal import Ring"}, PUMP) == [
        "firmware/pumpcore/, firmware/app/, firmware/hal/: the imports go round: app/records, pumpcore/units",
        "modules import each other: app.records.journal, pumpcore.units",
    ]


def test_the_small_house_is_in_order() -> None:
    assert found({}) == []


@pytest.mark.parametrize(
    "code",
    [
        "from thecal.pump.client import Client",
        "from thecal.pump import client",
        "from ..pump import client",
        "import thecal.pump.client as pump",
        "def talk():\n    from thecal.pump.client import Client",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from thecal.pump.client import Client",
        "def talk():\n    import importlib\n    return importlib.import_module('thecal.pump.client')",
        "from importlib import import_module\n\ndef talk(name):\n    return import_module(f'thecal.pump.c{name}')",
        "from importlib import import_module\n\ndef talk():\n    return import_module('..pump.client', __package__)",
        "LATER = {'client': 'thecal.pump.client:Client'}",
    ],
)
def test_a_circle_of_rooms_is_refused(code: str) -> None:
    assert found({CONSOLE: code}) == [
        "thecal: the imports go round: pump, terminal",
        "modules import each other: thecal.pump.client, thecal.terminal.console",
    ]


def test_a_circle_of_rooms_without_one_of_modules_is_refused() -> None:
    assert found({CONSOLE: "from thecal.pump.orders import place", "host/thecal/pump/orders.py": ""}) == [
        "thecal: the imports go round: pump, terminal"
    ]


def test_a_circle_inside_of_a_room_is_refused() -> None:
    assert found({CLIENT: "def ask():\n    from thecal.pump.orders import Order"}) == [
        "thecal.pump: the imports go round: client, orders",
        "modules import each other: thecal.pump.client, thecal.pump.orders",
    ]


@pytest.mark.parametrize(
    "code",
    ["from thecal.cli.app import main", "import thecal.cli", "def look():\n    from thecal import cli", "VERB = 'thecal.cli.verbs.stop'"],
)
def test_a_library_that_knows_the_command_line_is_refused(code: str) -> None:
    lines = found({"host/thecal/tools/demo.py": code})
    assert len(lines) == 1
    assert "the library does not know the command line" in lines[0]


def test_a_verb_that_imports_a_verb_is_refused() -> None:
    lines = found({"host/thecal/cli/verbs/stop.py": "def stop():\n    from thecal.cli.verbs.start import start"})
    assert lines == ["host/thecal/cli/verbs/stop.py: imports thecal.cli.verbs.start: what two verbs share lies below them"]


@pytest.mark.parametrize("folder, most", rooms.MOST_ROOMS.items())
def test_too_many_rooms_are_refused(folder: str, most: int) -> None:
    tree = TREE | PUMP
    there = len(rooms.House([Source(path, text) for path, text in tree.items()], folder).rooms())
    more = {f"{folder}room_{number}.py": "" for number in range(most + 1)}
    lines = found(more, tree)
    assert len(lines) == 1
    assert f"{folder} has {there + most + 1} rooms, at most {most}" in lines[0]
    assert found(dict(list(more.items())[there + 1 :]), tree) == []


def test_rooms_stand_above_what_they_import() -> None:
    house = rooms.House([Source(path, text) for path, text in TREE.items()], rooms.HOST)
    assert rooms.floors(house.rooms()) == [["terminal"], ["pump"], ["cli"], ["__main__"]]
    assert "4 rooms on 4 floors, 3 arrows, 0 circles of rooms" in rooms.described(house)


@pytest.mark.parametrize(
    "code",
    [
        '"""See thecal.pump.client for how."""',
        "HELP = 'ask thecal.pump.client for it'",
        "from thecal import __version__",
        "NAME = 'thecal'",
        "PATH = f'thecal/{NAME}'",
    ],
)
def test_words_about_a_module_are_no_import(code: str) -> None:
    assert found({CONSOLE: code}) == []
