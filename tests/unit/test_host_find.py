"""`thecal find` beside a simulator that was started a moment ago."""

import pytest

from thecal.transport import ports
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
