"""The host's rooms: few, with arrows downwards only, and no circle at any height; each kind of breach is seen on a planted one."""

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


def found(changes: dict[str, str]) -> list[str]:
    return rooms.violations([Source(path, text) for path, text in {**TREE, **changes}.items()])


def test_the_host_has_few_rooms_and_no_circle() -> None:
    found = rooms.violations(python_sources(rooms.HOST))
    assert not found, "\n".join(found)


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


def test_too_many_rooms_are_refused() -> None:
    more = {f"host/thecal/room_{number}.py": "" for number in range(rooms.MOST_ROOMS)}
    lines = found(more)
    assert len(lines) == 1
    assert f"has {rooms.MOST_ROOMS + 4} rooms, at most {rooms.MOST_ROOMS}" in lines[0]


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
