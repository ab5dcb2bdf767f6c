"""The first answer comes before all is checked: until it is, the pump answers and begins nothing; then it is as if it had been before."""

import binascii
import errno
import hashlib
import io
from collections.abc import Iterator

import pytest

from pumpcore.flash import manifest
from pumpcore.wire import messages
from support.programs import constant, resuming
from support.pump.main_file import checked, load
from support.pump.running import Watched, power_cut

HOURLY = 900_000
SOURCES = {"/main.py": b"main", "/app/pump.py": b"pump"}
COMPILED = {"/main.py": b"main", "/app/pump.py": b"M\x06pump"}
LYING = {"/main.py": b"main", "/app/pump.mpy": b"M\x06pump"}
TOKEN = "00000000000000aa"


class Checking(Watched):
    """A pump that has just been switched on, and goes on checking until `end` is set: True, or the error that is met."""

    end: bool | Exception = False

    def end_checking(self) -> None:
        """It goes on."""

    def hashes(self) -> Iterator[None]:
        while self.end is False:
            self.board.clock.now_us += 10_000
            yield
        if isinstance(self.end, Exception):
            raise self.end


def told(pump: Watched) -> tuple[str, bool]:
    status = pump.call("status")
    return status["state"], status["checking"]


@pytest.mark.rule("R6")
def test_until_all_is_checked_the_pump_answers_and_begins_nothing() -> None:
    pump = Checking(Watched.ready(constant(HOURLY)).image())
    pump.advance(5)
    assert told(pump) == ("stopped", True) and pump.call("bolus.token")
    changing = [method for method in messages.METHODS if messages.changes(method)]
    assert {"start", "bolus.start", "bolus.prime", "run.start", "temporary.start", "bridge.start", "calibration.set"} < set(changing)
    for method in ("start", "maintenance", "calibration.set", "bolus.demand"):
        params = {"calibration.set": {"calibration": ""}, "bolus.demand": {"token": TOKEN}}.get(method, {})
        refused = pump.ask(method, **params)["error"]["data"]
        assert (refused["fault"], refused["wait_s"], "digest" in refused) == ("busy", 1, False), method
    pump.board.buttons.bolus = True
    pump.advance(1)
    assert pump.call("stop")["state"] == "stopped" and pump.plant_steps() == 0 and not pump.board.stepper.enabled
    pump.end = True
    pump.advance(1)
    assert told(pump) == ("stopped", False)
    pump.call("start")
    pump.advance(1)
    assert told(pump) == ("running", False) and pump.plant_steps() > 0


@pytest.mark.rule("R6")
@pytest.mark.rule("R11")
def test_a_pump_that_resumes_waits_until_all_is_checked() -> None:
    pump = Watched.running(resuming(constant(HOURLY)))
    pump.advance(100)
    cut = power_cut(pump, 60)
    again = Checking(cut.image(), cut.board.clock.utc_s())
    again.advance(300)
    assert told(again) == ("resuming", True) and again.plant_steps() == 0
    again.end = True
    again.advance(10)
    assert told(again) == ("running", False) and again.plant_steps() > 0
    assert len(again.records("missed")) == 1


@pytest.mark.rule("R6")
@pytest.mark.parametrize("error", [ValueError("/app/pump.py is another one"), OSError(5), MemoryError(), KeyError("a bug")], ids=repr)
def test_a_firmware_that_is_not_the_one_of_its_manifest_is_an_alarm_that_stays(error: Exception) -> None:
    pump = Watched.running(resuming(constant(HOURLY)))
    pump.advance(100)
    again = Checking(pump.image())
    again.end = error
    again.advance(300)
    assert told(again) == ("alarm", False) and "firmware_incomplete" in again.alarms() and again.plant_steps() == 0
    assert again.call("status")["last_error"] == repr(error)[:120]
    number = next(row["fault"] for row in again.call("alarms")["alarms"] if row["name"] == "firmware_incomplete")
    assert again.fault("ack", fault=number) == "alarm_stays" and again.fault("start") == "alarm_active"
    assert again.call("maintenance")["state"] == "maintenance"


@pytest.mark.rule("R5")
def test_the_windows_are_filled_in_parts_and_hold_what_they_held() -> None:
    """What lies between two totals counts in the later one's minute: nothing falls out of a window too early."""
    pump = Watched.running(constant(3_600_000))
    pump.advance(5 * 3600 + 1000)
    pump.call("stop")
    again = Checking(pump.image(), pump.board.clock.utc_s())
    delivered, steps = pump.plant_steps() - 16, 0  # the self test's 16 steps are no part of it
    filled = again.pump.delivery.leases.windows
    assert filled.day_steps == 0 < delivered
    again.end = True
    while again.pump.checking is not None:
        again.pump.check_on()
        steps += 1
    assert steps >= 4
    assert delivered <= filled.day_steps <= delivered + 100 and filled.hour_steps >= 100 * (3600 - 300)


def test_a_wrong_crc_loads_nothing_and_a_wrong_hash_is_found_later() -> None:
    rows = manifest.build(SOURCES, COMPILED)
    digest, crc = hashlib.sha256(COMPILED["/app/pump.py"]).hexdigest().encode(), b"%08x" % binascii.crc32(COMPILED["/app/pump.py"])
    for old, found_at_once in ((crc, True), (digest, False)):
        files = {**LYING, "/manifest": rows.replace(old, old[::-1])}
        assert old != old[::-1] and checked(files) == ""
        main = load(lambda path, mode, files=files: flash(files, path))
        if found_at_once:
            with pytest.raises(ValueError, match=r"/app/pump\.py is another one"):
                main.check()
            continue
        steps = main.hashes(main.check()[1])
        with pytest.raises(ValueError, match=r"/app/pump\.py is another one"):
            list(steps)


def flash(files: dict, path: str) -> io.BytesIO:
    if path not in files:
        raise OSError(errno.ENOENT, path)
    return io.BytesIO(files[path])


def test_no_step_reads_more_than_two_kilobytes() -> None:
    """A chip hashes a kilobyte in 1.1 ms, and between two steps the loop looks at the buttons and at the line."""
    data = bytes(10_000)
    main = load(lambda path, mode: io.BytesIO(data))
    row = b"/x %s %08x" % (hashlib.sha256(data).hexdigest().encode(), binascii.crc32(data))
    assert len(list(main.hashes(row))) == 5
