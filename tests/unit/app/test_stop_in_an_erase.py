"""A `stop` in the middle of a flash write ends the motion between two erases, and the write completes normally."""

import pytest

from app.wire import session
from pumpcore.wire import messages
from pumpcore.wire import messages as frame
from support.programs import constant
from support.pump.running import UnitPump
from support.some import some_of

pytestmark = pytest.mark.rule("R8")
FAST_NL = 500_000_000
ERASE_US = 400_000
FRAMED_STOP = frame.encode(messages.request("0" * 16, "stop", {}))
STOPS = [b"stop\n", b"\nstop\r\n", FRAMED_STOP, b"noise\nstop\nnoise\n"]
BAIT = b'{"stop"' + b"x" * 150 + b"\n"
NO_STOPS = [b"stopp\n", FRAMED_STOP.replace(b"stop", b"stap"), FRAMED_STOP[:-4] + b"000\n", b"stop", b'{"stop"\n']


class Erases:
    """Flash whose erases take their time; `data` arrives in the middle of erase `number` from now."""

    def __init__(self, pump: UnitPump, number: int, data: bytes) -> None:
        self.pump, self.number, self.data = pump, number, data
        self.steps_at_look = -1
        self.look = pump.board.chip.after_erase
        pump.board.chip.after_erase = self.ended

    def ended(self) -> None:
        self.number -= 1
        clock = self.pump.board.clock
        clock.now_us += ERASE_US
        if self.number == 0:
            self.pump.board.link.incoming += self.data
        self.look()
        if self.number == 0:
            self.steps_at_look = self.pump.plant_steps()
            clock.now_us += ERASE_US  # the rest of the write


class FloodedErases:
    """Every erase finds `flood` on the line; the erase of this number also a `stop`, in the given parts."""

    def __init__(self, pump: UnitPump, number: int, flood: bytes, stop: tuple[bytes, ...]) -> None:
        self.pump, self.erases, self.held_bytes = pump, 0, 0
        self.last, self.heard_at = number + len(stop) - 1, 0
        self._flood, self.number, self._stop = flood, number, stop
        self.look = pump.board.chip.after_erase
        pump.board.chip.after_erase = self.ended

    def ended(self) -> None:
        self.erases += 1
        self.pump.board.clock.now_us += ERASE_US // 8
        part = self.erases - self.number
        stop = self._stop[part] if 0 <= part < len(self._stop) else b""
        self.pump.board.link.incoming += stop if part > 0 and stop else self._flood + stop
        self.look()
        self.held_bytes = max(self.held_bytes, self.pump.held_bytes())
        if self.pump.pump.stop_heard and not self.heard_at:
            self.heard_at, self.steps_at_look = self.erases, self.pump.plant_steps()


def lease_writes(pump: UnitPump, erases: Erases) -> None:
    """Run until the erase has come."""
    for _ in range(20_000):
        if erases.number <= 0:
            return
        pump.board.link.horizon_us = pump.board.clock.now_us + 1_000_000
        pump.pump.turn()
    raise AssertionError("nothing was erased")


