"""Everything in its place: nothing collides, what turns is free, no finger gets in, the tray holds the reservoir."""

from itertools import combinations
from typing import Any

import pytest

from cad.solids import openings, shared

FINGER = 4.0
RESERVOIR_ML = 250.0


@pytest.fixture(scope="module")
def everything() -> dict[str, Any]:
    """Return the printed parts and blocks for the bought ones, in their places."""
    from thecal_cad.assembly import bought, placed

    return placed() | bought()


def collisions(parts: dict[str, Any]) -> list[tuple[str, str, float]]:
    found = [(one, other, shared(parts[one], parts[other])) for one, other in combinations(parts, 2)]
    return [(one, other, round(volume, 2)) for one, other, volume in found if volume > 0.01]


def test_nothing_collides(everything: dict[str, Any]) -> None:
    assert len(everything) == 20
    assert collisions(everything) == []


def test_a_collision_is_seen(everything: dict[str, Any]) -> None:
    from build123d import Pos

    moved = {"roller_cover": everything["roller_cover"], "as5600_bracket": Pos(1.0, 0, 0) * everything["as5600_bracket"]}
    assert [pair[:2] for pair in collisions(moved)] == [("roller_cover", "as5600_bracket")]


@pytest.mark.parametrize("slid", [-0.6, 1.5])
def test_the_bracket_slides_over_the_whole_gauge(everything: dict[str, Any], slid: float) -> None:
    """1.5 mm outwards is the end of its slots; 0.2 mm inwards the chip would touch the cover, 0.6 mm is too much."""
    from build123d import Pos

    moved = {name: Pos(0, -slid, 0) * everything[name] for name in ("as5600_bracket", "sensor")}
    rest = {name: everything[name] for name in ("roller_cover", "head_plate", "tray", "bottle", "button_panel", "head", "magnet_cup")}
    assert bool(collisions(moved | rest)) == (slid < 0)


@pytest.mark.parametrize(
    ("one", "other", "least"),
    [
        ("magnet_cup", "roller_cover", 0.6),
        ("sensor", "roller_cover", 0.2),
        ("as5600_bracket", "roller_cover", 0.3),
        ("as5600_bracket", "head_plate", 8.0),
        ("as5600_bracket", "bottle", 3.0),
        ("roller_cover", "bottle", 3.0),
        ("roller_cover", "tray", 5.0),
        ("head_plate", "tray", 1.9),
        ("motor", "head_plate", 0.5),
        ("motor", "board_box", 15.0),
        ("stop_button", "board_box_lid", 10.0),
        ("stop_button", "bolus_button", 8.0),
        ("button_panel", "tray", 1.9),
        ("board", "board_box_lid", 1.0),
    ],
)
def test_what_stands_apart(everything: dict[str, Any], one: str, other: str, least: float) -> None:
    assert everything[one].distance_to(everything[other]) >= least - 0.001


def test_the_covers_posts_stand_on_the_heads_plate_and_touch_nothing_else(everything: dict[str, Any]) -> None:
    from build123d import Box

    head, cover = everything["head"], everything["roller_cover"]
    assert head.distance_to(cover) < 0.001
    over_the_plate = head - Box(500.0, 2 * 4.5, 500.0)
    assert over_the_plate.distance_to(cover) >= 0.4 - 0.001


def test_the_magnet_reads_through_the_cover(everything: dict[str, Any]) -> None:
    """From the magnet to the chip: 0.6 mm free, 1.6 mm of cover, 0.2 mm free; two more steps of 0.3 mm stay within 3 mm."""
    from thecal_cad import layout

    assert everything["magnet_cup"].distance_to(everything["sensor"]) == pytest.approx(2.4, abs=0.001)
    assert layout.STEPS == 3 and layout.GAP_NEAREST + 0.3 * (layout.STEPS - 1) <= 3.0 + 1e-9


