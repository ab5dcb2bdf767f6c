# SPDX-License-Identifier: CERN-OHL-P-2.0
"""Triangles: binary STL, watertightness, wall thickness, volume. Needs numpy only."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Triangles = Floats  # (count, corner, x y z), millimetres, corners counter-clockwise seen from outside

_RECORD = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
HEADER_BYTES = 80


def normals(mesh: Triangles) -> Floats:
    """Return the outward unit normal of each triangle."""
    across = np.cross(mesh[:, 1] - mesh[:, 0], mesh[:, 2] - mesh[:, 0])
    return across / np.linalg.norm(across, axis=1, keepdims=True)


def write_stl(file: Path, mesh: Triangles, header: str) -> None:
    """Write a binary STL. Raises ValueError for a header over 80 bytes."""
    line = header.encode("ascii")
    if len(line) > HEADER_BYTES:
        raise ValueError(f"the header of {file.name} has {len(line)} bytes, at most {HEADER_BYTES}")
    records = np.zeros(len(mesh), _RECORD)
    records["normal"], records["corners"] = normals(mesh), mesh
    file.write_bytes(line.ljust(HEADER_BYTES) + np.uint32(len(mesh)).tobytes() + records.tobytes())


def read_stl(file: Path) -> Triangles:
    """Return the triangles of a binary STL. Raises ValueError for a file cut short."""
    raw = file.read_bytes()
    count = int(np.frombuffer(raw, "<u4", 1, HEADER_BYTES)[0])
    if len(raw) != HEADER_BYTES + 4 + count * _RECORD.itemsize:
        raise ValueError(f"{file.name}: {len(raw)} bytes do not hold {count} triangles")
    return np.frombuffer(raw, _RECORD, count, HEADER_BYTES + 4)["corners"].astype(np.float64)


def sorted_triangles(mesh: Triangles, digits: int = 3) -> Floats:
    """Return the triangles in an order that does not depend on how they were written, each from its smallest corner on."""
    rounded = np.round(mesh, digits) + 0.0
    first = [min(range(3), key=lambda corner: tuple(triangle[corner])) for triangle in rounded]
    turned = np.array([np.roll(triangle, -corner, axis=0) for triangle, corner in zip(rounded, first)])
    return turned[np.lexsort(turned.reshape(len(turned), 9).T[::-1])]


def volume(mesh: Triangles) -> float:
    """Return the volume inside, in cubic millimetres."""
    return float(np.einsum("ij,ij->i", mesh[:, 0], np.cross(mesh[:, 1], mesh[:, 2])).sum() / 6)


def open_edges(mesh: Triangles) -> int:
    """Return how many edges do not have exactly one neighbour that runs the other way; 0 means watertight."""
    keys = [[tuple(corner) for corner in triangle] for triangle in np.round(mesh, 3) + 0.0]
    counts: dict[tuple, int] = {}
    for triangle in keys:
        for here, there in zip(triangle, triangle[1:] + triangle[:1]):
            counts[here, there] = counts.get((here, there), 0) + 1
    return sum(number != 1 or counts.get((there, here)) != 1 for (here, there), number in counts.items())


def thinnest_wall(mesh: Triangles, chunk: int = 200) -> tuple[float, list[float]]:
    """Return the thinnest wall in millimetres and where it is.

    Rays go straight inwards from each triangle to the other side: from its middle, and from near its corners if it is larger than 5 mm2.
    The other side counts if it lies within 41 degrees of parallel; so an edge of 42 degrees or more is no thin wall.
    """
    facing = normals(mesh)
    starts = [mesh.mean(axis=1)]
    rays = [facing]
    large = np.linalg.norm(np.cross(mesh[:, 1] - mesh[:, 0], mesh[:, 2] - mesh[:, 0]), axis=1) > 10.0
    for weights in ([8, 1, 1], [1, 8, 1], [1, 1, 8]):
        starts.append(np.einsum("c,tcx->tx", np.array(weights) / 10, mesh[large]))
        rays.append(facing[large])
    points, directions = np.concatenate(starts), -np.concatenate(rays)
    best, place = np.inf, points[0]
    for begin in range(0, len(points), chunk):
        part = slice(begin, begin + chunk)
        distances = _distances(points[part], directions[part], mesh, facing)
        nearest = int(distances.argmin())
        if distances[nearest] < best:
            best, place = float(distances[nearest]), points[begin + nearest]
    return best, [round(float(number), 2) for number in place]


def _distances(starts: Floats, rays: Floats, mesh: Triangles, facing: Floats) -> Floats:
    """Return how far each ray goes to the nearest triangle of the other side (Moeller and Trumbore)."""
    ray, hit = np.nonzero(rays @ facing.T > 0.75)
    side, other = mesh[:, 1] - mesh[:, 0], mesh[:, 2] - mesh[:, 0]
    across = np.cross(rays[ray], other[hit])
    slope = np.einsum("px,px->p", side[hit], across)
    from_corner = starts[ray] - mesh[hit, 0]
    u = np.einsum("px,px->p", from_corner, across) / slope
    lifted = np.cross(from_corner, side[hit])
    v = np.einsum("px,px->p", rays[ray], lifted) / slope
    far = np.einsum("px,px->p", other[hit], lifted) / slope
    inside = (u >= -1e-9) & (v >= -1e-9) & (u + v <= 1 + 1e-9) & (far > 1e-6)
    nearest = np.full(len(starts), np.inf)
    np.minimum.at(nearest, ray[inside], far[inside])
    return nearest
