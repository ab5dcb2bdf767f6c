"""The longest computing stretch of every command, at its largest and most extreme legal parameters, on the emulated chip.

A stretch is the time from the last byte of a question to the last byte of its reply, on the board's clock, with a flash that erases and
writes in no time: the pump's computing before it looks at anything else.
"""

from __future__ import annotations

import base64
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from bench import journals, pumps
from bench.table import Row, at_most
from pumpcore.bench import weighed
from pumpcore.motion.rotor import MOST_BINS, PARTS
from pumpcore.program import packing as programs
from pumpcore.program.protocol import Protocol
from pumpcore.program.settings import Settings
from pumpcore.wire import messages
from pumpcore.wire import messages as frame
from support.programs import MONDAY_UTC_S
from support.pump import learned_tables
from thecal.pump.exchange import new_id

LONGEST_MS = 500
_CHECK_MS = 300  # of one call of program.check
_BOOTED_S = 2.5
_LAST_BYTES, _ARRIVES_S = 64, 1.0
_PATIENCE_S = 20.0
_SEGMENTS = {"e": 32, "f": 4}
_U32, _U48 = (1 << 32) - 1, 1 << 48
_DAY_S = 86_400
_OFFSET_S, _LATEST_UTC_S = messages.METHODS["clock.set"][0]["offset_s"][2], messages.METHODS["clock.set"][0]["utc_s"][2]
_RATE_NL = 40_000
LIVES = (("stopped", "programs", "calibrations"), ("one_program", "alone", "running", "crossing"))
_PHYSICAL = "0: the queue is sure for 2.5 s, and a write may take 1.3 s of that"
Reply = dict[str, Any]


def rows() -> list[Row]:
    """Return one row per method; a method that was not asked is a row that is not held."""
    return list(_rows(measured()))


def _rows(found: dict[str, dict[str, float]]) -> Iterator[Row]:
    for method in messages.METHODS:
        cases = found.get(method)
        limit = at_most(_CHECK_MS if method == "program.check" else LONGEST_MS)
        name = f"longest computing stretch: `{method}`"
        if not cases:
            yield Row(name, "ms", None, limit, _PHYSICAL, remark="nobody asked for it: add a case to tests/bench/work.py")
            continue
        told = "; ".join(f"{case} {took_ms:.0f}" for case, took_ms in cases.items())
        yield Row(name, "ms", max(cases.values()), limit, _PHYSICAL, remark=told)


def measured() -> dict[str, dict[str, float]]:
    """Return {method: {case: ms}} of the lives of two pumps side by side, with full rings and the largest programs."""
    found: dict[str, dict[str, float]] = {}
    with ProcessPoolExecutor(len(LIVES)) as pool:
        for one in pool.map(lived, LIVES):
            for method, cases in one.items():
                known = found.setdefault(method, {})
                known.update({case: max(took_ms, known.get(case, 0)) for case, took_ms in cases.items()})
    return found


def lived(parts: tuple[str, ...]) -> dict[str, dict[str, float]]:
    """Return the times of one pump for these parts of a life, one after the other."""
    files = {path: data for ring, count in _SEGMENTS.items() for path, data in journals.segments(count, ring=ring).items()}
    life = Life(pumps.Pump({**files, **journals.beside(files)}))
    try:
        for part in parts:
            getattr(life, part)()
    finally:
        life.pump.close()
    return life.found


def largest(mass_ng: int, spacing_min: int = 4) -> bytes:
    """Return a program of 336 entries, `spacing_min` minutes apart, with every possible setting."""
    rows = [(spacing_min * number, _RATE_NL + number) for number in range(programs.MAX_ENTRIES)]
    made = programs.Program("n" * 80, "f" * 80, 3600, rows)
    made.mode, made.concentration = programs.SCHEDULE, (mass_ng, 1_000_000)
    made.on_clock_loss, made.after_power_loss = "lowest", "resume"
    made.max_rate_nl, made.hour_nl, made.day_nl = 100_000_000, 90_000_000, 1_000_000_000
    values = {
        "demand_on": 1, "demand_per_day": 96, "demand_s": 20, "lockout_s": 300, "demand_nl": 2_000, "bolus_max_nl": 200_000_000,
        "bolus_day_nl": 400_000_000, "line_day": 20_000, "tubing_nl": 140_000, "catheter_nl": 10_000, "tolerance_permille": 100,
        "tolerance_nl": 100_000, "capacity_nl": 400_000_000, "low_nl": 2_000_000, "empty_nl": 1_000_000, "library_version": 7,
        "overrides": 15, "hard_rate_nl": 90_000_000, "soft_rate_nl": 30_000, "hard_bolus_nl": 200_000_000, "soft_bolus_nl": 1_000,
        "hard_day_nl": 1_000_000_000, "soft_day_nl": 10_000, "hard_low_ng": 1, "soft_low_ng": 2, "soft_high_ng": 3,
        "hard_high_ng": 1 << 40,
    }  # fmt: skip
    made.settings = Settings(library="l" * 80)
    for name, value in values.items():
        setattr(made.settings, name, value)
    return programs.pack(made)


