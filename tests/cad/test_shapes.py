"""Volume, size and holes of each part, as computed by hand from the sizes. Names, not formulas of the scripts."""

import pytest

from cad.solids import grid, holes

# As they lie on the bed: x, y, z in millimetres; volume in cubic centimetres (computed once, looked at, kept).
BOXES = {
    "base": (212.0, 210.0, 17.0),  # 5 + pillars of 12
    "head_plate_nema17": (66.0, 107.0, 56.0),  # 74 + half of 66; 8 + foot of 48
    "head_plate_nema14": (66.0, 107.0, 56.0),
    "roller_cover": (66.0, 66.0, 29.7),  # rotor 20, cup 7.5, gap 0.6, front 1.6
    "as5600_bracket": (74.6, 30.25, 28.0),  # 66 + 2 x 0.3 + 2 x 4
    "gap_gauge": (48.0, 13.55, 10.0),
    "magnet_cup": (14.0, 14.0, 7.5),  # 5 + 2.5
    "board_box": (196.8, 108.8, 52.0),  # 160 + 2 x 16 + 2 x 2.4; 100 + 2 x 2 + 2 x 2.4; 2.4 + 8 + 1.6 + 40
    "board_box_lid": (203.6, 115.6, 12.4),
    "tray": (160.0, 124.0, 40.0),
    "button_panel": (58.0, 124.0, 47.0),
    "cable_clamp": (30.0, 10.0, 8.0),
}
VOLUMES_CM3 = {
    "base": 226.57, "head_plate_nema17": 89.48, "head_plate_nema14": 89.48, "roller_cover": 72.63, "as5600_bracket": 14.01, "gap_gauge": 3.61,
    "magnet_cup": 1.08, "board_box": 133.68, "board_box_lid": 71.12, "tray": 103.63, "button_panel": 59.90, "cable_clamp": 1.93,
}  # fmt: skip


@pytest.mark.parametrize("name", BOXES)
def test_it_is_as_large_as_computed(name: str) -> None:
    from thecal_cad.parts import PARTS, printed

    assert sorted(PARTS) == sorted(BOXES) == sorted(VOLUMES_CM3)
    size = printed(name).bounding_box().size
    assert pytest.approx(BOXES[name], abs=0.001) == (size.X, size.Y, size.Z)
    assert printed(name).volume / 1000 == pytest.approx(VOLUMES_CM3[name], abs=0.006)


def test_the_base_holds_head_panel_box_and_clamps() -> None:
    from thecal_cad.parts import mounted

    pillars = grid("z", 4.0, (36.0, 176.0), (113.2, 183.2))
    head = grid("z", 4.0, (46 - 25.5, 46 + 25.5), (18.0, 46.0))
    panel = grid("z", 4.0, (183 - 18.0, 183 + 18.0), (13.0, 37.0))
    clamps = grid("z", 4.0, (90.0, 110.0, 124.0, 144.0), (28.0, 68.0))
    assert holes(mounted("base")) == pillars | head | panel | clamps


@pytest.mark.parametrize(("name", "square"), [("head_plate_nema17", 31.0), ("head_plate_nema14", 26.0)])
def test_the_head_plate_fits_the_motors_face(name: str, square: float) -> None:
    from thecal_cad.parts import mounted

    x, z = (-square / 2, square / 2), (74 - square / 2, 74 + square / 2)
    motor = grid("y", 3.4, x, z) | grid("y", 6.5, x, z) | {("y", 22.4, 0.0, 74.0)}
    cover = grid("y", 4.0, (-27.0, 27.0), (47.0, 101.0))
    assert holes(mounted(name)) == motor | cover | grid("z", 3.4, (-25.5, 25.5), (18.0, 46.0))


def test_the_covers_holes_meet_the_head_plate_and_the_bracket() -> None:
    from thecal_cad.parts import mounted

    corners = grid("z", 3.4, (-27.0, 27.0), (-27.0, 27.0)) | grid("z", 6.5, (-27.0, 27.0), (-27.0, 27.0))
    sides = grid("x", 4.0, (-8.0, 8.0), (18.0,))
    found = holes(mounted("roller_cover"))
    assert {hole for hole in found if hole[1] < 40} == corners | sides  # the rotor's room is open to two slots
    assert holes(mounted("as5600_bracket")) == grid("z", 2.8, (-8.75, 8.75), (-8.75, 8.75))


def test_the_boxs_holes_meet_the_boards_the_bases_and_the_lids() -> None:
    from thecal_cad.parts import mounted

    board = grid("z", 4.0, (-76.19, 76.19), (-46.19, 46.19))
    lid = ((-91.5, 91.5), (-47.5, 47.5))
    pillars = grid("z", 3.4, (-70.0, 70.0), (-35.0, 35.0))
    assert holes(mounted("board_box")) == board | pillars | grid("z", 4.0, *lid)
    assert holes(mounted("board_box_lid")) == grid("z", 3.4, *lid)


def test_the_panel_has_its_two_buttons_one_above_the_other() -> None:
    from thecal_cad.parts import mounted

    buttons = {("y", 22.5, 0.0, 92.0), ("y", 16.2, 0.0, 44.0)}  # 22.3 and 16, and 0.2 for the print
    assert holes(mounted("button_panel")) == buttons | grid("z", 3.4, (-18.0, 18.0), (13.0, 37.0))


def test_the_small_parts_have_their_holes() -> None:
    from thecal_cad.parts import mounted

    assert holes(mounted("cable_clamp")) == grid("z", 3.4, (-10.0, 10.0), (0.0,))
    assert holes(mounted("magnet_cup")) == {("z", 6.2, 0.0, 0.0)}
    assert len(holes(mounted("gap_gauge"))) == 1 + 2 + 3
    assert holes(mounted("tray")) == set(), "a tray is closed"
