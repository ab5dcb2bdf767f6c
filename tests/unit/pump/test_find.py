"""`thecal find` with a simulator that started a moment ago."""

import json
import socket
import threading

import pytest
from pydantic import TypeAdapter

from pumpcore.wire import messages
from support.host.fake_pump import FakePump
from thecal.cli.schema.verbs import SHAPES
from thecal.pump import opening
from thecal.pump.transport import ports, registry
from thecal.pump.transport.ports import Candidate


def looks(monkeypatch: pytest.MonkeyPatch, empty: int) -> list[float]:
    """Find nothing in the first `empty` looks. Return the list of sleeps."""
    answers, slept = iter([[]] * empty), []
    monkeypatch.setattr(ports, "candidates", lambda: next(answers, [Candidate("/dev/pts/1", "simulator")]))
    monkeypatch.setattr(ports.time, "sleep", slept.append)
    return slept


def test_a_pump_that_is_there_is_not_waited_for(monkeypatch):
    slept, told = looks(monkeypatch, 0), []
    assert len(ports.awaited(3.0, lambda: told.append(1))) == 1
    assert not slept and not told


def test_one_that_comes_a_moment_later_is_found_and_the_wait_is_told_once(monkeypatch):
    slept, told = looks(monkeypatch, 4), []
    assert len(ports.awaited(3.0, lambda: told.append(1))) == 1
    assert len(slept) == 4 and told == [1]


def test_the_wait_ends(monkeypatch):
    looks(monkeypatch, 1_000_000)
    assert ports.awaited(0.0, lambda: None) == []


@pytest.mark.parametrize("serial_number", ["e6614103e7452d2f", "0000000000000000"])
@pytest.mark.long
def test_a_board_that_was_a_pump_and_answers_no_more_is_named(monkeypatch, tmp_path, thecal_says, serial_number):
    """MicroPython formats a flash that it cannot mount; a board that was never a pump is only silent."""
    monkeypatch.setenv("THECAL_RUNTIME", str(tmp_path))
    registry.remember_pump("E6614103E7452D2F", {"bench": "tmc2209-peristaltic01"})
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port_url = f"socket://127.0.0.1:{silent.getsockname()[1]}"
        board = Candidate(port_url, "usb", serial_number)
        for module in (ports, opening):
            monkeypatch.setattr(module, "usb_boards", lambda: [board])
        monkeypatch.setattr(ports, "simulators", list)
        for words in (["find"], ["status"]):
            code, out, err = thecal_says(*words)
            said = out + err
            assert ("its flash may be lost" in said) == (serial_number[0] == "e") and code in (3, 4)


# --- a pump whose firmware can't run it ----------------------------------------------------------------------------------------


@pytest.fixture
def unfit():
    """Return the port of an unfit board, which answers like main.py alone."""
    refused = json.dumps({"code": 608, "message": "the firmware is not the one of its manifest", "data": {
        "fault": "firmware_incomplete", "do": "flash it again: thecal flash", "cause": "/app/pump.mpy is another one"}})
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection, connection.makefile("rwb") as file:
                for line in file:
                    if line.strip():
                        identity = json.dumps(messages.decode(line.strip())["id"])
                        file.write(messages.sealed(f'{{"jsonrpc":"2.0","id":{identity},"error":{refused}}}'.encode()))
                        file.flush()

    threading.Thread(target=serve, daemon=True).start()
    yield f"socket://127.0.0.1:{server.getsockname()[1]}"
    server.close()


@pytest.mark.parametrize("origin, command", [("usb", "thecal flash --port"), ("simulator", "thecal sim --fresh")])
def test_an_unfit_pump_is_listed_with_its_word_and_the_command_to_type(monkeypatch, thecal_says, unfit, origin, command):
    monkeypatch.setattr(ports, "candidates", lambda: [Candidate(unfit, origin)])
    code, out, err = thecal_says("find")
    assert unfit in out and "firmware_incomplete" in out and code == 1
    assert "/app/pump.mpy is another one" in err and command in err and "no pump found" not in err
    code, out, _ = thecal_says("find", "--json")
    assert code == 1 and '"fault": "firmware_incomplete"' in out


@pytest.mark.parametrize("ports_with", ["nothing", "a silent port", "an unfit pump"])
def test_without_a_usable_pump_json_is_the_list_alone_and_the_words_go_to_stderr(monkeypatch, thecal_says, unfit, ports_with):
    """A program reads one document, of the shape that the schema has for `find`."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent_url = f"socket://127.0.0.1:{silent.getsockname()[1]}"
        urls = {"nothing": [], "a silent port": [silent_url], "an unfit pump": [unfit, silent_url]}[ports_with]
        monkeypatch.setattr(ports, "candidates", lambda: [Candidate(port_url, "usb") for port_url in urls])
        monkeypatch.setattr(ports, "awaited", lambda *_: ports.candidates())
        code, out, err = thecal_says("find", "--json")
    listed = TypeAdapter(SHAPES["find"]).validate_json(out, strict=True).root
    assert [about.port_url for about in listed] == urls and all(about.error for about in listed)
    assert code == (1 if unfit in urls else 3) and "thecal: " in err


def test_an_unfit_pump_beside_one_that_runs_is_listed_too_and_the_other_one_is_meant(monkeypatch, thecal_says, unfit):
    with FakePump() as pump:
        both = [Candidate(unfit, "usb"), Candidate(pump.port_url, "usb")]
        monkeypatch.setattr(ports, "candidates", lambda: both)
        monkeypatch.setattr(opening, "candidates", lambda: both)
        code, out, err = thecal_says("find")
        assert code == 0 and unfit in out and pump.port_url in out and "thecal flash --port" in err
        assert opening.choose(None) == pump.port_url


def test_the_only_unfit_pump_among_silent_ports_is_the_one_that_is_meant(monkeypatch, unfit):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        both = [Candidate(unfit, "usb"), Candidate(f"socket://127.0.0.1:{silent.getsockname()[1]}", "usb")]
        monkeypatch.setattr(opening, "candidates", lambda: both)
        assert opening.choose(None) == unfit