def test_the_board_drops_into_its_box() -> None:
    """160 x 100 mm between the walls and the corner posts, with its four holes over the pillars."""
    from build123d import Align, Box, Pos

    from thecal_cad.parts import mounted

    low = (Align.CENTER, Align.CENTER, Align.MIN)
    falling = Pos(0, 0, 2.4 + 8.0) * Box(160.0 + 2.0, 100.0 + 2.0, 100.0, align=low)
    assert shared(mounted("board_box"), falling) < 0.01
    seated = Pos(0, 0, 2.4 + 8.0 - 0.1) * Box(160.0, 100.0, 0.1, align=low)
    assert shared(mounted("board_box"), seated) > 1.0, "the pillars carry it"


# --- fingers ------------------------------------------------------------------------------------------------------------------


def test_no_finger_reaches_the_rotor() -> None:
    """Sides and front are closed, but for two slots of the tube. They are narrower than a finger even without a tube."""
    from build123d import Align, Box, Pos

    from thecal_cad.parts import mounted

    cover = mounted("roller_cover")
    low = (Align.CENTER, Align.CENTER, Align.MIN)
    middle, thin, deep, wide, high = -2.5, 0.2, 29.0, 100.0, 75.0
    sides = [Pos(x, middle, 0.3) * Box(thin, high, deep, align=low) for x in (-54.8, 54.8)]
    top, bottom = (Pos(0, middle + y, 0.3) * Box(wide, thin, deep, align=low) for y in (42.2, -42.2))
    front = Pos(0, middle, 37.0) * Box(60.0, high, thin, align=low)  # between the sunk screws of the head
    assert [openings(cover, wall) for wall in (*sides, top, front)] == [[]] * 4
    slots = openings(cover, bottom)
    assert [round(size[0], 3) for size in slots] == [3.6, 3.6]
    assert max(size[0] for size in slots) < FINGER


def test_the_cover_stands_around_the_head_closer_than_a_finger(everything: dict[str, Any]) -> None:
    head, cover = everything["head"].bounding_box(), everything["roller_cover"].bounding_box()
    wall = 2.4
    around = [head.min.X - cover.min.X, cover.max.X - head.max.X, head.min.Z - cover.min.Z, cover.max.Z - head.max.Z]
    assert [round(air - wall, 2) for air in around] == [2.0] * 4
    assert pytest.approx(-0.3, abs=0.001) == cover.max.Y, "0.3 mm off the head plate"


def test_the_lids_vent_is_narrower_than_a_finger(everything: dict[str, Any]) -> None:
    lid, box = everything["board_box_lid"], everything["board_box"]
    assert lid.distance_to(box) == pytest.approx(0.0, abs=0.001), "it lies on the posts"
    outside = (lid.bounding_box().size.X - box.bounding_box().size.X) / 2 - 2.4
    assert 0 < outside < FINGER


# --- water ---------------------------------------------------------------------------------------------------------------------


def test_the_tray_holds_one_and_a_half_reservoirs_with_the_bottle_in_it(everything: dict[str, Any]) -> None:
    from build123d import Align, Box, Cylinder, Pos

    low = (Align.CENTER, Align.CENTER, Align.MIN)
    tray = everything["tray"]
    middle = tray.bounding_box().center()
    around = Pos(middle.X, middle.Y, 0) * Box(300.0, 300.0, 34.0, align=low) - tray
    inside = [solid for solid in around.solids() if solid.bounding_box().size.X < 155.0]
    assert len(inside) == 1
    bottle = everything["bottle"].bounding_box()
    left = inside[0] - Pos(bottle.center().X, bottle.center().Y, 0) * Cylinder(35.0, 34.0, align=low)
    assert left.volume / 1000 >= 1.5 * RESERVOIR_ML


