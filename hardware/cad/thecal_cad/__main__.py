# SPDX-License-Identifier: CERN-OHL-P-2.0
"""Write every part anew: STEP, STL, picture, and made.json."""

from thecal_cad import assembly, hashes, picture
from thecal_cad.parts import PARTS, printed
from thecal_cad.sizes import FOLDER
from thecal_cad.write import triangles, write_part

PRINTED = (120, 170, 215)
BOUGHT = (190, 190, 185)


def main() -> None:
    """Write the files below hardware/cad."""
    (FOLDER / "png").mkdir(exist_ok=True)
    for old in hashes.outputs():
        (FOLDER / old).unlink()  # a part that is no longer in the table must not stay
    for name in PARTS:
        part = printed(name)
        write_part(part, FOLDER)
        picture.write_png(FOLDER / "png" / f"{name}.png", picture.render([(triangles(part), PRINTED)], picture.view()))
        print(f"{name}: {part.volume / 1000:.0f} cm3")
    bodies = [(triangles(part), PRINTED) for part in assembly.placed().values()]
    bodies += [(triangles(part), BOUGHT) for part in assembly.bought().values()]
    picture.write_png(FOLDER / "png" / "assembly.png", picture.render(bodies, picture.view(-28.0), (1000, 800)))
    hashes.write()


if __name__ == "__main__":
    main()
