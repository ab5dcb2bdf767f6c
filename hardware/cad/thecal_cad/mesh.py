# SPDX-License-Identifier: CERN-OHL-P-2.0
"""Triangles: binary STL, watertightness, wall thickness, volume. Needs numpy only."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Triangles = NDArray[np.float64]  # (count, corner, x y z), millimetres, corners counter-clockwise seen from outside

_RECORD = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
HEADER_BYTES = 80


def normals(mesh: Triangles) -> NDArray[np.float64]:
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


def sorted_triangles(mesh: Triangles, digits: int = 3) -> NDArray[np.float64]:
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

    From four places on each triangle a ray goes inwards, straight to the other side. Edges under 90 degrees would count as thin.
    """
    inward = -normals(mesh)
    weights = np.array([[1, 1, 1], [8, 1, 1], [1, 8, 1], [1, 1, 8]]) / np.array([[3], [10], [10], [10]])
    starts = np.einsum("wc,tcx->twx", weights, mesh).reshape(-1, 3)
    rays = np.repeat(inward, len(weights), axis=0)
    best, place = np.inf, starts[0]
    for begin in range(0, len(starts), chunk):
        part = slice(begin, begin + chunk)
        distances = _distances(starts[part], rays[part], mesh)
        nearest = int(distances.argmin())
        if distances[nearest] < best:
            best, place = float(distances[nearest]), starts[begin + nearest]
    return best, [round(float(number), 2) for number in place]


def _distances(starts: NDArray[np.float64], rays: NDArray[np.float64], mesh: Triangles) -> NDArray[np.float64]:
    """Return how far each ray goes to the first triangle that faces it (Moeller and Trumbore)."""
    side, other = mesh[:, 1] - mesh[:, 0], mesh[:, 2] - mesh[:, 0]
    across = np.cross(rays[:, None], other[None])
    facing = np.einsum("tx,rtx->rt", side, across)
    with np.errstate(divide="ignore", invalid="ignore"):
        from_corner = starts[:, None] - mesh[None, :, 0]
        u = np.einsum("rtx,rtx->rt", from_corner, across) / facing
        lifted = np.cross(from_corner, side[None])
        v = np.einsum("rx,rtx->rt", rays, lifted) / facing
        far = np.einsum("tx,rtx->rt", other, lifted) / facing
        hit = (np.abs(facing) > 1e-9) & (u >= -1e-9) & (v >= -1e-9) & (u + v <= 1 + 1e-9) & (far > 1e-6)
    return np.where(hit, far, np.inf).min(axis=1)
