"""Every reply of the firmware, in every state that its replies can show, fits the host's table of replies (replies.py)."""

import base64
from collections.abc import Callable
from copy import deepcopy
from functools import cache
from typing import Any

import pytest

from pumpcore.bench import weighed
from pumpcore.faults import faults
from pumpcore.program import packing as programs
from pumpcore.wire.messages import METHODS
from support.host.hostile_pump import paths, sane, spoilt
from support.programs import MONDAY_UTC_S, constant, day, resuming, with_settings
from support.pump import bridges as bridge_scenes
from support.pump import learned_tables
from support.pump.bridges import drug
from support.pump.running import BENCH, UnitPump, Watched, blank_image, power_cut, ready, running
from thecal.errors import BadAnswer
from thecal.pump import replies

RESERVOIR = {"capacity_nl": 20_000_000, "low_nl": 2_000_000, "empty_nl": 500_000, "tolerance_permille": 50, "tolerance_nl": 100_000}
DEMAND = {"demand_on": 1, "demand_nl": 60_000, "demand_s": 60, "lockout_s": 120, "demand_per_day": 2}
DAYS = {"days": 2, "utc_s": MONDAY_UTC_S, "offset_s": 0}
FIRST = {"second_s": 0, "remainder": 0, "chain": "0" * 64}
NOBODYS = "7f" * 8  # a token
OPEN = ("counters", "implementation")  # any key


def refused(pump: UnitPump, method: str, **params: object) -> None:
    assert "error" in pump.ask(method, **params)


def questions(pump: UnitPump) -> None:
    """Ask all questions that have an answer in every state."""
    for method in ("hello", "status", "program.read", "alarms", "bolus.token"):
        pump.call(method)
    for ring in ("events", "faults"):
        pump.call("journal.read", ring=ring, from_sequence=0)
    while pump.call("bolus.status", token=NOBODYS)["state"] == "searching":
        pass
    if pump.call("hello")["bench"]:
        pump.call("calibration.read")


def calibration(**changed: object) -> str:
    values = {"volume_nl": 1_023_456, "steps": 100_003, "utc_s": MONDAY_UTC_S, "density_ug_per_ml": 998_207, "scatter_ppm": 2_100,
              "expires_nl": 1_000_000, "expires_days": 90, "runs": 3, "tube": "T1", "lot": "L 1", **changed}  # fmt: skip
    return base64.b64encode(weighed.pack(weighed.Weighed(*[values[name] for name in weighed.FIELDS]))).decode()


