"""The printed parts belong to their sizes: a change without `make cad` is seen here, without build123d."""

import shutil
import tomllib
from pathlib import Path

import pytest

from thecal_cad import hashes, sizes

ROOT = Path(__file__).resolve().parents[3]
CAD = ROOT / "hardware" / "cad"
KINDS = ("step", "stl", "png")
SPDX = "SPDX-License-Identifier: CERN-OHL-P-2.0"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of hardware/cad that a test may change."""
    return Path(shutil.copytree(CAD, tmp_path / "cad", ignore=shutil.ignore_patterns("__pycache__")))


def test_the_committed_parts_were_made_from_the_committed_sizes_and_scripts() -> None:
    assert hashes.differences() == []


@pytest.mark.parametrize(
    "name", ["sizes.toml", "requirements.txt", "thecal_cad/rotor.py", "step/tray.step", "stl/base.stl", "png/base.png"]
)
def test_a_change_of_one_file_is_seen(copy: Path, name: str) -> None:
    with (copy / name).open("ab") as file:
        file.write(b"\n")
    assert hashes.differences(copy) == [f"{name} changed: run make cad, commit what it writes"]


def test_a_new_script_and_a_lost_part_are_seen(copy: Path) -> None:
    (copy / "thecal_cad" / "zz.py").write_text("")
    (copy / "stl" / "tray.stl").unlink()
    assert [line.split(":")[0] for line in hashes.differences(copy)] == ["thecal_cad/zz.py is new", "stl/tray.stl is gone"]


def test_every_part_has_step_stl_and_picture_below_a_megabyte() -> None:
    names = {kind: {file.stem for file in (CAD / kind).iterdir()} for kind in KINDS}
    assert names["step"] == names["stl"] == names["png"] - {"assembly"}
    assert len(names["step"]) >= 7
    assert [file.name for kind in KINDS for file in (CAD / kind).iterdir() if not 500 < file.stat().st_size < 1_000_000] == []


def test_every_file_names_its_licence() -> None:
    files = [file for file in CAD.rglob("*") if file.is_file() and "__pycache__" not in file.parts]
    assert [file.name for file in files if SPDX.encode() not in file.read_bytes()[:4000] and file.name != "made.json"] == []
    assert '"SPDX-License-Identifier": "CERN-OHL-P-2.0"' in (CAD / "made.json").read_text(encoding="utf-8")


# --- sizes -------------------------------------------------------------------------------------------------------------------


def test_every_size_says_what_it_fits_and_where_it_is_from() -> None:
    read = sizes.every_size()
    assert len(read) > 100 and {size.state for size in read} == set(sizes.STATES)
    assert [size.name for size in read if min(len(size.fits), len(size.why)) < 5] == []


@pytest.mark.parametrize(
    "line",
    [
        'x = 3.0',
        'x = { read = 3.0, fits = "a" }',
        'x = { read = 3.0, chosen = 3.0, fits = "a", why = "b", source = "c" }',
        'x = { read = 3, source = "b", fits = "a" }',
        'x = { chosen = -1.0, why = "b", fits = "a" }',
        'x = { unread = 1.0, why = "b", fits = "a" }',
        'x = { chosen = 1.0, why = " ", fits = "a" }',
    ],
)  # fmt: skip
def test_a_size_without_state_or_words_is_refused(tmp_path: Path, line: str) -> None:
    (tmp_path / "sizes.toml").write_text(f"[a]\n{line}\n")
    with pytest.raises(sizes.BadSizes, match=r"a\.x"):
        sizes.every_size(tmp_path / "sizes.toml")


def benches_with_a_board() -> list[dict]:
    read = [tomllib.loads(file.read_text(encoding="utf-8")) for file in sorted((ROOT / "hardware").glob("*.toml"))]
    return [bench["board"] for bench in read if "board" in bench]


def test_the_box_fits_the_perforated_board_of_the_benches() -> None:
    """`[board]` of a bench and sizes.toml name the same board, and the same four holes."""
    ours = sizes.load().board
    for board in benches_with_a_board():
        assert (board["width_mm"], board["height_mm"]) == (ours.length, ours.width)
        assert board["screw_inset_um"] == ours.hole_inset * 1000


def test_the_readme_shows_every_part_and_how_it_lies_on_the_bed() -> None:
    text = (CAD / "README.md").read_text(encoding="utf-8")
    for picture in (CAD / "png").iterdir():
        assert f"(png/{picture.name})" in text
