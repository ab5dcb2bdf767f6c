# SPDX-License-Identifier: CERN-OHL-P-2.0
"""A shaded picture of triangles, seen from above at the right, without perspective. Needs numpy only."""

import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from thecal_cad.mesh import Floats, Triangles, normals

Picture = NDArray[np.uint8]
Colour = tuple[int, int, int]

PAPER = (255, 255, 255)
LIGHT = np.array([-0.35, 0.45, 0.82])  # in the picture: x to the right, y up, z to the viewer
FINE = 3  # each pixel is the mean of so many in a square


def view(turn_deg: float = 35.0, tilt_deg: float = 32.0) -> Floats:
    """Return the rotation to the picture's axes, for a viewer in front who walked `turn_deg` to the right and looks down `tilt_deg`."""
    turn, tilt = np.radians(turn_deg), np.radians(tilt_deg)
    about = np.array([[np.cos(turn), np.sin(turn), 0], [-np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    down = np.array([[1, 0, 0], [0, np.sin(tilt), np.cos(tilt)], [0, -np.cos(tilt), np.sin(tilt)]])
    return down @ about


def render(bodies: list[tuple[Triangles, Colour]], turned: Floats, size: tuple[int, int] = (900, 640)) -> Picture:
    """Return the picture of the bodies, each in its colour, as large as fits into `size` pixels."""
    width, height = size[0] * FINE, size[1] * FINE
    seen = [mesh @ turned.T for mesh, _ in bodies]
    corners = np.concatenate([mesh.reshape(-1, 3) for mesh in seen])
    low, high = corners[:, :2].min(axis=0), corners[:, :2].max(axis=0)
    scale = 0.94 * min(width / (high - low)[0], height / (high - low)[1])
    shift = np.array([width, height]) / 2 - scale * (low + high) / 2
    depth = np.full((height, width), -np.inf)
    facing = np.zeros((height, width, 3))
    colour = np.tile(np.array(PAPER, float), (height, width, 1))
    for mesh, (_, paint) in zip(seen, bodies):
        for triangle, normal in zip(mesh, normals(mesh)):
            if normal[2] > 1e-6:
                _fill(depth, facing, colour, (triangle * scale + [*shift, 0.0], normal, paint))
    edges = _edges(depth, facing, scale)
    colour[edges] *= 0.25
    flipped = colour[::-1].reshape(size[1], FINE, size[0], FINE, 3).mean(axis=(1, 3))
    return np.clip(np.round(flipped), 0, 255).astype(np.uint8)


def _fill(depth: NDArray, facing: NDArray, colour: NDArray, what: tuple) -> None:
    """Draw one triangle where it is nearer than what is there."""
    (a, b, c), normal, paint = what
    low = np.floor(np.minimum(np.minimum(a, b), c)[:2]).astype(int).clip(0)
    high = np.ceil(np.maximum(np.maximum(a, b), c)[:2]).astype(int) + 1
    box = np.s_[low[1] : high[1], low[0] : high[0]]
    rows, columns = depth[box].shape
    area = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
    if not rows or not columns or area <= 0:
        return
    x, y = low[0] + np.arange(columns)[None] + 0.5, low[1] + np.arange(rows)[:, None] + 0.5
    u = ((c[0] - b[0]) * (y - b[1]) - (c[1] - b[1]) * (x - b[0])) / area
    v = ((a[0] - c[0]) * (y - c[1]) - (a[1] - c[1]) * (x - c[0])) / area
    z = u * a[2] + v * b[2] + (1 - u - v) * c[2]
    drawn = (u >= -1e-9) & (v >= -1e-9) & (u + v <= 1 + 1e-9) & (z > depth[box])
    bright = 0.45 + 0.55 * max(0.0, float(normal @ LIGHT) / float(np.linalg.norm(LIGHT)))
    depth[box][drawn] = z[drawn]
    facing[box][drawn] = normal
    colour[box][drawn] = np.array(paint) * bright


def _edges(depth: NDArray, facing: NDArray, scale: float) -> NDArray[np.bool_]:
    """Return where the surface bends or ends: those pixels are drawn dark."""
    found = np.zeros(depth.shape, bool)
    level = np.where(np.isfinite(depth), depth, depth[np.isfinite(depth)].min() - 50 * scale)
    for axis in (0, 1):
        bend = (facing * np.roll(facing, 1, axis)).sum(axis=2) < 0.85
        jump = np.abs(level - np.roll(level, 1, axis)) > 1.5 * scale
        line = (bend & np.isfinite(depth) & np.isfinite(np.roll(depth, 1, axis))) | jump
        found |= line | np.roll(line, -1, axis)
    return found


def write_png(file: Path, picture: Picture) -> None:
    """Write the picture with a palette, which keeps the file small, and its licence as a text of the file."""
    height, width, _ = picture.shape
    coarse = np.minimum((picture.astype(int) + 2) // 4 * 4, 255).astype(np.uint8)
    palette, places = np.unique(coarse.reshape(-1, 3), axis=0, return_inverse=True)
    if len(palette) > 256:
        palette, places = np.unique(((picture.astype(int) + 8) // 16 * 16).clip(0, 255).reshape(-1, 3), axis=0, return_inverse=True)
    rows = places.reshape(height, width).astype(np.uint8)
    raw = b"".join(b"\0" + row.tobytes() for row in rows)
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
        (b"PLTE", palette.astype(np.uint8).tobytes()),
        (b"tEXt", b"License\0SPDX-License-Identifier: CERN-OHL-P-2.0"),
        (b"IDAT", zlib.compress(raw, 9)),
        (b"IEND", b""),
    ]
    parts = [struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks]
    file.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
