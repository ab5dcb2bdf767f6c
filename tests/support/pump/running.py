"""A running pump: the app on CPython, driven like a pump. Send a command, let time pass, cut the power, look at it.

Most scenes begin with `ready` and `running`. Their pumps are `Watched`: R2 and R3 are checked after every turn of the loop. The tests of
the rules begin with `UnitPump.ready` and `UnitPump.running`, the same pumps without these checks.
"""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, Self, TypeVar

from app.delivery.leases import LedgerFiles
from app.startup import boot, loading
from pumpcore.flash import ledger, slots
from pumpcore.program import packing as program
from pumpcore.program.plan import Program
from pumpcore.units import ceil_div
from pumpcore.wire import messages, record_types
from pumpcore.wire import messages as frame
from support.programs import MONDAY_UTC_S, constant
from support.pump.board import Board
from support.pump.flash import Chip, Flash
from support.replies import fault_of, refusal_of

BENCH: dict[str, Any] = {
    "name": "unit",
    "target": "sim",
    "clock_chip": True,
    "ceilings": {"rate_nl": 700_000_000, "rate_seconds_s": 3600, "hour_nl": 650_000_000, "day_nl": 15_000_000_000},
    "motor": {"driver": "sim", "max_rate_hz": 20_000, "microsteps": 16},
    "calibration": {"volume_nl": 1_000_003, "steps": 99_991},
}
SETTLED_S = 0.05  # the self test is over
IDLE_TURNS = 3  # in a row: a turn writes at most one record, and then may wait although another one is due
HIGH_WATER_S = 7  # low water 2.5 s plus a slice of 4 s, rounded up


def bench_with(**ceilings: int) -> dict[str, Any]:
    """Return the unit tests' bench with other ceilings."""
    return BENCH | {"ceilings": BENCH["ceilings"] | ceilings}


def blank_image(bench: dict[str, Any] = BENCH) -> bytes:
    """Return a commissioned, empty flash."""
    return _commissioned(json.dumps(bench, sort_keys=True, separators=(",", ":")).encode())


@cache
def _commissioned(bench: bytes) -> bytes:
    chip = Chip()
    flash = Flash(chip)
    image = slots.pack(1, bench)
    flash.make_folder("/store")
    flash.write("/store/bench.a", image)
    flash.make_folder("/marks")
    flash.write("/marks/bench", slots.pack_mark("bench", 1, image))
    return bytes(chip.buffer)


