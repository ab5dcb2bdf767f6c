"""Packed calibrations and their image in the store: bytes, ids, and the refusals of damaged ones."""

import binascii

from pumpcore.bench import weighed
from pumpcore.bench.weighed import Image, Weighed
from pumpcore.faults.fault_texts import sentence
from pumpcore.faults.faults import Refusal
from pumpcore.motion.dose import Calibration, Validity
from pumpcore.orders import bolus

NOMINAL = Calibration(1_000_003, 99_991)


def _all() -> list:
    return [
        Weighed(1_023_456, 100_003, 1_767_571_200, 998_207, 2_100, 500_000_000, 90, 3, "T1", "L 1"),
        Weighed(4_294_967_295, 4_294_967_295, 4_294_967_295, 3_000_000, 1_000_000, 1 << 48, 3650, 99, "~" * 24, " " * 24),
        Weighed(1, 1, 1_577_836_800, 500_000, 0, 0, 0, 1, "T", ""),
    ]


def _told(packed: bytes) -> object:
    try:
        rows = sorted(weighed.unpack(packed).describe().items())
    except Refusal as refused:
        return sentence(refused)
    return [[key, str(value)] for key, value in rows]


def _damaged(packed: bytes) -> list:
    found = []
    for at in range(len(packed)):
        for value in (0, 1, 0x7F, 0xFF):
            found.append(_told(packed[:at] + bytes([value]) + packed[at + 1 :]))
    return found + [_told(packed[:size]) for size in range(len(packed))] + [_told(packed + b"\0")]


def _near(volume_nl: int, steps: int) -> str:
    try:
        weighed.check_near(Weighed(volume_nl, steps), NOMINAL)
    except Refusal as refused:
        return sentence(refused)
    return ""


def _image(payload: bytes) -> str:
    try:
        image = weighed.unpack_image(payload)
    except ValueError as error:
        return str(error)
    return binascii.hexlify(weighed.pack_image(image)).decode()


def run() -> list:
    """Return everything that both Pythons must compute alike."""
    packed = [weighed.pack(one) for one in _all()]
    image = Image("unit", NOMINAL, False, [])
    for position, raw in enumerate(packed * 2):
        image = image.with_new(position << 40, raw)
    payload = weighed.pack_image(image)
    images = [_image(payload), _image(weighed.pack_image(image.without()))] + [_image(payload[:size]) for size in range(0, len(payload), 5)]
    validity = Validity("id", 0, 1_767_571_200, 1 << 40, 90)
    expired = [validity.expired(nl, utc_s) for nl in (0, 1 << 40) for utc_s in (0, 1_775_347_199, 1_775_347_200)]
    runs = [bolus.of_steps("0" * 16, steps, 900_000, 3600, NOMINAL) for steps in (3_000, 99_991, 1 << 31)]
    return [
        [binascii.hexlify(raw).decode() for raw in packed], [weighed.identity(raw) for raw in packed], [_told(raw) for raw in packed],
        _damaged(packed[0]), [_near(volume_nl, 99_991) for volume_nl in (1, 500_001, 500_002, 1_500_004, 1_500_005)], images, expired,
        [[made.steps, made.volume_nl, made.duration_s] for made in runs],
    ]  # fmt: skip
