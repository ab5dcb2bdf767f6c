"""The pictures of a board: A4, letters that a person can read, nothing on anything else, and the print at its true size."""

import re
from pathlib import Path

import pytest

from support.drawn import copper, page
from thecal.files.resources import hardware_folder
from thecal.hardware.board import plan
from thecal.hardware.rig import read_rig

REAL = sorted(file for file in hardware_folder().glob("*.toml") if not file.stem.startswith("sim-"))
STEMS = [file.stem for file in REAL]
SHEETS = ("board-front.svg", "board-back.svg", "board-1to1.svg")
PITCH_MM = 2.54


def committed(bench: Path, name: str) -> str:
    return (bench.with_suffix("") / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", SHEETS)
@pytest.mark.parametrize("bench", REAL, ids=STEMS)
def test_a_person_can_read_it(bench: Path, name: str) -> None:
    assert list(page.faults(committed(bench, name))) == []


def test_small_letters_and_texts_on_each_other_are_seen() -> None:
    svg = committed(REAL[-1], SHEETS[0])
    (line,) = [line for line in svg.splitlines() if line.endswith(">R10</text>")]
    assert list(page.faults(svg.replace(line, line.replace('"3.7"', '"3.6"')))) == ["too small: R10"]
    moved = svg.replace(line, re.sub(r' x="[\d.]+"', ' x="296"', line))
    assert "outside of the page: R10" in page.faults(moved)
    (other,) = [line for line in svg.splitlines() if line.endswith(">R9</text>")]
    assert "on each other: R9 and R10" in page.faults(svg.replace(line, other.replace("R9", "R10")))


@pytest.mark.parametrize("name", SHEETS)
@pytest.mark.parametrize("bench", REAL, ids=STEMS)
def test_it_says_what_the_pump_is_not_for(bench: Path, name: str) -> None:
    assert "Bench use only. Never connect this pump to a person or an animal." in committed(bench, name)


@pytest.mark.parametrize("bench", REAL, ids=STEMS)
def test_the_front_shows_every_part_at_its_holes(bench: Path) -> None:
    """The front is not mirrored: the pads lie where the layout has them, at the scale of its title."""
    svg, layout = committed(bench, "board-front.svg"), plan.layout_of(read_rig(bench))
    scale = float(re.search(r"parts, ([\d.]+):1", svg)[1])
    pads = [piece for piece in copper.read(svg).pieces if piece.pin]
    left, top = (min(piece.start[axis] for piece in pads) for axis in (0, 1))
    at = {f"{mark}:{pin}": layout.at(hole) for mark, pin, hole in layout.pads()}
    first = min(x for x, _ in at.values()), min(y for _, y in at.values())
    assert {piece.pin for piece in pads} == at.keys() and scale > 1.5
    for piece in pads:
        x, y = at[piece.pin]
        assert (piece.start[0] - left, piece.start[1] - top) == pytest.approx((x - first[0], y - first[1]), abs=0.05), piece.pin
    shown = {text.words for text in page.texts(svg)}
    for mark, place in layout.places.items():
        assert any(words.split(" ")[0] == mark for words in shown), mark
        assert place.footprint.shape


@pytest.mark.parametrize("bench", REAL, ids=STEMS)
def test_the_back_is_the_front_mirrored(bench: Path) -> None:
    front, back = ({piece.pin: piece.start for piece in copper.read(committed(bench, name)).pieces if piece.pin} for name in SHEETS[:2])
    sums = {round(front[pin][0] + back[pin][0], 1) for pin in front}
    assert front.keys() == back.keys() and max(sums) - min(sums) < 0.2
    assert all(abs(front[pin][1] - back[pin][1]) < 0.1 for pin in front)
    squares = [set(re.findall(r'<rect [^>]*data-pin="([^"]+)"', committed(bench, name))) for name in SHEETS[:2]]
    more_than_two = {pin for pin in squares[1] if sum(other.split(":")[0] == pin.split(":")[0] for other in back) > 2}
    assert squares[0] == more_than_two and "PICO:1" in squares[0]


@pytest.mark.parametrize("bench", REAL, ids=STEMS)
def test_the_print_is_1_to_1(bench: Path) -> None:
    svg = committed(bench, "board-1to1.svg")
    assert page.size_of(svg) == (210, 297)
    pins = {pin: (float(x), float(y)) for pin, x, y in re.findall(r'data-pin="(PICO:2\d)"[^>]*cx="([\d.]+)" cy="([\d.]+)"', svg)} or {
        pin: (float(x), float(y)) for x, y, pin in re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)"[^>]*data-pin="(PICO:2\d)"', svg)
    }
    (x1, y1), (x2, y2) = pins["PICO:22"], pins["PICO:29"]
    assert abs(x1 - x2) + abs(y1 - y2) == pytest.approx(7 * PITCH_MM, abs=0.02)
    (board,) = set(re.findall(r'width="([\d.]+)" height="([\d.]+)"[^>]*class="board"', svg))
    assert board == ("160", "100")


@pytest.mark.parametrize("bench", REAL, ids=STEMS)
def test_each_link_has_its_number_in_the_picture_and_on_the_page(bench: Path) -> None:
    layout = plan.layout_of(read_rig(bench))
    count = len(layout.tracks) + len(layout.wires)
    tags = re.findall(r'class="tag"[^>]*>(\d+)<', committed(bench, "board-back.svg"))
    rows = re.findall(r"^\| (\d+) \| ", committed(bench, "board.md"), re.MULTILINE)
    assert sorted(map(int, tags)) == list(map(int, rows)) == list(range(1, count + 1))