def test_head_and_bottle_are_over_the_tray_and_the_electronics_beside_it(everything: dict[str, Any]) -> None:
    tray = everything["tray"].bounding_box()
    for name in ("bottle", "as5600_bracket", "roller_cover"):
        box = everything[name].bounding_box()
        assert tray.min.X < box.min.X and box.max.X < tray.max.X and tray.min.Y < box.min.Y, name
    tube_y = -17.7
    assert tube_y < tray.max.Y - 4.0 - 2.4, "the tube leaves the cover over the tray's inside"
    for name in ("board_box", "board_box_lid", "base", "button_panel"):
        assert everything[name].bounding_box().min.Y >= tray.max.Y - 0.001, name
    assert everything["roller_cover"].bounding_box().min.Z > tray.max.Z


def test_water_drips_off_the_lid_and_cables_leave_downwards(everything: dict[str, Any]) -> None:
    from build123d import Align, Box, Pos, Vector

    lid, box, base = (everything[name] for name in ("board_box_lid", "board_box", "base"))
    wall_top = 5.0 + 12.0 + 52.0 - 2.0
    assert pytest.approx(wall_top - 8.0, abs=0.001) == lid.bounding_box().min.Z, "the drip edge, below the wall's top"
    assert lid.bounding_box().min.Y > base.bounding_box().min.Y and lid.bounding_box().max.Y < base.bounding_box().max.Y
    x, y, floor = 106.0, 148.2, 5.0 + 12.0  # the middle of the board
    exits = [(side * 88.0, along) for side in (-1, 1) for along in (-27.0, 0.0, 27.0)] + [(along, -58.0) for along in (-27.0, 0.0, 27.0)]
    assert not any(box.is_inside(Vector(x + across, y + along, floor + 1.2)) for across, along in (*exits, (0.0, 70.0)))
    low = (Align.CENTER, Align.CENTER, Align.MIN)
    walls = [Pos(x + across, y - 7.0, floor) * Box(0.2, 115.0, 49.9, align=low) for across in (-97.2, 97.2)]
    walls.append(Pos(x, y - 67.2, floor) * Box(188.0, 0.2, 49.9, align=low))
    assert [openings(box, wall) for wall in walls] == [[]] * 3, "no exit through a wall"
    back = openings(box, Pos(x, y + 53.2, floor) * Box(188.0, 0.2, 49.9, align=low))
    assert [round(size[0], 1) for size in back] == [25.2], "only into the bay of the USB plug"


def test_the_usb_plug_has_room_and_its_cable_goes_down(everything: dict[str, Any]) -> None:
    """A plug of 12 x 8 mm and 25 mm length on the Pico, whose socket is 7 mm inside the board's edge; then 12 mm straight down."""
    from build123d import Align, Box, Pos

    box = everything["board_box"]
    low = (Align.CENTER, Align.MIN, Align.CENTER)
    x, edge, socket = 106.0, 198.2, 5.0 + 12.0 + 2.4 + 8.0 + 13.0
    plug = Pos(x, edge - 7.0, socket) * Box(12.0, 25.0, 8.0, align=low)
    cable = Pos(x, edge + 18.0, 0) * Box(6.0, 6.0, socket + 3.0, align=(Align.CENTER, Align.MIN, Align.MIN))
    for name in ("board_box", "board_box_lid"):
        assert shared(everything[name], plug) < 0.01 and shared(everything[name], cable) < 0.01, name
    assert shared(everything["base"], cable) < 0.01, "it hangs behind the base"
    assert box.bounding_box().max.Y > everything["base"].bounding_box().max.Y


def test_the_nest_drains(everything: dict[str, Any]) -> None:
    from build123d import Vector

    nest = everything["bottle"].bounding_box().center()
    tray = everything["tray"]
    around = 36.0 + 1.2
    assert tray.is_inside(Vector(nest.X + around * 0.7071, nest.Y + around * 0.7071, 6.0))
    assert not any(tray.is_inside(Vector(nest.X + x * around, nest.Y + y * around, 3.0)) for x, y in ((1, 0), (-1, 0), (0, 1), (0, -1)))