@pytest.mark.parametrize("number", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("data", STOPS)
def test_a_stop_in_an_erase_ends_the_motion_at_its_end(number: int, data: bytes) -> None:
    pump = UnitPump.running(constant(FAST_NL))
    pump.advance(10.3)
    erases = Erases(pump, number, data)
    lease_writes(pump, erases)
    for _ in range(5):
        pump.pump.turn()
    assert pump.plant_steps() == erases.steps_at_look > 0
    assert pump.pump.idle()
    assert not pump.pump.stop_heard
    assert b"stopped" in pump.board.link.outgoing
    assert len(pump.records("stopped")) == 1
    pump.call("start")
    pump.advance(5)
    assert pump.plant_steps() > erases.steps_at_look


@pytest.mark.parametrize("number", [1, 4])
@pytest.mark.parametrize("stop", [(b"\nstop\n",), (b"\n\0stop\x03\n",), (b"\n" + FRAMED_STOP,), (b"\nst", b"op\n"), (b"\n", FRAMED_STOP)])
@pytest.mark.parametrize(
    "flood", some_of([b"status\n" * 60, b"h" * 900, b"\0" * 900, b"\x03\x04\x01\n" * 90, BAIT * 20, b"y" * 3_900], 3)
)
def test_a_stop_in_a_flood_that_fills_every_erase_is_heard_in_its_erase(flood: bytes, stop: tuple[bytes, ...], number: int) -> None:
    pump = UnitPump.running(constant(FAST_NL))
    pump.advance(10.3)
    flooded = FloodedErases(pump, number, flood, stop)
    for _ in range(20_000):
        pump.board.link.horizon_us = pump.board.clock.now_us + 1_000_000
        pump.pump.turn()
        if pump.pump.idle():
            break
    assert flooded.heard_at == flooded.last
    assert flooded.held_bytes <= session.MOST_HELD_BYTES
    pump.each_turn(100, lambda: None)
    assert pump.pump.idle() and pump.plant_steps() == flooded.steps_at_look
    assert not pump.pump.alarms.stopping()


@pytest.mark.parametrize("data", NO_STOPS)
def test_what_is_no_stop_ends_nothing(data: bytes) -> None:
    pump = UnitPump.running(constant(FAST_NL))
    pump.advance(10.3)
    lease_writes(pump, Erases(pump, 1, data))
    for _ in range(5):
        pump.pump.turn()
    assert pump.pump.delivery.state == "running"
    pump.line(b"\n")
    assert not pump.pump.stop_heard


def test_the_rest_of_a_half_line_is_no_stop() -> None:
    pump = UnitPump.running(constant(FAST_NL))
    pump.advance(10.3)
    pump.line(b"not a ")
    lease_writes(pump, Erases(pump, 1, b"stop\n"))
    for _ in range(5):
        pump.pump.turn()
    assert pump.pump.delivery.state == "running"


def test_a_start_that_was_being_written_does_not_come_true() -> None:
    """What follows the erase in which the stop arrived must not enable the motor."""
    for number in range(1, 4):
        pump = UnitPump.running(constant(FAST_NL))
        pump.advance(2)
        pump.line(b"stop\n")
        before = pump.plant_steps()
        for _ in range(60):  # until a start erases something
            erases = Erases(pump, number, b"stop\n")
            pump.ask("start")
            pump.board.chip.after_erase = erases.look
            if erases.number <= 0:
                break
            pump.line(b"stop\n")
            before = pump.plant_steps()
        assert erases.number <= 0
        assert pump.plant_steps() == before
        assert pump.pump.idle()


def test_a_bug_in_the_look_does_not_reach_littlefs_and_ends_in_the_safe_state(monkeypatch: pytest.MonkeyPatch) -> None:
    pump = UnitPump.running(constant(FAST_NL))
    pump.advance(10.3)

    def broken() -> bytes:
        raise KeyError("a bug")

    erases = Erases(pump, 1, b"")
    look = erases.look

    def once() -> None:
        with monkeypatch.context() as patch:
            patch.setattr(pump.board.link, "read", broken)
            look()

    erases.look = once
    lease_writes(pump, erases)
    for _ in range(3):
        pump.pump.turn()
    assert pump.plant_steps() == erases.steps_at_look
    assert pump.pump.state() == "alarm"
    assert "a bug" in pump.pump.alarms.last_error


def test_orders_that_a_stop_overtook_in_an_erase_are_refused() -> None:
    """Including orders that arrive while the flash is written for another command."""
    start = frame.encode(messages.request("1" * 16, "start", {}))
    pump = UnitPump.running(constant(FAST_NL))
    pump.advance(10.3)
    lease_writes(pump, Erases(pump, 1, start + b"stop\n"))
    pump.each_turn(5, lambda: None)
    assert pump.pump.idle()
    for _ in range(60):  # until a start erases something
        erases = Erases(pump, 1, start + b"stop\n")
        pump.ask("start")
        pump.board.chip.after_erase = erases.look
        if erases.number <= 0:
            break
        pump.line(b"stop\n")
    assert erases.number <= 0
    pump.each_turn(5, lambda: None)
    assert pump.pump.idle()
    assert b"overtaken" in pump.board.link.outgoing or pump.pump.session.counters["refused"] >= 2


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("name", ["read", "feed"])
@pytest.mark.parametrize("data", STOPS)
def test_a_stop_in_an_erase_for_which_there_is_no_memory_acts(
    monkeypatch: pytest.MonkeyPatch, data: bytes, name: str, times: int
) -> None:
    """The second try reads it, or the lack of memory itself halts the motor between the erases."""
    pump = UnitPump.running(constant(FAST_NL))
    pump.advance(10.3)
    erases = Erases(pump, 1, data)
    target = pump.board.link if name == "read" else pump.pump.session.lines
    whole, failures = getattr(target, name), [MemoryError] * times

    def starved(*words: object) -> object:
        if failures and (name == "feed" or data in pump.board.link.incoming):
            raise failures.pop()
        return whole(*words)

    monkeypatch.setattr(target, name, starved)
    lease_writes(pump, erases)
    for _ in range(5):
        pump.pump.turn()
    assert pump.plant_steps() == erases.steps_at_look > 0
    assert pump.pump.delivery.state == "stopped"
