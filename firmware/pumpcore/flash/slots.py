"""Images in flash: two slots and a mark for each, and the journal's identity."""

import binascii
import hashlib
import struct

from pumpcore.units import const

if 0:  # for the type checker alone
    from pumpcore.shapes import Reader

# --- slots -------------------------------------------------------------------------------------------------------------------
# A slot: magic, sequence, length, payload, CRC-32. Of two slots the newer valid one counts, if it is as new as the image's mark.
#
# A mark is written after its slot, in another folder. The file system keeps the entries of each folder in separate blocks, so damage that
# takes one folder back to an older state cannot take both back.

LETTERS = const("ab")
_SLOT_MAGIC = const(b"TCS1")
_SLOT_HEAD = const("<4sII")
_HEAD_BYTES = const(12)
_PART_BYTES = const(256)
_MARK = const("<4sI8s")
_MARK_MAGIC = const(b"TCM1")
_MARK_BYTES = const(20)


def parts(sequence: int, payload: bytes) -> list[bytes]:
    """Return the bytes of one slot in parts. The largest program has 4 kB, and a pump's memory has few pieces of that size."""
    head = struct.pack(_SLOT_HEAD, _SLOT_MAGIC, sequence, len(payload))
    return [head, payload, struct.pack("<I", binascii.crc32(payload, binascii.crc32(head)))]


def pack(sequence: int, payload: bytes) -> bytes:
    """Return the bytes of one slot."""
    return b"".join(parts(sequence, payload))


def sequence_in(file: "Reader") -> int:
    """Return the sequence of the slot in an open file, 0 for anything else. An OSError passes."""
    part = bytearray(_PART_BYTES)
    size, view = file.seek(0, 2), memoryview(part)
    file.seek(0)
    if file.readinto(view[:_HEAD_BYTES]) != _HEAD_BYTES:
        return 0
    magic, sequence, left = struct.unpack(_SLOT_HEAD, view[:_HEAD_BYTES])
    if magic != _SLOT_MAGIC or size != _HEAD_BYTES + left + 4:
        return 0
    crc = binascii.crc32(view[:_HEAD_BYTES])
    while left:
        count = file.readinto(view[: min(left, _PART_BYTES)])
        if not count:
            return 0
        crc = binascii.crc32(view[:count], crc)
        left -= count
    file.readinto(view[:4])
    return sequence if bytes(view[:4]) == struct.pack("<I", crc) else 0


def holds(file: "Reader", image: list[bytes]) -> bool:
    """Return True if an open file has just these bytes. An OSError passes."""
    part = memoryview(bytearray(_PART_BYTES))
    for data in image:
        at = 0
        while at < len(data):
            count = file.readinto(part[: min(len(data) - at, _PART_BYTES)])
            if not count or bytes(part[:count]) != data[at : at + count]:
                return False
            at += count
    return not file.readinto(part)


def unpack(packed: bytes) -> tuple[int, bytes]:
    """Return (sequence, payload) of a slot. Raises ValueError if it is cut short, damaged or something else."""
    if len(packed) < _HEAD_BYTES + 4:
        raise ValueError("slot is too short")
    magic, sequence, length = struct.unpack(_SLOT_HEAD, packed[:_HEAD_BYTES])
    if magic != _SLOT_MAGIC or len(packed) != _HEAD_BYTES + length + 4:
        raise ValueError("slot is not one of ours")
    if struct.unpack("<I", packed[-4:])[0] != binascii.crc32(memoryview(packed)[:-4]):
        raise ValueError("slot is damaged")
    return sequence, packed[_HEAD_BYTES:-4]


def pack_mark(name: str, sequence: int, packed: "bytes | list[bytes]") -> bytes:
    """Return the mark of the image `name` whose newest slot has the bytes `packed`, which may come in parts."""
    body = struct.pack(_MARK, _MARK_MAGIC, sequence, _digest(name, packed))
    return body + struct.pack("<I", binascii.crc32(body))


def _digest(name: str, packed: "bytes | list[bytes]") -> bytes:
    digest = hashlib.sha256(name.encode())
    for part in packed if isinstance(packed, list) else [packed]:
        digest.update(part)
    return digest.digest()[:8]


def unpack_mark(data: bytes) -> tuple[int, bytes]:
    """Return (sequence, digest) of a mark; (0, b"") for no bytes. Raises ValueError if it is damaged."""
    if not data:
        return 0, b""
    if len(data) != _MARK_BYTES or data[:4] != _MARK_MAGIC or struct.unpack("<I", data[-4:])[0] != binascii.crc32(data[:-4]):
        raise ValueError("mark is damaged")
    return struct.unpack(_MARK, data[:-4])[1:]


class Slot:
    """A valid slot; `index` is its place among LETTERS."""

    def __init__(self, sequence: int, payload: bytes, index: int) -> None:
        self.sequence = sequence
        self.payload = payload
        self.index = index


def newest(files: list[bytes]) -> Slot | None:
    """Return the newest valid slot; None if none is valid."""
    found = None
    for index, image in enumerate(files):
        try:
            sequence, payload = unpack(image)
        except ValueError:
            continue
        if found is None or sequence >= found.sequence:
            found = Slot(sequence, payload, index)
    return found


def judge(name: str, files: list[bytes], mark: bytes) -> Slot | None:
    """Return the slot that counts, None if there never was one. b"" stands for a missing file.

    Raises ValueError if the newest valid slot is older than its mark, or differs from it, or if a slot or mark is missing that was there. A
    slot newer than its mark was written and never acknowledged: it counts. The first one may have no mark yet.
    """
    marked, digest = unpack_mark(mark)
    found = newest(files)
    if found is None:
        if marked or any(files):
            raise ValueError("no slot is valid")
        return None
    sequence = found.sequence
    if sequence < marked or sequence > 1 > marked or (sequence == marked and _digest(name, files[found.index]) != digest):
        raise ValueError("the newest slot is lost")
    return found


# --- journal_identity --------------------------------------------------------------------------------------------------------
# The journal's identity: 128 random bits that a host draws when it commissions a pump, and a recent boot number.
#
# A record keeps the low 16 bits of its boot number; `boots` is at most 16,384 behind the present boot.

IDENTITY_PATH = const("/store/journal")
_IDENTITY_MAGIC = const(b"TJI1")
_IDENTITY_FORMAT = const("<4s16sI")
_CRC_BYTES = const(4)
NO_IDENTITY = bytes(16)  # commissioned by a version without identities


def pack_identity(identity: bytes, boots: int) -> bytes:
    """Return the file's bytes with a CRC-32."""
    body = struct.pack(_IDENTITY_FORMAT, _IDENTITY_MAGIC, identity, boots)
    return body + struct.pack("<I", binascii.crc32(body))


def unpack_identity(packed: bytes) -> tuple[bytes, int]:
    """Return (identity, boots). Raises ValueError if the file is damaged."""
    body = packed[:-_CRC_BYTES]
    whole = len(body) == struct.calcsize(_IDENTITY_FORMAT) and packed == body + struct.pack("<I", binascii.crc32(body))
    if not whole or body[:4] != _IDENTITY_MAGIC:
        raise ValueError("not a journal's identity")
    return struct.unpack(_IDENTITY_FORMAT, body)[1:]
