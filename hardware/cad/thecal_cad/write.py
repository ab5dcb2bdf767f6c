# SPDX-License-Identifier: CERN-OHL-P-2.0
"""Write STEP and STL of a part, the same bytes at each run."""

from io import BytesIO
from pathlib import Path

import numpy as np
from build123d import Part, Solid, export_step
from OCP.BRepBuilderAPI import BRepBuilderAPI_Transform
from OCP.TopLoc import TopLoc_Location
from OCP.TopoDS import TopoDS

from thecal_cad.mesh import Triangles, write_stl

# The part's own date would make each file new; so every part has this one.
TIMESTAMP = "2026-11-30T00:00:00"
SPDX = "SPDX-License-Identifier: CERN-OHL-P-2.0"
TOLERANCE_MM = 0.03
TOLERANCE_RAD = 0.25


def step_bytes(part: Part) -> bytes:
    """Return the STEP file of a labelled part. Raises ValueError if the writer's header is not the one we know."""
    stream = BytesIO()
    export_step(_in_place(part), stream, timestamp=TIMESTAMP)
    text = stream.getvalue().replace(b"\r\n", b"\n")
    swaps = [(b"('Open CASCADE Model')", f"('thecal {part.label}','{SPDX}')".encode()), (b"('Author')", b"('thecal contributors')")]
    for old, new in swaps:
        if text.count(old) != 1:
            raise ValueError(f"the STEP file of {part.label} has not one {old.decode()}")
        text = text.replace(old, new)
    return text


def _in_place(part: Part) -> Solid:
    """Return the part's one solid with its place worked into its numbers.

    The writer takes a compound or a shape that was moved for an assembly, and numbers its uses on and on from file to file.
    """
    shape = part.solid().wrapped
    there = BRepBuilderAPI_Transform(shape.Located(TopLoc_Location()), shape.Location().Transformation(), True)
    solid = Solid(TopoDS.Solid(there.Shape()))
    solid.label = part.label
    return solid


def triangles(part: Part) -> Triangles:
    """Return the part's surface as triangles."""
    corners, faces = part.tessellate(TOLERANCE_MM, TOLERANCE_RAD)
    places = np.array([[corner.X, corner.Y, corner.Z] for corner in corners])
    return places[np.array(faces)]


def write_part(part: Part, folder: Path) -> None:
    """Write step/NAME.step and stl/NAME.stl."""
    for kind in ("step", "stl"):
        (folder / kind).mkdir(exist_ok=True)
    (folder / "step" / f"{part.label}.step").write_bytes(step_bytes(part))
    write_stl(folder / "stl" / f"{part.label}.stl", triangles(part), f"thecal {part.label} {SPDX}")
