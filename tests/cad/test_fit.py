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


def test_a_nema_14_fits_its_plate_too(everything: dict[str, Any]) -> None:
    from thecal_cad.assembly import HEAD
    from thecal_cad.parts import mounted

    names = ("base", "roller_cover", "as5600_bracket", "rotor", "motor", "tray")
    assert collisions({"plate": HEAD * mounted("head_plate_nema14")} | {name: everything[name] for name in names}) == []


@pytest.mark.parametrize("slid", [-0.6, 1.5])
def test_the_bracket_slides_over_the_whole_gauge(everything: dict[str, Any], slid: float) -> None:
    """1.5 mm outwards is the end of its slots; 0.2 mm inwards the chip would touch the cover, 0.6 mm is too much."""
    from build123d import Pos

    moved = {name: Pos(0, -slid, 0) * everything[name] for name in ("as5600_bracket", "sensor")}
    rest = {name: everything[name] for name in ("roller_cover", "head_plate_nema17", "tray", "bottle", "button_panel", "rotor")}
    assert bool(collisions(moved | rest)) == (slid < 0)


@pytest.mark.parametrize(
    ("one", "other", "least"),
    [
        ("rotor", "roller_cover", 1.0),
        ("magnet_cup", "roller_cover", 0.6),
        ("sensor", "roller_cover", 0.2),
        ("as5600_bracket", "roller_cover", 0.3),
        ("as5600_bracket", "head_plate_nema17", 8.0),
        ("as5600_bracket", "bottle", 3.0),
        ("bottle", "tray", 0.0),
        ("roller_cover", "bottle", 3.0),
        ("roller_cover", "tray", 5.0),
        ("head_plate_nema17", "tray", 1.9),
        ("motor", "board_box", 20.0),
        ("stop_button", "board_box_lid", 10.0),
        ("stop_button", "bolus_button", 8.0),
        ("button_panel", "tray", 1.9),
        ("board", "board_box", 0.0),
        ("board", "board_box_lid", 1.0),
    ],
)
def test_what_stands_apart(everything: dict[str, Any], one: str, other: str, least: float) -> None:
    assert everything[one].distance_to(everything[other]) >= least - 0.001


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
    """Sides and front of the cover are closed but for the two slots of the tube, which are narrower than a finger even without a tube."""
    from build123d import Align, Box, Cylinder, Pos

    from thecal_cad.parts import mounted

    cover = mounted("roller_cover")
    low = (Align.CENTER, Align.CENTER, Align.MIN)
    deep, wide, thin = 28.1, 47.0, 0.2  # between the sunk screw holes
    walls = [Pos(x, 0, 0) * Box(thin, wide, deep, align=low) for x in (-25.0, 25.0)]
    walls += [Pos(0, 25.0, 0) * Box(wide, thin, deep, align=low), Pos(0, 0, deep + 0.7) * Cylinder(25.0, thin, align=low)]
    assert [openings(cover, wall) for wall in walls] == [[]] * 4
    slots = openings(cover, Pos(0, -25.0, 0) * Box(wide, thin, deep, align=low))
    assert [round(size[0], 3) for size in slots] == [3.8, 3.8]
    assert max(size[0] for size in slots) < FINGER


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
    around = Pos(middle.X, middle.Y, 0) * Box(300.0, 300.0, 40.0, align=low) - tray
    inside = [solid for solid in around.solids() if solid.bounding_box().size.X < 200.0]
    assert len(inside) == 1
    bottle = everything["bottle"].bounding_box()
    left = inside[0] - Pos(bottle.center().X, bottle.center().Y, 0) * Cylinder(35.0, 40.0, align=low)
    assert left.volume / 1000 >= 1.5 * RESERVOIR_ML


def test_head_and_bottle_are_over_the_tray_and_the_electronics_beside_it(everything: dict[str, Any]) -> None:
    tray = everything["tray"].bounding_box()
    for name in ("bottle", "as5600_bracket"):
        box = everything[name].bounding_box()
        assert tray.min.X < box.min.X and box.max.X < tray.max.X and tray.min.Y < box.min.Y and box.max.Y < tray.max.Y, name
    tube_y = -12.0
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
    middle = box.bounding_box().center()
    floor = 5.0 + 12.0
    for x in (-88.0, 88.0):
        for y in (-27.0, 0.0, 27.0):
            assert not box.is_inside(Vector(middle.X + x, middle.Y + y, floor + 1.2)), "an exit in the floor"
    low = (Align.CENTER, Align.CENTER, Align.MIN)
    walls = [Pos(middle.X + x, middle.Y, floor) * Box(0.2, 100.0, 49.9, align=low) for x in (-97.2, 97.2)]
    walls += [Pos(middle.X, middle.Y + y, floor) * Box(188.0, 0.2, 49.9, align=low) for y in (-53.2, 53.2)]
    assert [openings(box, wall) for wall in walls] == [[]] * 4, "no exit through a wall"


def test_the_nest_drains(everything: dict[str, Any]) -> None:
    from build123d import Vector

    nest = everything["bottle"].bounding_box().center()
    tray = everything["tray"]
    around = 36.0 + 1.2
    assert tray.is_inside(Vector(nest.X + around * 0.7071, nest.Y + around * 0.7071, 6.0))
    assert not any(tray.is_inside(Vector(nest.X + x * around, nest.Y + y * around, 3.0)) for x, y in ((1, 0), (-1, 0), (0, 1), (0, -1)))
