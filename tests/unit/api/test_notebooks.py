"""The notebooks of host/examples run from the first cell to the last, on simulated pumps; and the script of the README."""

from pathlib import Path

import pytest

from support import notebooks

EXAMPLES = Path(__file__).resolve().parents[3] / "host" / "examples"
NOTEBOOKS = sorted(EXAMPLES.glob("*.ipynb"))


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("THECAL_RUNTIME", str(tmp_path / "runtime"))
    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.setenv("TZ", "UTC")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_to_its_end(path: Path) -> None:
    values = [str(value) for value in notebooks.run(path) if value is not None]
    assert any("delivered" in value for value in values)


def test_there_are_three_notebooks_and_the_page_of_the_examples_names_each() -> None:
    page = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert len(NOTEBOOKS) == 3
    for path in NOTEBOOKS:
        assert f"]({path.name})" in page
        assert notebooks.cells(path)[0][1].count("It must never be connected to a person or an animal") == 1


def test_the_script_of_the_readme_has_fifteen_lines_and_runs(capsys) -> None:
    readme = (EXAMPLES.parents[1] / "README.md").read_text(encoding="utf-8")
    script = next(part for part in readme.split("```python\n")[1:] if "thecal.simulated" in part).partition("```")[0]
    assert len(script.splitlines()) <= 15
    exec(compile(script, "README.md", "exec"), {"__name__": "__main__"})
    said = capsys.readouterr().out
    assert "19.99 uL of 19.99 uL delivered" in said
    assert "bolus_ordered" in said and "bolus_ended" in said
