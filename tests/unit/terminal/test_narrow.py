"""Tables in a narrow terminal: no line is too long, no word is lost, and a figure keeps its label."""

import re
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.host.prescriptions import RX
from thecal.terminal import folding
from thecal.terminal.console import columns, headed

HEADS = ("day", "basal mL", "mL left, every bolus", "why")
ROWS = [("Sun 2026-10-25, 25 h", "0.564", "18.2", "bolus, stopped (host)"), ("Mon 2026-10-26", "0.5", "", "-")]
WORD = st.text("abcdefgh0123.,", min_size=1, max_size=12)
CELL = st.lists(WORD, max_size=4).map(" ".join)


@pytest.fixture
def cells(monkeypatch):
    """Set the width of the terminal."""
    return lambda width: monkeypatch.setenv("COLUMNS", str(width))


def test_in_a_pipe_a_table_is_a_line_a_row(monkeypatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    assert len(headed([HEADS, *ROWS]).splitlines()) == 3
    assert len(columns(ROWS).splitlines()) == 2


def test_heads_are_wrapped_first_and_then_each_cell_has_its_own_line(cells) -> None:
    cells(62)
    assert headed([HEADS, *ROWS]).splitlines() == [
        "                             mL",
        "                             left,",
        "                      basal  every",
        "day                   mL     bolus  why",
        "Sun 2026-10-25, 25 h  0.564  18.2   bolus, stopped (host)",
        "Mon 2026-10-26        0.5           -",
    ]
    cells(40)
    assert headed([HEADS, *ROWS]).splitlines()[:4] == [
        "Sun 2026-10-25, 25 h",
        "  basal mL              0.564",
        "  mL left, every bolus  18.2",
        "  why                   bolus, stopped",
    ]
    cells(30)
    assert columns([("program", "a name that is longer than this")]).splitlines() == [
        "program  a name that is longer",
        "         than this",
    ]


@given(st.lists(st.tuples(CELL, CELL, CELL), min_size=2, max_size=4), st.integers(8, 60))
def test_every_line_fits_and_every_letter_is_there(rows: list, width: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(folding, "width_cells", lambda: width)
        for text, kept in ((columns(rows), rows), (headed(rows), rows[1:])):
            assert all(len(line) <= width for line in text.splitlines())
            letters = re.sub(r"\s", "", text)
            assert all(re.sub(r"\s", "", cell)[:8] in letters for row in kept for cell in row)


@pytest.mark.parametrize("width", [40, 80])
@pytest.mark.parametrize(
    "words", [("limits", "rx.toml", "--bench", "sim-clock"), ("forecast", "rx.toml", "--offline"), ("program", "rx.toml", "--dry-run")]
)
def test_verbs_fit_the_terminal(words: tuple, width: int, cells, thecal_says, monkeypatch, tmp_path) -> None:
    monkeypatch.chdir(tmp_path)
    Path("rx.toml").write_text(RX)
    cells(width)
    code, out, _ = partial(thecal_says, *words)()
    assert code == 0 and max(map(len, out.splitlines())) <= width
