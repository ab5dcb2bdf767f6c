"""Volume, size and holes of each part, as computed by hand from the sizes. Names, not formulas of the scripts."""

import pytest

from cad.solids import grid, holes

# As they lie on the bed: x, y, z in millimetres; volume in cubic centimetres (computed once, looked at, kept).
BOXES = {
    "base": (212.0, 210.0, 17.0),  # 5 + pillars of 12
    "head_plate": (84.0, 117.0, 56.0),  # axis 84 + 33; 8 + foot of 48
    "head_plate_nema17": (84.0, 117.0, 56.0),
    "head_plate_nema14": (84.0, 117.0, 56.0),
    "roller_cover": (112.04, 86.8, 37.8),  # head 103.24 x 78, 2 x 2 of air, 2 x 2.4 of wall; 28.4 + 7.5 + 0.6 + 1.6 - 0.3
    "as5600_bracket": (120.64, 24.65, 28.0),  # 112.04 + 2 x 0.3 + 2 x 4
    "gap_gauge": (48.0, 13.55, 10.0),  # 2 + 1.6 + 1.75 + 0.2, and 8
    "magnet_cup": (14.0, 14.0, 7.5),  # 5 + 2.5
    "board_box": (196.8, 152.8, 52.0),  # 160 + 2 x 16 + 2 x 2.4; 100 + 16 + 2 + 2 x 2.4 + bay 30; 2.4 + 8 + 1.6 + 40
    "board_box_lid": (203.6, 129.6, 12.4),  # 1 of air and 2.4 of skirt all around 196.8 x 122.8
    "tray": (160.0, 140.0, 34.0),  # 152 x 132 and a lip of 4
    "button_panel": (58.0, 124.0, 47.0),
    "cable_clamp": (30.0, 10.0, 8.0),
}
VOLUMES_CM3 = {
    "base": 226.57, "head_plate": 106.48, "head_plate_nema17": 118.63, "head_plate_nema14": 118.63, "roller_cover": 65.49,
    "as5600_bracket": 17.91, "gap_gauge": 3.61, "magnet_cup": 1.08, "board_box": 149.27, "board_box_lid": 78.64, "tray": 105.04,
    "button_panel": 59.90, "cable_clamp": 1.93,
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
    head = grid("z", 4.0, (62 - 34.5, 62 + 34.5), (18.0, 46.0))
    panel = grid("z", 4.0, (183 - 18.0, 183 + 18.0), (13.0, 37.0))
    clamps = grid("z", 4.0, (119.0, 139.0), (28.0, 60.0)) | grid("z", 4.0, (30.0, 50.0, 74.0, 94.0), (68.0,))
    assert holes(mounted("base")) == pillars | head | panel | clamps


def test_the_head_plate_fits_the_heads_four_screws_and_lets_the_motor_through() -> None:
    from build123d import Align, Box, Pos

    from thecal_cad.parts import mounted

    foot = grid("z", 3.4, (-34.5, 34.5), (18.0, 46.0))
    assert holes(mounted("head_plate")) == foot | grid("y", 4.0, (-36.56, 36.56), (84 - 36.44, 84 + 26.52))
    motor = Pos(0, 0, 84.0) * Box(43.2, 200.0, 43.2, align=Align.CENTER)
    assert (mounted("head_plate") & motor).volume < 0.01


@pytest.mark.parametrize(("name", "square"), [("head_plate_nema17", 31.0), ("head_plate_nema14", 26.0)])
def test_the_motor_plate_fits_the_motors_face(name: str, square: float) -> None:
    from thecal_cad.parts import mounted

    x, z = (-square / 2, square / 2), (84 - square / 2, 84 + square / 2)
    motor = grid("y", 3.4, x, z) | grid("y", 6.5, x, z) | {("y", 22.4, 0.0, 84.0)}
    assert holes(mounted(name)) == motor | grid("z", 3.4, (-34.5, 34.5), (18.0, 46.0))


def test_the_covers_holes_meet_the_head_and_the_bracket() -> None:
    from thecal_cad.parts import mounted

    places = ((-36.56, 36.56), (-36.44, 26.52))
    sides = grid("x", 4.0, (-8.0, 8.0), (32.0,))
    window = {("z", 18.0, 0.0, 0.0)}
    assert holes(mounted("roller_cover")) == grid("z", 3.4, *places) | grid("z", 6.5, *places) | sides | window
    assert holes(mounted("as5600_bracket")) == grid("z", 2.8, (-8.75, 8.75), (-8.75, 8.75))


def test_the_boxs_holes_meet_the_boards_the_bases_and_the_lids() -> None:
    from thecal_cad.parts import mounted

    board = grid("z", 4.0, (-76.19, 76.19), (-46.19, 46.19))
    lid = ((-91.5, 91.5), (-61.5, 47.5))
    pillars = grid("z", 3.4, (-70.0, 70.0), (-35.0, 35.0))
    assert holes(mounted("board_box")) == board | pillars | grid("z", 4.0, *lid)
    assert holes(mounted("board_box_lid")) == grid("z", 3.4, (-91.5, 91.5), (-54.5, 54.5))


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
