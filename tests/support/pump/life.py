"""A scripted short life of a pump. Every flash operation is recorded with the true state at that moment."""

import dataclasses

from support.programs import MONDAY_UTC_S, constant, day
from support.pump.running import UnitPump, blank_image

OLD, NEW = constant(900_000), day((0, 0, 600_000), (0, 3, 2_400_000), (12, 0, 0))
OLD.after_power_loss = NEW.after_power_loss = "resume"


@dataclasses.dataclass
class Truth:
    """The state of plant, clock and journal when an operation begins."""

    plant_steps: int
    uptime_us: int
    utc_s: int
    digest: str
    wanted_digest: str
    events: int
    faults: int


@dataclasses.dataclass
class Life:
    image: bytes
    log: list
    tokens: list


def worn_image() -> bytes:
    """Return a commissioned flash whose journal is 20 records away from a new segment."""
    pump = UnitPump(blank_image(), MONDAY_UTC_S - 86_400)
    pump.advance(1)
    ring = pump.pump.journal.rings["events"]
    while ring.newest_bytes < 16_384 - 20 * 50:
        pump.pump.journal.append("total", (0, 0, 0, 1))
    return pump.image()


class _Witness:
    def __init__(self, pump: UnitPump) -> None:
        self.pump = pump
        self.wanted_digest = ""

    def __call__(self) -> Truth:
        board, app = self.pump.board, self.pump.pump
        rings = app.journal.rings
        return Truth(
            self.pump.plant_steps(), board.clock.now_us, board.clock.utc_s(), app.setup.digest, self.wanted_digest,
            rings["events"].next_sequence - 1, rings["faults"].next_sequence - 1,
        )


def live() -> Life:
    """Set up, run, bolus, stop, another program, alarm, acknowledge, run on. A clock chip keeps the time."""
    pump = UnitPump(worn_image(), MONDAY_UTC_S)
    image = pump.image()
    witness = _Witness(pump)
    pump.board.chip.record(witness)
    pump.advance(1)
    pump.call("clock.set", utc_s=MONDAY_UTC_S + 1, offset_s=0)
    witness.wanted_digest = _digest(OLD)
    pump.upload(OLD)
    pump.call("start")
    pump.advance(130.5)
    tokens = [pump.token()]
    pump.call("bolus.start", token=tokens[0], volume_nl=60_000, rate_nl=4_000_000)
    pump.advance(95)
    tokens.append(pump.token())
    pump.call("bolus.start", token=tokens[1], volume_nl=60_000, rate_nl=4_000_000)
    pump.advance(20)
    pump.call("stop")
    witness.wanted_digest = _digest(NEW)
    pump.upload(NEW)
    pump.board.buttons.stop = True
    pump.advance(1)
    pump.call("ack", fault=609)
    pump.call("clock.set", utc_s=MONDAY_UTC_S + 120, offset_s=3600)
    pump.call("clock.set", utc_s=MONDAY_UTC_S + 120, offset_s=0)
    pump.call("start")
    pump.advance(320)
    return Life(image, pump.board.chip.log, tokens)


def _digest(program: object) -> str:
    from pumpcore.program import packing as programs

    return programs.digest(programs.pack(program))