def flipped(pump: Watched, *files: str) -> Watched:
    """Boot with one bit of these files inverted; a name that ends with "." stands for both slots."""
    flash = pump.board.flash
    for path in [file + end for file in files for end in ("ab" if file.endswith(".") else ("",))]:
        raw = bytearray(flash.read(path))
        raw[len(raw) // 2] ^= 1
        flash.write(path, bytes(raw))
    booted = power_cut(pump, 5)
    booted.advance(0.1)
    return booted


# --- the stories: what is asked in each is looked at


def by_volume() -> None:
    """A table of the rotor: read without one, set without its phase, found, run by it, and taken away."""
    pump = UnitPump.ready(constant(3_600_000))
    pump.call("rotor.read")
    refused(pump, "rotor.phase", zero_steps=0)
    refused(pump, "rotor.set", rotor=learned_tables.sent(learned_tables.learned_one()), zero_steps=0)
    pump.call("calibration.set", calibration=calibration())
    for sent in ("", table := learned_tables.sent(learned_tables.learned_one())):
        pump.call("rotor.check", rotor=sent)
    pump.call("rotor.set", rotor=table, zero_steps=-1)
    pump.call("rotor.phase", zero_steps=1_234)
    pump.call("start")
    pump.advance(70)
    questions(pump)
    pump.call("stop")
    questions(power_cut(pump, 30))
    pump.call("rotor.set", rotor="", zero_steps=-1)
    pump.call("rotor.read")


def fresh() -> None:
    pump = ready()
    questions(pump)
    pump.call("stop")
    refused(pump, "start")
    pump.call("calibration.check", calibration="")
    pump.call("calibration.set", calibration="")
    pump.call("name.set", name="flow-1")
    pump.call("hello")


def no_bench() -> None:
    pump = UnitPump(blank_image())
    pump.board.flash.remove("/store/bench.a")
    bare = Watched(pump.image())
    bare.advance(0.05)
    questions(bare)
    refused(bare, "calibration.read")
    refused(bare, "ack", fault=faults.by_name("not_commissioned").number)


def schedule() -> None:
    """A clock, an offset and its change; a forecast; another program that takes over."""
    pump = ready(resuming(day((0, 0, 3_600_000), (12, 0, 1_800_000))), utc_s=0)
    questions(pump)
    pump.call("clock.set", utc_s=MONDAY_UTC_S, offset_s=3600, transition_utc_s=MONDAY_UTC_S + 86_400, transition_offset_s=7200)
    answer = {**FIRST, "done": False}
    digest = pump.call("program.read")["digest"]
    while not answer.pop("done"):
        answer = pump.call("forecast.digest", digest=digest, **DAYS, **answer)
    pump.call("start")
    pump.advance(10)
    questions(pump)
    pump.upload(resuming(day((0, 0, 1_800_000))))
    questions(pump)
    pump.advance(70)
    cut = power_cut(pump, 30)
    questions(cut)
    cut.advance(40)
    questions(cut)
    cut.call("stop")
    questions(cut)
    questions(power_cut(cut, 30, known=False))


def a_line() -> None:
    """Another concentration: staged, bridged through both phases; then another fluid: primed."""
    pump = bridge_scenes.changed(drug(500), drug(300))
    questions(pump)
    refused(pump, "start")
    assert pump.stage(programs.pack(drug(400)))["line"]["needs"] == "bridge"
    refused(pump, "program.activate", digest="0" * 64)
    digest = pump.call("program.read")["digest"]
    pump.call("forecast.digest", digest=digest, bridge=1, position_steps=pump.delivered_steps(), **DAYS, **FIRST)
    pump.call("bridge.start", token=pump.token())
    seen = set()
    for _ in range(15):
        pump.advance(60)
        seen.add(bridge_scenes.line(pump)["phase"])
        questions(pump)
    assert seen == {"old", "uncertain", ""}
    pump.call("stop")
    pump.upload(drug(300, fluid="other"))
    questions(pump)
    primed = pump.call("bolus.prime", token=pump.token(), rate_nl=36_000_000, again=0)
    pump.advance(5)
    questions(pump)
    pump.advance(60)
    pump.bolus(primed["token"])
    questions(pump)


def a_staged_bridge() -> None:
    pump = running(drug(500))
    pump.advance(30)
    pump.call("stop")
    assert pump.stage(programs.pack(drug(300)))["line"]["needs"] == "bridge"
    assert pump.stage(programs.pack(drug(0)))["line"] is None
    assert pump.stage(programs.pack(drug(300, fluid="other")))["line"]["needs"] == "prime"


def a_reservoir() -> None:
    pump = ready(with_settings(constant(3_600_000), **RESERVOIR))
    questions(pump)
    pump.call("reservoir.refill", token=pump.token(), measured_nl=0, filled_nl=2_100_000)
    pump.call("start")
    pump.advance(200)
    questions(pump)
    pump.call("stop")
    answer = pump.call("reservoir.refill", token=pump.token(), measured_nl=10, filled_nl=5_000_000)
    assert answer["blocks"] == 1
    questions(pump)
    refused(pump, "start")
    pump.call("reservoir.acknowledge", reason="spilt")
    pump.call("start")
    questions(pump)
    pump.advance(5_000)
    assert "reservoir_empty" in pump.alarms()
    questions(pump)


def orders() -> None:
    """Every kind of order while it waits, runs, is done, cancelled, and after a cut."""
    pump = running(resuming(with_settings(constant(360_000), **DEMAND, bolus_max_nl=200_000, bolus_day_nl=400_000)))
    pump.advance(5)
    slow = pump.call("bolus.extended", token=pump.token(), volume_nl=60_000, duration_s=3600)["token"]
    quick = pump.order(60_000, 3_600_000)
    questions(pump)
    pump.advance(20)
    questions(pump)
    pump.bolus(quick)
    pump.call("bolus.cancel", token=quick)
    pump.advance(20)
    demanded = pump.call("bolus.demand", token=pump.token())["token"]
    refused(pump, "bolus.demand", token=pump.token())
    for changed in ({"rate_nl": 100_000}, {"numerator": 1, "denominator": 2}):
        rate = {"rate_nl": 0, "numerator": 0, "denominator": 0, "duration_s": 600, **changed}
        raised = pump.call("temporary.start", token=pump.token(), **rate)["token"]
        questions(pump)
        pump.advance(70)
        questions(pump)
        pump.call("temporary.cancel", token=raised)
        pump.advance(70)
    refused(pump, "temporary.cancel", token=raised)
    cut = power_cut(pump, 30)
    cut.advance(40)
    for one in (slow, quick, demanded):
        cut.bolus(one)
    questions(cut)


def a_run() -> None:
    pump = ready()
    amount = {"steps": 5_000, "volume_nl": 0, "rate_nl": 3_600_000, "rate_seconds_s": 3600}
    ran = pump.call("run.start", token=pump.token(), purpose="calibration", **amount)["token"]
    pump.advance(20)
    pump.bolus(ran)
    questions(pump)
    pump.call("bolus.cancel", token=ran)
    pump.advance(20)
    pump.bolus(ran)
    amount = {"steps": 0, "volume_nl": 50_000, "rate_nl": 3_600_000, "rate_seconds_s": 3600}
    ran = pump.call("run.start", token=pump.token(), purpose="priming", **amount)["token"]
    pump.advance(20)
    questions(pump)
    cut = power_cut(pump, 30)
    cut.advance(1)
    cut.bolus(ran)
    questions(cut)


def calibrated() -> None:
    pump = ready(constant(3_600_000))
    for lot in ("L1", "L2"):
        pump.call("calibration.check", calibration=calibration(lot=lot))
        pump.call("calibration.set", calibration=calibration(lot=lot))
    for more in (0, 1):
        pump.call("bench.set", **{**BENCH["ceilings"], "day_nl": BENCH["ceilings"]["day_nl"] + more})
        questions(pump)
    pump.call("start")
    pump.advance(1_100)
    assert pump.call("status")["calibration"]["expired"] == "volume"
    questions(pump)
    refused(pump, "calibration.set", calibration="")
    pump.call("stop")
    pump.call("calibration.set", calibration="")
    questions(pump)


def keyed() -> None:
    """A pump with keys still answers the questions that need none."""
    pump = ready()
    pump.call("key.challenge")
    pump.call("key.set", keys="")
    pump.call("key.set", keys="".join(f"{number:064x}" for number in (1, 2, 3)))
    pump.pump.setup.keys = bytes(range(96))
    for method in ("hello", "status", "alarms", "key.challenge", "stop"):
        pump.call(method)
    refused(pump, "start")


def alarms() -> None:
    """Acknowledge the alarms of a power cut one by one."""
    cut = power_cut(running(constant(3_600_000)), 30)
    cut.advance(1)
    for fault in [row["fault"] for row in cut.call("alarms")["alarms"]]:
        questions(cut)
        cut.call("ack", fault=fault)
    questions(cut)


def damaged_store() -> None:
    pump = ready(with_settings(drug(500), **RESERVOIR, **DEMAND))
    pump.call("clock.set", utc_s=MONDAY_UTC_S, offset_s=3600)
    pump.call("calibration.set", calibration=calibration())
    pump.call("reservoir.refill", token=pump.token(), measured_nl=0, filled_nl=9_000_000)
    bridge_scenes.prime(pump)
    pump.upload(with_settings(drug(300), **RESERVOIR, **DEMAND))
    for name in ("program", "calibration", "reservoir", "line", "primed", "offset"):
        if pump.board.flash.exists(f"/store/{name}.b"):
            questions(flipped(Watched(pump.image(), MONDAY_UTC_S + 600), f"/store/{name}."))
    every = flipped(Watched(pump.image(), MONDAY_UTC_S + 600), *[f"/marks/{name}" for name in pump.board.flash.names("/marks")])
    questions(every)
    for row in every.call("alarms")["alarms"]:
        every.ask("ack", fault=row["fault"])
    every.ask("program.stage", program=base64.b64encode(programs.pack(drug(300))).decode())
    questions(every)


def damaged_journal() -> None:
    pump = running(constant(3_600_000))
    for count in range(900):
        pump.pump.journal.append("total", (count, 0, 0, 0))
    names = pump.board.flash.names("/journal")
    questions(flipped(Watched(pump.image(), MONDAY_UTC_S + 60), *["/journal/" + name for name in names]))
    for name in names:
        pump.board.flash.remove("/journal/" + name)
    gone = power_cut(pump, 30)
    gone.advance(1)
    questions(gone)
    for row in gone.call("alarms")["alarms"]:
        gone.ask("ack", fault=row["fault"])
    questions(gone)


def a_bug() -> None:
    """An exception in a handler, with the longest text that is kept."""
    pump = running(constant(3_600_000))

    def broken(pump: object, params: dict) -> dict:
        raise ValueError("\U0001f600" * 5_000)

    kept, pump.pump.session.handlers["hello"] = pump.pump.session.handlers["hello"], broken
    refused(pump, "hello")
    pump.pump.session.handlers["hello"] = kept
    assert pump.state() == "alarm" and "ValueError" in pump.call("status")["last_error"]
    questions(pump)


def maintenance() -> None:
    pump = ready(constant(3_600_000))
    pump.call("maintenance")
    questions(pump)


STORIES: dict[str, Callable[[], None]] = {
    story.__name__: story
    for story in (fresh, no_bench, schedule, a_line, a_staged_bridge, a_reservoir, orders, a_run, calibrated, by_volume, keyed, alarms,
                  damaged_store, damaged_journal, a_bug, maintenance)
}  # fmt: skip


@cache
def answers(name: str) -> list[tuple[str, dict[str, Any]]]:
    """Return (method, reply) of every command in a story."""
    ask, heard = UnitPump.ask, []

    def listened(pump: UnitPump, method: str, **params: object) -> dict:
        reply = ask(pump, method, **params)
        heard.append((method, deepcopy(reply)))
        return reply

    UnitPump.ask = listened  # type: ignore[method-assign]
    try:
        STORIES[name]()
    finally:
        UnitPump.ask = ask  # type: ignore[method-assign]
    return heard


@pytest.mark.parametrize("name", STORIES)
def test_the_table_takes_what_the_firmware_answers(name: str) -> None:
    for method, reply in answers(name):
        if "error" in reply:
            replies.check_refusal(method, reply["error"])
        else:
            assert replies.check(method, reply["result"]) == reply["result"]


def test_every_method_was_answered() -> None:
    assert {method for name in STORIES for method, reply in answers(name) if "result" in reply} == set(METHODS)


def every_key() -> dict[tuple, dict[str, Any]]:
    """Return (method, key names down to a value) of all replies, with the first reply that has it. 0 is an item."""
    found: dict[tuple, dict[str, Any]] = {}
    for method, reply in [one for name in STORIES for one in answers(name) if "result" in one[1]]:
        for path in paths(reply["result"]):
            if not (path[0] in OPEN and len(path) > 1):
                found.setdefault((method, *[0 if type(part) is int else part for part in path]), reply)
    return found


def test_every_key_that_the_firmware_sends_is_in_the_table() -> None:
    """A value that does not fit is found wherever it is."""
    found = every_key()
    unknown = [key for key, reply in found.items() if _taken(key[0], spoilt(reply, key[1:], [[]])["result"])]
    assert not unknown and len(found) > 250


def test_every_key_that_the_firmware_sends_is_spoilt_in_the_tests() -> None:
    pump = sane()[0]
    missing = [key for key in every_key() if key[1:] not in paths(pump[key[0]])]
    assert not missing


def _taken(method: str, result: dict[str, Any]) -> bool:
    try:
        replies.check(method, result)
    except BadAnswer:
        return False
    return True
