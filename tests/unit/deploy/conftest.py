"""The board that `thecal flash` finds in these tests."""

import pytest

from support.host.fake_board import FakeBoard
from support.host.flash_scene import alone, flash


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    alone(tmp_path, monkeypatch)


@pytest.fixture
def board(tmp_path):
    with FakeBoard(tmp_path / "board") as fake:
        yield fake


@pytest.fixture
def pump(board):
    """Return a flashed board, with an empty log."""
    flash(board)
    board.log.clear()
    return board
