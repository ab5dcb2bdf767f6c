"""The committed files are what the scripts make now: STEP byte for byte, STL as mesh."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from thecal_cad import hashes, mesh
from thecal_cad.sizes import FOLDER

NAMES = sorted(file.stem for file in (FOLDER / "step").glob("*.step"))
SMALLEST_KB, LARGEST_KB = 1, 1_000


def test_every_part_has_its_step_its_stl_and_its_picture() -> None:
    from thecal_cad.parts import PARTS

    assert sorted(PARTS) == NAMES
    assert [file.stem for file in sorted((FOLDER / "stl").iterdir())] == NAMES
    assert sorted(file.stem for file in (FOLDER / "png").iterdir()) == sorted([*NAMES, "assembly"])
    sizes = {name: (FOLDER / name).stat().st_size // 1024 for name in hashes.outputs()}
    assert {name: size for name, size in sizes.items() if not SMALLEST_KB <= size <= LARGEST_KB} == {}


@pytest.mark.parametrize("name", NAMES)
def test_a_fresh_step_is_the_committed_one_byte_for_byte(name: str) -> None:
    from thecal_cad.parts import printed
    from thecal_cad.write import step_bytes

    committed = (FOLDER / "step" / f"{name}.step").read_bytes()
    assert step_bytes(printed(name)) == committed, "run make cad, look at the part, commit what it writes"
    assert b"CERN-OHL-P-2.0" in committed[:300]


def test_a_part_is_the_same_in_another_process_alone_and_with_other_hashes(tmp_path: Path) -> None:
    """The order of Python's sets must not reach the file."""
    code = "import sys; from thecal_cad.parts import printed; from thecal_cad.write import step_bytes; sys.stdout.buffer.write(step_bytes(printed('tray')))"
    for seed in ("1", "4711"):
        environment = {**os.environ, "PYTHONPATH": str(FOLDER), "PYTHONHASHSEED": seed}
        done = subprocess.run([sys.executable, "-c", code], env=environment, cwd=tmp_path, capture_output=True, timeout=120, check=True)
        assert done.stdout == (FOLDER / "step" / "tray.step").read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_a_fresh_mesh_is_the_committed_one(name: str) -> None:
    from thecal_cad.parts import printed
    from thecal_cad.write import triangles

    fresh = mesh.sorted_triangles(triangles(printed(name)).astype("<f4").astype(float))
    committed = mesh.sorted_triangles(mesh.read_stl(FOLDER / "stl" / f"{name}.stl"))
    assert fresh.shape == committed.shape
    assert np.abs(fresh - committed).max() < 0.002


@pytest.mark.parametrize("name", NAMES)
def test_the_mesh_fills_what_the_solid_fills(name: str) -> None:
    from thecal_cad.parts import printed

    filled = mesh.volume(mesh.read_stl(FOLDER / "stl" / f"{name}.stl"))
    assert filled == pytest.approx(printed(name).volume, rel=0.005)
