"""`thecal find` beside a simulator that was started a moment ago."""

import socket

import pytest

from thecal import connecting
from thecal.transport import ports, registry
from thecal.transport.ports import Candidate


def looks(monkeypatch: pytest.MonkeyPatch, empty: int) -> list[float]:
    """Nothing at the first `empty` looks; the list of sleeps that were asked for."""
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
def test_a_board_that_was_a_pump_and_answers_no_more_is_named(monkeypatch, tmp_path, thecal_says, serial_number):
    """MicroPython formats a flash that it can't mount; a board that was never a pump is only silent."""
    monkeypatch.setenv("THECAL_RUNTIME", str(tmp_path))
    registry.remember_pump("E6614103E7452D2F", {"bench": "tmc2209-peristaltic"})
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port_url = f"socket://127.0.0.1:{silent.getsockname()[1]}"
        board = Candidate(port_url, "usb", serial_number)
        for module in (ports, connecting):
            monkeypatch.setattr(module, "usb_boards", lambda: [board])
        monkeypatch.setattr(ports, "simulators", list)
        for words in (["find"], ["status"]):
            code, out, err = thecal_says(*words)
            said = out + err
            assert ("its flash may be lost" in said) == (serial_number[0] == "e") and code in (3, 4)