class UnitPump:
    """One boot of the app. `utc_s` 0: the time is not known."""

    def __init__(self, image: bytes, utc_s: int = 0, cut_at: int | None = None, torn: bool = False) -> None:
        self.board = Board(Chip(image, cut_at, torn), utc_s)
        self._ids = itertools.count(1)
        self.pump = boot.build(self.board, loading.load(self.board), "0" * 64, self.hashes())
        self.end_checking()

    def hashes(self) -> Iterable[None]:
        """Return what power-up checks after the first answer: there are no files here."""
        return ()

    def end_checking(self) -> None:
        """Let power-up check all that it has left."""
        while self.pump.checking is not None:
            self.pump.check_on()

    # -- beginnings

    @classmethod
    def ready(
        cls, program: Program | None = None, utc_s: int = MONDAY_UTC_S, image: bytes | None = None, bench: dict[str, Any] = BENCH
    ) -> Self:
        """Return a pump after its self test, with `program` active if given."""
        pump = cls(blank_image(bench) if image is None else image, utc_s)
        pump.advance(SETTLED_S)
        if program is not None:
            pump.upload(program)
        return pump

    @classmethod
    def running(
        cls, program: Program | None = None, utc_s: int = MONDAY_UTC_S, image: bytes | None = None, bench: dict[str, Any] = BENCH
    ) -> Self:
        """Return a pump that runs `program` (default 3.6 mL/h: 100 steps a second)."""
        pump = cls.ready(program or constant(3_600_000), utc_s, image, bench)
        pump.call("start")
        pump.advance(0.001)
        assert pump.state() == "running"
        return pump

    # -- time

    def advance(self, duration_s: float) -> None:
        """Let time pass; the loop runs as often as it wants."""
        self.each_turn(duration_s, bool)
        for _ in range(5):
            self.pump.turn()

    def each_turn(self, duration_s: float, look: Callable[[], object]) -> None:
        """Let time pass and call the check after every turn of the loop."""
        link, clock = self.board.link, self.board.clock
        link.horizon_us = clock.now_us + round(duration_s * 1_000_000)
        while clock.now_us < link.horizon_us:
            self.pump.turn()
            look()

    # -- commands

    def line(self, raw: bytes) -> bytes:
        """Send raw bytes, run the loop until it only waits for time, and return its output."""
        link, idle = self.board.link, 0
        link.outgoing, link.incoming = b"", raw
        link.horizon_us = self.board.clock.now_us
        for _ in range(50):
            link.idle = False
            self.pump.turn()
            idle = idle + 1 if link.idle else 0
            if idle == IDLE_TURNS:
                break
        return link.outgoing

    def request(self, method: str, **params: object) -> bytes:
        """Return the line of a request with a new id."""
        return frame.encode(messages.request("%016x" % next(self._ids), method, params))

    def ask(self, method: str, **params: object) -> dict[str, Any]:
        """Return the decoded reply; of a bulk answer the announcement, without the bytes after it."""
        return frame.decode(self.line(self.request(method, **params)).split(b"\n", 1)[0])

    def call(self, method: str, **params: object) -> dict[str, Any]:
        """Return the result of a command. Raises AssertionError with the reply if it was refused."""
        reply = self.ask(method, **params)
        assert "result" in reply, reply
        return reply["result"]

    def refusal(self, method: str, **params: object) -> dict[str, Any]:
        """Return the data of a command's refusal. Raises AssertionError if it was done."""
        return refusal_of(self.ask(method, **params))

    def fault(self, method: str, **params: object) -> str:
        """Return the name of a command's refusal. Raises AssertionError if it was done."""
        return fault_of(self.ask(method, **params))

    def answer_with(self, method: str, handler: Callable[..., Any]) -> None:
        """Let this handler answer the command from now on."""
        session = self.pump.session
        session.handlers = {**session.handlers, method: handler}

    def upload(self, new: Program) -> str:
        """Stage and activate; return the digest."""
        packed = program.pack(new)
        digest = self.stage(packed)["digest"]
        assert digest == program.digest(packed)
        return self.call("program.activate", digest=digest)["digest"]

    def stage(self, packed: bytes) -> dict[str, Any]:
        """Stage a program and have it checked; return the reply to staging."""
        staged = self.call("program.stage", program=base64.b64encode(packed).decode())
        while not self.call("program.check", digest=staged["digest"])["done"]:
            pass
        return staged

    def judge(self, new: Program | bytes) -> dict[str, Any]:
        """Return the last reply to staging and checking a program: a refusal, or done."""
        packed = new if isinstance(new, bytes) else program.pack(new)
        reply = self.ask("program.stage", program=base64.b64encode(packed).decode())
        while "result" in reply and not reply["result"].get("done"):
            reply = self.ask("program.check", digest=reply["result"]["digest"])
        return reply

    def token(self) -> str:
        return self.call("bolus.token")["token"]

    def order(self, volume_nl: int, rate_nl: int) -> str:
        """Order a bolus; return its token."""
        token = self.token()
        self.call("bolus.start", token=token, volume_nl=volume_nl, rate_nl=rate_nl)
        return token

    # -- what it says

    def bolus(self, token: str) -> dict[str, Any]:
        told = self.call("bolus.status", token=token)
        while told["state"] == "searching":
            told = self.call("bolus.status", token=token)
        return told

    def state(self) -> str:
        return self.call("status")["state"]

    def alarms(self) -> list[str]:
        """Return the names of the active alarms."""
        return [row["name"] for row in self.call("alarms")["alarms"]]

    def journal(self, ring: str = "events") -> list[record_types.Record]:
        """Return every record of a ring, decoded."""
        decoded, sequence = [], 0
        while True:
            line, raw = self.line(self.request("journal.read", ring=ring, from_sequence=sequence)).split(b"\n", 1)
            answer = frame.decode(line)["result"]
            assert len(raw) == answer["bytes"]
            assert frame.crc_text(raw).decode() == answer["crc32"]
            if not raw:
                return decoded
            decoded += record_types.decode(raw)[0]
            sequence = answer["next_sequence"]

    def records(self, *names: str, ring: str = "events") -> list[dict[str, Any]]:
        """Return the fields of every record with one of these names, oldest first."""
        return [record.fields for record in self.journal(ring) if record.name in names]

    # -- what is so

    def held_bytes(self) -> int:
        """Return the bytes of waiting lines, whole or in part."""
        session = self.pump.session
        return session.lines.waiting_bytes + session.waiting_bytes

    def delivered_steps(self) -> int:
        """Return the app's count of all boots."""
        return self.pump.delivery.motion.delivered_steps()

    def plant_steps(self) -> int:
        """Return the motor's true steps of this boot, without the self test (made with the motor disabled)."""
        return self.board.stepper.true_steps

    def queued_steps(self) -> int:
        """Return the steps made, plus those that the generator already has and will make by itself."""
        stepper = self.board.stepper
        return self.plant_steps() + stepper.given_steps - stepper.steps_done()

    def on_flash(self) -> ledger.LedgerRecord:
        """Return the ledger as the next boot would find it."""
        return LedgerFiles(self.board.flash).record

    def image(self) -> bytes:
        return bytes(self.board.chip.buffer)


