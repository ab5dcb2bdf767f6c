"""The app on CPython, driven like a pump: send a command, let time pass, cut the power, boot again."""

import base64
import itertools
import json

from app import boot
from pumpcore import program, slots
from pumpcore.settings import Settings
from pumpcore.wire import messages, records
from pumpcore.wire import messages as frame
from support.pump.board import Board, Chip, Flash

BENCH = {
    "name": "unit",
    "target": "sim",
    "clock_chip": True,
    "ceilings": {"rate_nl": 700_000_000, "rate_seconds_s": 3600, "hour_nl": 650_000_000, "day_nl": 15_000_000_000},
    "motor": {"driver": "sim", "max_rate_hz": 20_000, "microsteps": 16},
    "calibration": {"volume_nl": 1_000_003, "steps": 99_991},
}
MONDAY_UTC_S = 1_767_571_200  # 2026-01-05 00:00 UTC


def blank_image(bench: dict = BENCH) -> bytes:
    """A commissioned, empty flash."""
    chip = Chip()
    flash = Flash(chip)
    image = slots.pack(1, json.dumps(bench, sort_keys=True, separators=(",", ":")).encode())
    flash.make_folder("/store")
    flash.write("/store/bench.a", image)
    flash.make_folder("/marks")
    flash.write("/marks/bench", slots.pack_mark("bench", 1, image))
    return bytes(chip.buffer)


class UnitPump:
    """One boot of the app. `utc_s` 0 means that the time is not known."""

    def __init__(self, image: bytes, utc_s: int = 0, cut_at: int | None = None, torn: bool = False) -> None:
        self.board = Board(Chip(image, cut_at, torn), utc_s)
        self._ids = itertools.count(1)
        self.pump = boot.build(self.board, "0" * 64)

    def line(self, raw: bytes) -> bytes:
        """Sends raw bytes and turns the loop until it has nothing left to say; returns what it said."""
        link = self.board.link
        link.outgoing, link.incoming = b"", raw
        link.horizon_us = self.board.clock.now_us
        for _ in range(50):
            self.pump.turn()
        return link.outgoing

    def call(self, method: str, **params: object) -> dict:
        """The result of a command; AssertionError with the reply when it was refused."""
        reply = self.ask(method, **params)
        assert "result" in reply, reply
        return reply["result"]

    def ask(self, method: str, **params: object) -> dict:
        request = messages.request("%016x" % next(self._ids), method, params)
        return frame.decode(self.line(frame.encode(request)).split(b"\n")[0])

    def advance(self, duration_s: float) -> None:
        """Lets time pass, turning the loop as often as it wants."""
        link, clock = self.board.link, self.board.clock
        link.horizon_us = clock.now_us + round(duration_s * 1_000_000)
        while clock.now_us < link.horizon_us:
            self.pump.turn()
        for _ in range(5):
            self.pump.turn()

    def upload(self, new: program.Program) -> str:
        """Stages and activates; returns the digest."""
        packed = program.pack(new)
        digest = self.stage(packed)["digest"]
        assert digest == program.digest(packed)
        return self.call("program.activate", digest=digest)["digest"]

    def stage(self, packed: bytes) -> dict:
        """Stages a program and has it checked; returns what staging answered."""
        staged = self.call("program.stage", program=base64.b64encode(packed).decode())
        while not self.call("program.check", digest=staged["digest"])["done"]:
            pass
        return staged

    def judge(self, packed: bytes) -> dict:
        """The last reply to staging a program and having it checked: a refusal, or that it is done."""
        reply = self.ask("program.stage", program=base64.b64encode(packed).decode())
        while "result" in reply and not reply["result"].get("done"):
            reply = self.ask("program.check", digest=reply["result"]["digest"])
        return reply

    def journal(self, ring: str = "events") -> list:
        """Every record of a ring, decoded."""
        decoded, sequence = [], 0
        while True:
            request = messages.request("%016x" % next(self._ids), "journal.read", {"ring": ring, "from_sequence": sequence})
            line, raw = self.line(frame.encode(request)).split(b"\n", 1)
            answer = frame.decode(line)["result"]
            assert len(raw) == answer["bytes"]
            assert frame.crc_text(raw).decode() == answer["crc32"]
            if not raw:
                return decoded
            decoded += records.decode(raw)[0]
            sequence = answer["next_sequence"]

    def delivered_steps(self) -> int:
        return self.pump.delivery.motion.delivered_steps()

    def image(self) -> bytes:
        return bytes(self.board.chip.buffer)


def constant(rate_nl: int, rate_seconds_s: int = 3600) -> program.Program:
    """A constant program."""
    return program.Program("constant", "water", rate_seconds_s, [(0, rate_nl)])


def day(*entries: tuple) -> program.Program:
    """A schedule that repeats every day: (hour, minute, rate_nl per hour)."""
    rows = [((d * 24 + hour) * 60 + minute, rate_nl) for d in range(7) for hour, minute, rate_nl in entries]
    made = program.Program("day", "water", 3600, sorted(rows))
    made.mode = program.SCHEDULE
    return made


def with_settings(made: program.Program, **values: object) -> program.Program:
    """The program with these settings set."""
    if made.settings is None:
        made.settings = Settings()
    for name, value in values.items():
        setattr(made.settings, name, value)
    return made
