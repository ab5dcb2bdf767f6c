"""One inverted bit in a pump's flash: where to flip it, and what a person can see of the pump that boots from it."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any

from littlefs import LittleFS
from littlefs.errors import LittleFSError

from pumpcore.bench import weighed
from pumpcore.flash import slots
from pumpcore.program.plan import Program
from support.programs import MONDAY_UTC_S, constant, with_settings
from support.pump.bridges import prime, refill
from support.pump.flash import BLOCK_BYTES, BLOCKS, PROG_BYTES, Chip, Flash
from support.pump.running import UnitPump, Watched, ready

FOLDERS = ("/store", "/marks", "/ledger", "/journal")
BEHIND_BYTES = 256  # a flip after the last written byte counts too
OFF_S = 40
STEPS_PER_S = 100  # a little more than the program's
BOUND_STEPS = (300 + 60) * STEPS_PER_S  # leases of 5 minutes, and the one that was open


@dataclass
class Story:
    """A flash at the moment of a power cut, and the true facts about it."""

    image: bytes
    utc_s: int
    tokens: list[str]


def therapy(ng: int) -> Program:
    """Return a program that uses every image of the store and every count."""
    made = with_settings(
        constant(3_600_000), capacity_nl=20_000_000, low_nl=2_000_000, empty_nl=1_000_000, tolerance_permille=50, tolerance_nl=100_000,
        tubing_nl=20_000, catheter_nl=10_000, line_day=20_000,
        demand_on=1, demand_nl=20_000, demand_s=60, lockout_s=120, demand_per_day=20,
        bolus_max_nl=1_000_000, bolus_day_nl=5_000_000,
    )  # fmt: skip
    made.concentration = (ng, 1_000)
    made.after_power_loss = "resume"
    return made


@cache
def story() -> Story:
    """Store every image at least twice; boluses of three kinds, hours of totals, alarms, boots; the power fails while it runs."""
    pump = ready(therapy(400))
    for offset_s in (3600, 7200, 3600):
        pump.call("clock.set", utc_s=pump.board.clock.utc_s(), offset_s=offset_s)
    for lot in ("L1", "L2", "L3"):
        one = weighed.Weighed(1_023_456, 100_003, MONDAY_UTC_S, 998_207, 2_100, 0, 90, 3, "T1", lot)
        pump.call("calibration.set", calibration=base64.b64encode(weighed.pack(one)).decode())
    for ng in (300, 200):
        refill(pump)
        prime(pump, 3_600_000)
        pump.upload(therapy(ng))
    prime(pump, 3_600_000)
    refill(pump)
    prime(pump, 3_600_000)
    pump.call("start")
    pump.advance(1_000)
    pump.board.buttons.stop = True
    pump.advance(60)
    pump.call("ack", fault=609)
    tokens: list[str] = []
    pump = Watched(pump.image(), pump.board.clock.utc_s() + 20)
    pump.advance(1)
    pump.call("start")
    pump.advance(4_000)
    tokens.append(pump.order(40_000, 3_600_000))
    pump.advance(60)
    for _ in range(3):
        tokens.append(pump.token())
        pump.call("bolus.demand", token=tokens[-1])
        pump.advance(200)
    pump.advance(330)
    return Story(pump.image(), pump.board.clock.utc_s() + OFF_S, tokens)


# --- where ------------------------------------------------------------------------------------------------------------------


class _Reads(Chip):
    """Remember which blocks were read."""

    def __init__(self, image: bytes) -> None:
        super().__init__(image)
        self.blocks: set[int] = set()

    def read(self, config: object, block: int, offset: int, size: int) -> bytearray:
        self.blocks.add(block)
        return super().read(config, block, offset, size)


def mounted(chip: Chip) -> LittleFS | None:
    """Return the file system as the board mounts it; None if it cannot: a board then formats its flash, and only the host can tell."""
    fs = LittleFS(
        context=chip, block_size=BLOCK_BYTES, block_count=BLOCKS, read_size=32, prog_size=PROG_BYTES,
        cache_size=PROG_BYTES, lookahead_size=32, mount=False,
    )  # fmt: skip
    try:
        fs.mount()
        fs.listdir("/")
    except LittleFSError:
        return None
    return fs


def regions(image: bytes) -> dict[str, list[int]]:
    """Return offsets of bytes in the flash: metadata (with all small files), newest images, journal, elsewhere."""
    chip = _Reads(image)
    fs = mounted(chip)
    assert fs is not None
    for folder in FOLDERS:
        fs.listdir(folder)
    metadata = set(chip.blocks)
    found = {"metadata": _written(image, metadata)}
    newest = _newest_files(fs, "/store")
    found["newest images"] = sorted({at for data in newest for at in _places(image, data)})
    chip.blocks.clear()
    for name in fs.listdir("/journal"):
        with fs.open("/journal/" + name, "rb") as file:
            file.read()
    found["journal"] = _written(image, chip.blocks - metadata)
    taken = {at // BLOCK_BYTES for row in found.values() for at in row}
    rest = [block * BLOCK_BYTES for block in range(BLOCKS) if block not in taken]
    found["elsewhere"] = [start + at for start in rest for at in range(0, BLOCK_BYTES, 64)]
    return found


def _written(image: bytes, blocks: set[int]) -> list[int]:
    found: list[int] = []
    for block in sorted(blocks):
        data = image[block * BLOCK_BYTES : (block + 1) * BLOCK_BYTES]
        end = min(BLOCK_BYTES, len(data.rstrip(b"\xff")) + BEHIND_BYTES)
        found += range(block * BLOCK_BYTES, block * BLOCK_BYTES + end)
    return found


def _newest_files(fs: LittleFS, folder: str) -> list[bytes]:
    found: dict[str, bytes] = {}
    for name in fs.listdir(folder):
        with fs.open(f"{folder}/{name}", "rb") as file:
            data = file.read()
        title = name.partition(".")[0]
        if title not in found or slots.unpack(data)[0] > slots.unpack(found[title])[0]:
            found[title] = data
    return list(found.values())


def _places(image: bytes, data: bytes) -> list[int]:
    """Return every offset of these bytes; anything longer than a block begins in a block of its own."""
    found, at = [], image.find(data[:BLOCK_BYTES])
    while at >= 0:
        found += range(at, at + min(len(data), BLOCK_BYTES))
        at = image.find(data[:BLOCK_BYTES], at + 1)
    return found


def flipped(image: bytes, at: int, bit: int) -> bytes:
    changed = bytearray(image)
    changed[at] ^= 1 << bit
    return bytes(changed)


def files(image: bytes) -> Flash:
    """Return the files of an image."""
    return Flash(Chip(image))


def with_file(image: bytes, path: str, data: bytes | None) -> bytes:
    """Return the image with another content of a file; None removes it."""
    flash = files(image)
    if data is None:
        flash.remove(path)
    else:
        flash.write(path, data)
    return bytes(flash.chip.buffer)


# --- what is seen -----------------------------------------------------------------------------------------------------------


def seen(image: bytes, story: Story) -> dict[str, Any]:
    """Return everything that a user can see of the pump that boots from this image."""
    pump = UnitPump(image, story.utc_s)
    pump.advance(0.1)
    status = pump.call("status")
    alarms = {row["name"] for row in pump.call("alarms")["alarms"]}
    for name in ("uptime_ms", "free_memory_bytes", "counters", "utc_s", "utc_fraction_ms", "alarms"):
        status.pop(name)
    told: dict[str, Any] = {"alarms": alarms, **status}
    told["boluses"] = [pump.call("bolus.status", token=token) for token in story.tokens]
    told["calibrations"] = pump.call("calibration.read")["history"] if status["calibration"] else None
    told["program"] = pump.call("program.read")["program"]
    told["journal"] = [[(record.sequence, record.name, record.fields) for record in pump.journal(ring)] for ring in ("events", "faults")]
    told["primed"] = "error" in pump.ask("bolus.prime", token=pump.token(), rate_nl=3_600_000, again=0)
    return told


def judge(right: dict[str, Any], image: bytes, story: Story) -> tuple[str, list[str]]:
    """Return ("unmountable" | "unchanged" | "within the bound" | "alarmed" | "silent", names of the differences)."""
    if mounted(Chip(image)) is None:
        return "unmountable", []
    try:
        told = seen(image, story)
    except AssertionError:
        return "silent", ["it does not answer"]
    differing = sorted(name for name in right if told[name] != right[name])
    if not differing:
        return "unchanged", []
    if told["alarms"] - right["alarms"]:
        return "alarmed", differing
    return ("within the bound" if _in_bound(right, told) else "silent"), differing


def _in_bound(right: dict[str, Any], told: dict[str, Any]) -> bool:
    """Return True if only leases of the last 5 minutes are missing, and no earlier record and no bolus is."""
    same = ("boluses", "calibrations", "program", "primed", "program_digest", "offset_s", "boot", "alarms")
    before = [[row for row in ring if not _of_this_boot(row, right)] for ring in right["journal"]]
    still = all(row in ring for rows, ring in zip(before, told["journal"], strict=True) for row in rows)
    lost_steps = right["leased_steps"] - told["leased_steps"]
    return still and all(right[name] == told[name] for name in same) and 0 <= lost_steps <= BOUND_STEPS


def _of_this_boot(row: tuple[int, str, dict[str, Any]], right: dict[str, Any]) -> bool:
    boots = [number for number, name, _ in right["journal"][0] if name == "boot"]
    return row in right["journal"][0] and row[0] >= boots[-1]


def trials(image: bytes, kind: str, count: int, seed: int) -> list[tuple[int, int]]:
    """Return (offset, bit) of so many flips in one region."""
    random, places = Random(f"{seed} {kind}"), regions(image)[kind]
    return [(random.choice(places), random.randrange(8)) for _ in range(count)]