class Watched(UnitPump):
    """A pump whose ledger is compared with its deliveries after every turn of the loop (R2, R3)."""

    def __init__(self, image: bytes, utc_s: int = 0) -> None:
        super().__init__(image, utc_s)
        self.turns_watched = 0
        self._span, self._fastest = None, (0, 0)
        turn = self.pump.turn

        def watched_turn() -> None:
            turn()
            self.look()

        self.pump.turn = watched_turn

    def look(self) -> None:
        app = self.pump
        if not app.selftest.done:
            return
        delivery, record = app.delivery, app.delivery.leases.files.record
        delivered = delivery.motion.delivered_steps()
        assert delivered == self.delivered_at_boot() + self.plant_steps()
        runs = record.state in (ledger.RUNNING, ledger.ALONE)
        assert delivered <= record.leased_steps or not runs
        if delivery.span is not None and runs:
            self.turns_watched += 1
            assert delivered <= delivery.span.leased_steps
            assert record.leased_steps - delivered <= self._most_open(delivery)

    def _most_open(self, delivery: Any) -> int:
        """Return the most open steps: max(1 step, queue) + 60 s of basal + 5 s of a bolus, at most 5 % of it + the guard's step."""
        pair, span = delivery.setup.calibration, delivery.span
        assert span is not None
        if span.alone:
            bolus_per_s = ceil_div(delivery.orders.bolus.rate_nl * pair.steps, delivery.orders.bolus.rate_seconds_s * pair.volume_nl)
            return max(1, HIGH_WATER_S * bolus_per_s) + min(5 * bolus_per_s, delivery.orders.bolus.steps // 20 + bolus_per_s) + 1
        program = span.basal.program
        highest_nl, temporary = program.highest_rate_nl(), delivery.overlay.present
        if temporary is not None:
            highest_nl = max(highest_nl, ceil_div(temporary.of(highest_nl), temporary.parts()))
        bridge = delivery.bridge
        if bridge is not None:
            highest_nl = max(highest_nl, ceil_div(highest_nl * bridge.numerator, bridge.denominator))
        per_s = ceil_div(highest_nl * pair.steps, program.rate_seconds_s * pair.volume_nl)
        exact_60 = ceil_div(60 * highest_nl * pair.steps, program.rate_seconds_s * pair.volume_nl)
        if self._span is span:  # after a takeover the old program's queued and leased steps remain
            per_s, exact_60 = max(per_s, self._fastest[0]), max(exact_60, self._fastest[1])
        self._span, self._fastest = span, (per_s, exact_60)
        extra, bolus = 0, delivery.orders.bolus
        if bolus is not None and bolus.state == "delivering":
            bolus_per_s = ceil_div(bolus.rate_nl * pair.steps, bolus.rate_seconds_s * pair.volume_nl)
            extra = min(5 * bolus_per_s, bolus.steps // 20 + bolus_per_s)
            per_s += bolus_per_s
        extended = delivery.orders.extended
        if extended is not None and extended.state in ("delivering", "paused"):
            its_per_s = ceil_div(extended.rate_nl * pair.steps, extended.rate_seconds_s * pair.volume_nl)
            extra += min(60 * its_per_s, extended.steps // 20 + its_per_s)
            per_s += its_per_s
        return max(1, HIGH_WATER_S * per_s) + exact_60 + extra + 1

    def delivered_at_boot(self) -> int:
        return self.pump.book.position_steps


ready, running = Watched.ready, Watched.running
PumpKind = TypeVar("PumpKind", bound=UnitPump)


def power_cut(pump: PumpKind, off_s: int = 0, known: bool = True) -> PumpKind:
    """Cut the power now and restore it after `off_s`. The new boot knows the time if the old one did, unless not `known`."""
    utc_s = pump.board.clock.utc_s()
    return type(pump)(pump.image(), utc_s + off_s if known and utc_s else 0)


def again(pump: PumpKind, off_s: int = 0) -> PumpKind:
    """Return the pump after a power cut and the self test of the new boot."""
    booted = power_cut(pump, off_s)
    booted.advance(SETTLED_S)
    return booted
