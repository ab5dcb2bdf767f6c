"""Each part can be printed: it fits the bed, is watertight, has no thin wall, and needs no support. Read from the committed STL."""

import numpy as np
import pytest

from thecal_cad import mesh
from thecal_cad.sizes import FOLDER, load

NAMES = sorted(file.stem for file in (FOLDER / "stl").glob("*.stl"))
BED = 220.0
THINNEST = 1.2
# Square millimetres that hang over by more than 45 degrees, and why they print all the same.
HANGING = {
    "head_plate": (102.0, "ceilings of the inserts' holes, 4 mm across, and of lying screw holes"),
    "head_plate_nema17": (150.0, "ceilings of the sunk screw holes, a ring 1.5 mm wide, and of lying screw holes"),
    "head_plate_nema14": (150.0, "as head_plate_nema17"),
    "roller_cover": (170.0, "ceilings of the sunk screw holes, a ring 1.5 mm wide, and of the lying holes of inserts, 4 mm across"),
    "as5600_bracket": (175.0, "ceilings of lying screw holes and slots, 3 mm wide, and the lower sides of pads that stand out 2 mm"),
    "button_panel": (52.0, "ceilings of four lying screw holes, 3 mm across"),
}


def stl(name: str) -> mesh.Triangles:
    return mesh.read_stl(FOLDER / "stl" / f"{name}.stl")


@pytest.mark.parametrize("name", NAMES)
def test_it_lies_on_the_bed(name: str) -> None:
    corners = stl(name).reshape(-1, 3)
    low, high = corners.min(axis=0), corners.max(axis=0)
    assert load().print.bed == BED
    assert low[2] == pytest.approx(0.0, abs=1e-4)
    assert all(high[axis] - low[axis] <= BED - 5.0 for axis in (0, 1)), "5 mm for a brim"


@pytest.mark.parametrize("name", NAMES)
def test_it_is_watertight(name: str) -> None:
    assert mesh.open_edges(stl(name)) == 0


@pytest.mark.parametrize("name", NAMES)
def test_no_wall_is_too_thin(name: str) -> None:
    thinnest, place = mesh.thinnest_wall(stl(name))
    assert thinnest >= THINNEST - 0.01, f"{thinnest:.2f} mm at {place}"


@pytest.mark.parametrize("name", NAMES)
def test_nothing_hangs_in_the_air(name: str) -> None:
    triangles = stl(name)
    area = np.linalg.norm(np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]), axis=1) / 2
    hangs = (mesh.normals(triangles)[:, 2] < -0.73) & (triangles[:, :, 2].min(axis=1) > 0.01)
    assert area[hangs].sum() <= HANGING.get(name, (0.0, ""))[0]


def cube(side: float) -> mesh.Triangles:
    """Return a cube from the origin on."""
    quads = [(0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (2, 6, 7, 3), (0, 4, 6, 2), (1, 3, 7, 5)]
    corners = [[side * (number & 1), side * (number >> 1 & 1), side * (number >> 2)] for number in range(8)]
    return np.array([[corners[a], corners[b], corners[c]] for q in quads for a, b, c in ((q[0], q[1], q[2]), (q[0], q[2], q[3]))])


def test_the_checks_see_a_hole_and_a_thin_wall() -> None:
    whole = cube(1.0)
    assert mesh.open_edges(whole) == 0 and mesh.volume(whole) == pytest.approx(1.0)
    assert mesh.open_edges(whole[1:]) == 3
    assert mesh.open_edges(np.concatenate([whole[1:], whole[:1, ::-1]])) > 0, "a triangle inside out"
    assert mesh.thinnest_wall(whole)[0] == pytest.approx(1.0)
    assert mesh.thinnest_wall(whole * [5.0, 5.0, 1.1])[0] == pytest.approx(1.1)
