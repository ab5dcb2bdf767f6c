"""MicroPython for a board that has none: which UF2, whether it is the right kind, and the copy to the boot drive."""

from __future__ import annotations

import hashlib
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from thecal.errors import BadInput, Failed

BLOCK_BYTES = 512
MAGIC = (0x0A324655, 0x9E5D5157, 0x0AB16F30)
RP2040_FAMILY = 0xE48BFF56
HAS_FAMILY, NOT_FLASH = 0x2000, 0x0001  # flags
PIECE_BYTES = 256  # the boot ROM of the RP2040 takes blocks with pages of 256 bytes, others it drops (datasheet, 2.8.4.2)
FLASH_FROM, FILES_FROM = 0x10000000, 0x100A0000  # RPI_PICO keeps its files from here to the end of the flash
DOWNLOAD_LIMIT_BYTES, DOWNLOAD_TIMEOUT_S = 8 << 20, 30.0
DO = (
    "download the UF2 of RPI_PICO, version 1.28.0 or newer, from micropython.org and name it: THECAL_UF2=FILE"
    " (or THECAL_UF2=https://...#sha256=DIGEST, which is downloaded and checked)"
)


class Head(NamedTuple):
    """The first eight words of a block; https://github.com/microsoft/uf2 describes them."""

    magic: int
    magic_too: int
    flags: int
    address: int
    size_bytes: int
    number: int
    total: int
    family: int


@dataclass(frozen=True)
class Uf2:
    """A checked image of MicroPython for the RP2040."""

    name: str
    data: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


def find() -> Uf2:
    """Return the UF2 that THECAL_UF2 names, otherwise the newest in the user's cache folder. Raises BadInput if it is not suitable."""
    named = os.environ.get("THECAL_UF2", "")
    if "://" in named:
        return checked(named.partition("#")[0].rpartition("/")[2], download(named))
    file = Path(named) if named else _cached()
    if file is None:
        raise BadInput("the board has no MicroPython, and no UF2 file was found", DO)
    try:
        if not file.is_file():
            raise BadInput(f"{file}: no such file", DO)
        with file.open("rb") as opened:
            return checked(file.name, opened.read(DOWNLOAD_LIMIT_BYTES + 1))
    except OSError as error:
        raise BadInput(f"{file}: {error.strerror}", DO) from None


def checked(name: str, data: bytes) -> Uf2:
    """Raise BadInput unless this is a whole UF2 for the RP2040 with a MicroPython that keeps the file system."""
    if len(data) > DOWNLOAD_LIMIT_BYTES:
        raise BadInput(f"{name} is larger than any UF2 of MicroPython", DO)
    blocks = [data[at : at + BLOCK_BYTES] for at in range(0, len(data), BLOCK_BYTES)]
    heads = [Head._make(struct.unpack_from("<8I", block)) for block in blocks if len(block) == BLOCK_BYTES]
    ends = [struct.unpack_from("<I", block, BLOCK_BYTES - 4)[0] for block in blocks if len(block) == BLOCK_BYTES]
    if not blocks or len(heads) < len(blocks) or any((*head[:2], end) != MAGIC for head, end in zip(heads, ends, strict=True)):
        raise BadInput(f"{name} is not a whole UF2 file", DO)
    if any(head.family != RP2040_FAMILY or not head.flags & HAS_FAMILY or head.flags & NOT_FLASH for head in heads):
        raise BadInput(f"{name} is not a UF2 for the RP2040", DO)
    if wrong := out_of_row(heads):
        raise BadInput(f"{name} is damaged: {wrong}", DO)
    if any(not FLASH_FROM <= head.address <= head.address + head.size_bytes <= FILES_FROM for head in heads):
        raise BadInput(f"{name} would write over the board's files", DO)
    if b"MicroPython" not in b"".join(block[32 : 32 + head.size_bytes] for block, head in zip(blocks, heads, strict=True)):
        raise BadInput(f"{name} holds no MicroPython", DO)
    return Uf2(name, data)


def out_of_row(heads: list[Head]) -> str:
    """Return the first error in the blocks (each number once and in order, each piece of 256 bytes after the previous one); otherwise
    ""."""
    for number, head in enumerate(heads):
        if head.number != number:
            return f"block {head.number} stands where block {number} belongs"
        if head.total != len(heads):
            return f"block {number} announces {head.total} blocks, there are {len(heads)}"
        if head.size_bytes != PIECE_BYTES:
            return f"block {number} holds {head.size_bytes} bytes, not {PIECE_BYTES}"
        if head.address != heads[0].address + number * PIECE_BYTES:
            return f"block {number} is for address {head.address:#x}, not {heads[0].address + number * PIECE_BYTES:#x}"
    return ""


def download(url: str) -> bytes:
    """Return the file of a URL that ends in #sha256=DIGEST. Raises BadInput without a digest, Failed for a file with another one."""
    import urllib.error
    import urllib.request

    address, _, wanted = url.partition("#sha256=")
    if not wanted or not address.startswith(("https://", "http://")):
        raise BadInput("thecal downloads a UF2 only with its SHA-256", "write THECAL_UF2=https://...#sha256=DIGEST")
    try:
        with urllib.request.urlopen(address, timeout=DOWNLOAD_TIMEOUT_S) as answer:
            data: bytes = answer.read(DOWNLOAD_LIMIT_BYTES)
    except (urllib.error.URLError, OSError) as error:
        raise Failed(
            f"{address} can't be downloaded ({error})", "download it where there is a network, then give THECAL_UF2=FILE"
        ) from None
    if hashlib.sha256(data).hexdigest() != wanted.lower():
        raise Failed(f"{address} is not the file with this SHA-256; it was not used", "compare the digest with the publisher's")
    return data


def _cached() -> Path | None:
    import platformdirs

    return next(iter(sorted(platformdirs.user_cache_path("thecal").glob("*.uf2"), reverse=True)), None)
