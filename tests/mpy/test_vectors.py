"""The same vectors in CPython and MicroPython: each module in `vectors/` has `run() -> list`, and both must agree.

To add one: write `vectors/NAME.py` in the language common to both, import from `pumpcore` only, return what JSON can hold.
"""

from pathlib import Path

import pytest

from support.micropython import VECTORS, in_cpython, in_micropython


@pytest.mark.parametrize("path", sorted(VECTORS.glob("*.py")), ids=lambda path: path.stem)
def test_micropython_and_cpython_agree(path: Path) -> None:
    ours = in_cpython(path)
    assert ours, "a vector without values proves nothing"
    assert in_micropython(path) == ours


def test_a_planted_difference_is_seen(tmp_path: Path) -> None:
    """MicroPython's implementation name differs from CPython's; a comparison that could not fail would miss it."""
    (tmp_path / "planted.py").write_text("import sys\n\ndef run():\n    return [1, sys.implementation.name]\n")
    assert in_cpython(tmp_path / "planted.py") == [1, "cpython"]
    assert in_micropython(tmp_path / "planted.py") == [1, "micropython"]