def longest_protocol() -> bytes:
    """Return a protocol of 64 stages in 32 loops."""
    made = programs.Program("n" * 80, "f" * 80, 3600, [])
    rows = [(10, 24_000 + 20 * number, 24_000 + 20 * (number + number % 3)) for number in range(64)]
    made.mode, made.protocol = programs.BY_STAGES, Protocol(rows, [(2 * number, 2, 4_000_000) for number in range(32)])
    return programs.pack(made)


class Life:
    """One pump, asked by raw lines. `found`: the longest time of each case so far."""

    def __init__(self, pump: pumps.Pump) -> None:
        self.pump, self.board = pump, pump.board
        self.board.flash.erase_ns = self.board.flash.page_ns = 0
        self.found: dict[str, dict[str, float]] = {}
        self.board.run_for(_BOOTED_S)
        self._ask("hello", {})
        self.board.run_for(_BOOTED_S)

    def _ask(self, method: str, params: dict[str, Any]) -> tuple[Reply, float]:
        """Return (reply, ms), including raw bytes after the reply."""
        line, identity = self.pump.line, new_id()
        question = frame.encode(messages.request(identity, method, params))
        if len(question) > frame.LONG_BYTES:  # the pump loads what such a line asks for while it arrives, and looks at all else after that
            line.write(question[:-_LAST_BYTES])
            self.board.run_for(_ARRIVES_S)
            question = question[-_LAST_BYTES:]
        begun_ns = line.mark()
        line.write(question)
        while True:
            raw = bytearray()
            while not raw.endswith(b"\n"):
                raw += line.read(1, _PATIENCE_S) or _silent(method)
            took_ms = (self.board.now_ns() - begun_ns) / 1e6
            try:
                reply: Reply = frame.decode(bytes(raw[:-1]))
            except frame.FrameError:
                raise RuntimeError(f"{method}: the pump said {bytes(raw + line.read(2000, 1.0))!r}") from None
            count = reply.get("result", {}).get("bytes", 0) if "crc32" in reply.get("result", {}) else 0
            if count:
                line.read(count, _PATIENCE_S)
                took_ms = (self.board.now_ns() - begun_ns) / 1e6
            if reply["id"] in (identity, None):  # None: the pump could not read the question
                return reply, took_ms

    def note(self, case: str, method: str, refused: str = "", /, **params: Any) -> Reply:
        """Ask, keep the time, and return the result. Raises RuntimeError if the reply is not that of the case."""
        reply, took_ms = self._ask(method, params)
        told = reply["error"]["data"]["fault"] if "error" in reply else ""
        if told != refused:
            raise RuntimeError(f"{method}, {case}: {reply}")
        cases = self.found.setdefault(method, {})
        cases[case] = max(took_ms, cases.get(case, 0))
        print(f"{method}, {case}: {took_ms:.0f} ms {told}", file=sys.stderr, flush=True)
        return dict(reply.get("result", {}))

    def token(self) -> str:
        return str(self.note("one", "bolus.token")["token"])

    def upload(self, case: str, packed: bytes) -> str:
        digest = str(self.note(case, "program.stage", program=base64.b64encode(packed).decode())["digest"])
        while not self.note(case, "program.check", digest=digest)["done"]:
            pass
        self.note(case, "program.activate", digest=digest)
        return digest

    # -- one after the other

    def stopped(self) -> None:
        """Full rings, nothing active."""
        self.note("full rings", "hello")
        self.note("full rings", "status")
        self.note("none", "alarms")
        self.note("one", "key.challenge")
        self.note("waits for the button", "key.set", keys="".join([f"{number:064x}" for number in (1, 2, 3)]))
        last = self.note("from the first", "journal.read", ring="events", from_sequence=0)["last_sequence"]
        for case, sequence in (("in the middle of a segment", last // 2 + 77), ("the last", last), ("none left", last + 1)):
            self.note(case, "journal.read", ring="events", from_sequence=sequence)
        self.note("ahead", "journal.read", "sequence_ahead", ring="events", from_sequence=_U32)
        self.note("faults", "journal.read", ring="faults", from_sequence=0, blocks=1)
        while self.note("a token that a full ring does not know", "bolus.status", token="0001ffffffffffff")["state"] == "searching":
            pass
        self.note("never active", "ack", "not_active_alarm", fault=65_535)

    def one_program(self) -> str:
        clock = {"offset_s": _OFFSET_S, "transition_utc_s": MONDAY_UTC_S + 90_000, "transition_offset_s": -_OFFSET_S}
        self.note("largest offsets", "clock.set", utc_s=MONDAY_UTC_S - _OFFSET_S, **clock)
        return self.upload("entries of a day and a half", largest(500))

    def programs(self) -> None:
        self.upload("largest", largest(500, 30))
        first = self.one_program()
        self.note("largest", "program.read")
        self.note("with everything", "status")
        self._forecast(first, "31 days", bridge=0)
        self._forecast(self.upload("a protocol", longest_protocol()), "a protocol", days=1)

    def _forecast(self, digest: str, case: str, **more: int) -> None:
        cursor: Reply = {"second_s": 0, "remainder": 0, "chain": "0" * 64, "position_steps": 0}
        clock = {"utc_s": MONDAY_UTC_S, "offset_s": 0, "transition_utc_s": MONDAY_UTC_S + 10_000, "transition_offset_s": 3600}
        for _ in range(3):
            told = self.note(case, "forecast.digest", digest=digest, **{"days": 31, **clock, **cursor, **more})
            cursor = {name: told[name] for name in cursor}
        wrong = {**cursor, "remainder": (1 << 64) - 1}
        self.note("a cursor of nowhere", "forecast.digest", "bad_params", digest=digest, **{"days": 31, **clock, **wrong, **more})

    def calibrations(self) -> None:
        pair = self.pump.bench["calibration"]
        far = weighed.Weighed(_U32, _U32, MONDAY_UTC_S, 1_000_000, 1_000_000, 1 << 48, 3650, 99, "t" * 24, "l" * 24)
        self.note("extreme", "calibration.check", "calibration_far", calibration=base64.b64encode(weighed.pack(far)).decode())
        for number in range(weighed.KEPT + 1):
            one = (pair["volume_nl"] * 101 // 100 - number, pair["steps"], MONDAY_UTC_S - 90_000, 1_000_000, 1_000_000, 1 << 48)
            packed = base64.b64encode(weighed.pack(weighed.Weighed(*one, 3650, 99, "t" * 24, "l" * 24))).decode()
            self.note("beside the largest program", "calibration.check", calibration=packed)
            self.note("beside the largest program", "calibration.set", calibration=packed)
        read = self.note("with a history", "calibration.read")
        self.rotors(read["bench"], read["turns"], read["turns_steps"])
        ceilings = self.pump.bench["ceilings"]
        self.note("a raise that waits", "bench.set", **{**ceilings, "rate_nl": _U48, "day_nl": _U48})
        self.note("beside the largest program", "bench.set", **{**ceilings, "day_nl": ceilings["day_nl"] - 1})

    def rotors(self, bench: str, turns: int, turns_steps: int) -> None:
        """The longest table."""
        longest = {"bench": bench, "turns": turns, "turns_steps": turns_steps, "tube": "t" * 24, "lot": "l" * 24}
        volumes = [0] * (MOST_BINS - 1) + [PARTS * turns_steps]
        table = learned_tables.sent(learned_tables.learned_one(bins=MOST_BINS, volumes=volumes, utc_s=MONDAY_UTC_S - 90_000, **longest))
        self.note("most bins", "rotor.check", rotor=table)
        self.note("most bins", "rotor.set", rotor=table, zero_steps=1 << 62)
        self.note("most bins", "rotor.phase", zero_steps=1)
        self.note("most bins", "rotor.read")
        self.note("none", "rotor.set", rotor="", zero_steps=-1)

    def alone(self) -> None:
        self.note("full", "reservoir.refill", token=self.token(), measured_nl=0, filled_nl=400_000_000)
        self.note("more than it holds", "reservoir.refill", "refill_volume", token=self.token(), measured_nl=_U48, filled_nl=_U48)
        self.note("out of tolerance", "reservoir.refill", token=self.token(), measured_nl=0, filled_nl=399_000_000)
        self.note("longest reason", "reservoir.acknowledge", reason="r" * 60)
        extreme = {"purpose": "priming", "volume_nl": _U48, "steps": 0, "rate_nl": 1, "rate_seconds_s": 1 << 31}
        self.note("longest of all", "run.start", "bolus_too_long", token=self.token(), **extreme)
        self.note("fastest of all", "run.start", "bolus_too_short", token=self.token(), **{**extreme, "rate_nl": _U48, "rate_seconds_s": 1})
        self.note("most steps", "run.start", "bolus_too_long", token=self.token(), **{**extreme, "purpose": "calibration",
                  "volume_nl": 0, "steps": _U32})  # fmt: skip
        run = {"purpose": "calibration", "volume_nl": 0, "steps": 3_000, "rate_nl": 1, "rate_seconds_s": 60}
        self.note("30 days", "run.start", token=self.token(), **run)
        self.note("a run", "stop")
        self.note("slowest", "bolus.prime", "bolus_too_long", token=self.token(), rate_nl=1, again=0)
        self.note("a day", "bolus.prime", token=self.token(), rate_nl=7_000, again=1)
        self.note("a run", "stop")

    def running(self) -> None:
        self.note("everything", "start")
        self.board.run_for(3.0)
        self.note("the longest and slowest of all", "bolus.start", "bolus_too_long", token=self.token(), volume_nl=_U48, rate_nl=1)
        self.note("100 hours", "bolus.start", "bolus_too_long", token=self.token(), volume_nl=90_000, rate_nl=900)
        self.note("24 hours beside all entries", "bolus.start", token=(token := self.token()), volume_nl=240_000, rate_nl=10_000)
        self.board.run_for(3.0)
        self.note("one that runs", "bolus.status", token=token)
        self.note("beside all entries", "bolus.extended", token=self.token(), volume_nl=240_000, duration_s=_DAY_S)
        self.note("longest of all", "bolus.extended", "extended_active", token=self.token(), volume_nl=_U48, duration_s=_U32)
        self.note("24 hours", "bolus.cancel", token=token)
        self.board.run_for(9.0)
        part = {"rate_nl": 0, "numerator": _U32, "denominator": _U32, "duration_s": _U32}
        self.note("extreme", "temporary.start", "temporary_time", token=self.token(), **part)
        part = {"rate_nl": 0, "numerator": 1_001, "denominator": 1_000, "duration_s": _DAY_S}
        self.note("24 hours", "temporary.start", token=(other := self.token()), **part)
        self.board.run_for(3.0)
        self.note("beside a temporary rate", "bolus.demand", token=self.token())
        self.note("with everything", "status")
        self.note("beside what was judged", "clock.set", "clock_step", utc_s=_LATEST_UTC_S, offset_s=-_OFFSET_S)
        self.note("24 hours", "temporary.cancel", token=other)
        self.pump.board.run_for(3.0)
        self.note("everything", "stop")
        self.note("that many", "alarms")

    def crossing(self) -> None:
        """Continue with another concentration, as a bridge."""
        digest = self.upload("another concentration", largest(333))
        self.note("while the line holds two", "status")
        self._forecast(digest, "31 days of a bridge", bridge=1)
        self.note("all entries", "bridge.start", token=self.token())
        self.board.run_for(3.0)
        self.note("a bridge", "status")
        self.note("a bridge", "stop")
        self.note("longest", "name.set", name="n" * 20)
        self.note("stopped", "maintenance")


def _silent(method: str) -> bytes:
    raise TimeoutError(f"no answer to {method}")
