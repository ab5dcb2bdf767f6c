"""The last safety net: exceptions of a turn or of the start, and main.py's answers when no firmware runs."""

import gc
import io
import json
import sys
import types
import weakref
from collections.abc import Callable

import pytest

from app import pump as loop
from pumpcore.faults import fault_texts, faults
from pumpcore.wire import messages
from pumpcore.wire import messages as frame
from support.pump.main_file import MAIN, load
from support.pump.running import Watched, running

ERRORS = [KeyboardInterrupt, SystemExit, MemoryError, GeneratorExit, RuntimeError("x"), OSError(5), RecursionError]


def turns(pump: Watched, *ends: object) -> int:
    """Run the loop with turns that end this way, None for a normal turn; then close the link. Return how many began."""
    app, waiting, whole = pump.pump, list(ends), pump.pump.turn

    def turn() -> None:
        if not waiting:
            pump.board.link.closed = True
            return
        end = waiting.pop(0)
        if end is not None:
            raise end
        whole()

    app.turn = turn
    try:
        loop.run(app)
    finally:
        app.turn, pump.board.link.closed = whole, False
    return len(ends) - len(waiting)


@pytest.mark.rule("R6")
@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_whatever_a_turn_raises_the_motor_is_off_an_alarm_is_kept_and_the_pump_answers(error: BaseException) -> None:
    pump = running()
    turns(pump, error, None)
    assert not pump.board.stepper.enabled
    pump.advance(1)
    assert pump.alarms() == ["internal"] and pump.call("status")["last_error"]
    assert [row["fault"] for row in pump.records("alarm", ring="faults")] == [faults.by_name("internal").number]
    assert pump.fault("start") == "alarm_active"


@pytest.mark.rule("R6")
def test_turn_after_turn_that_fails_ends_the_loop_and_single_ones_do_not() -> None:
    pump = running()
    with pytest.raises(KeyboardInterrupt):
        turns(pump, *[KeyboardInterrupt] * 50)
    assert turns(pump, *[KeyboardInterrupt, None] * 50) == 100


def test_a_pump_that_failed_and_started_again_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from support.pump.board import System

    image = running().image()
    monkeypatch.setattr(System, "failures", 1)
    pump = Watched(image)
    pump.advance(1)
    assert "restarted" in pump.alarms() and pump.fault("start") == "alarm_active"


# --- main.py


class Board:
    """Note what main.py does to a board, in order."""

    def __init__(self, failures: int = 0) -> None:
        self.done: list[str] = []
        self.system = types.SimpleNamespace(failures=failures, fail=lambda error: self.done.append(f"fail {error!r}"))

    def make_safe(self) -> None:
        self.done.append("safe")

    def hand_over(self) -> None:
        self.done.append("prompt")


def raising(error: BaseException) -> Callable[..., None]:
    def act(*words: object) -> None:
        raise error

    return act


def started(board: Board, **parts: object) -> list[str]:
    main = load(open)
    main.check, main.begin, main.turn = lambda: ("release", b""), lambda: board, lambda board, found: board.done.append("turned")
    main.answer_only = lambda fault, cause: board.done.append(f"answers {fault}")
    for name, part in parts.items():
        setattr(main, name, part)
    main.main()
    return board.done


def test_the_prompt_is_there_when_the_loop_has_ended_and_only_then() -> None:
    assert started(Board()) == ["turned", "safe", "prompt"]


@pytest.mark.rule("R6")
@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_whatever_main_meets_no_prompt_follows(error: BaseException) -> None:
    raised = error() if isinstance(error, type) else error
    assert started(Board(), turn=raising(raised)) == ["safe", f"fail {raised!r}", "answers internal", "prompt"]  # on a chip, `fail` resets
    assert started(Board(), begin=raising(raised)) == ["answers internal"]
    assert started(Board(), check=raising(raised)) == ["answers firmware_incomplete"]
    unsafe = Board()
    unsafe.make_safe = raising(raised)
    with pytest.raises(BaseException):  # on a chip, `fail` does not return
        started(unsafe, turn=raising(raised))
    assert unsafe.done == [f"fail {raised!r}"]


def test_what_only_power_up_needs_is_gone_while_the_loop_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name in a function that waits for the loop would keep a whole module: 12 kB of a chip's memory."""
    from app import startup

    boot, left = types.ModuleType("app.startup.boot"), []
    seen = weakref.ref(boot)
    monkeypatch.setitem(sys.modules, "app.startup.boot", boot)
    monkeypatch.setattr(startup, "boot", boot, raising=False)
    monkeypatch.setitem(sys.modules, "hal.sim.imports", types.SimpleNamespace(built=lambda: None))
    boot.build = lambda board, setup, release, hashes, room: pump if setup == "a setup" and len(room) > 1_000 else None
    monkeypatch.setitem(sys.modules, "app.startup.loading", types.SimpleNamespace(load=lambda board: "a setup"))
    del boot

    def give_back() -> None:
        del sys.modules["app.startup.boot"], startup.boot

    def run(running: types.SimpleNamespace) -> None:
        gc.collect()
        left.append((running, seen()))

    pump = types.SimpleNamespace(session=types.SimpleNamespace(loader=types.SimpleNamespace(give_back=give_back)))

    monkeypatch.setattr(loop, "run", run)
    system = types.SimpleNamespace(built=lambda: None, make_room=lambda loaded=False: None)
    load(open).turn(types.SimpleNamespace(system=system), ("release", b""))
    assert left == [(pump, None)]


def test_not_even_an_error_while_it_answers_ends_at_the_prompt() -> None:
    board, errors = Board(3), [MemoryError(), KeyboardInterrupt(), OSError(5)]

    def answer(fault: str, cause: str) -> None:
        board.done.append(cause[:11])
        if errors:
            raise errors.pop(0)

    assert started(board, answer_only=answer) == ["it failed 3", "MemoryError", "KeyboardInt", "OSError: 5", "prompt"]


def test_after_three_failures_in_a_row_it_starts_no_more() -> None:
    assert started(Board(2)) == ["turned", "safe", "prompt"]
    assert started(Board(3)) == ["answers internal", "prompt"]


def test_the_words_of_main_are_those_of_the_faults() -> None:
    for name, (number, *words) in load(open).UNFIT.items():
        assert (number, *words) == (faults.by_name(name).number, *fault_texts.told(name))


def answers(raw: bytes, monkeypatch: pytest.MonkeyPatch, platform: str = "rp2") -> tuple[list[dict], bool]:
    """Return (the answers, whether the prompt follows while there is more to read)."""
    main, said = load(open), io.BytesIO()
    streams = {"stdin": io.BytesIO(raw), "stdout": said}
    main.sys = types.SimpleNamespace(platform=platform, **{name: types.SimpleNamespace(buffer=one) for name, one in streams.items()})
    main.answer_only("firmware_incomplete", "why")
    return [frame.decode(line) for line in said.getvalue().splitlines()], streams["stdin"].read() != b""


ASKED = messages.request("00000000000000aa", "maintenance", {})


@pytest.mark.rule("R10")
@pytest.mark.parametrize(
    "raw",
    [b"hello\n", b"stop\n", b"\x03\n", b"\x01\x04\n", b"x" * 100_000 + b"\n", b"maintenance\n", bytes(range(11, 256)) + b"\n",
     frame.encode(ASKED)[:-2] + b"\n", json.dumps(ASKED).encode() + b"\n", frame.sealed(b"[1]"), frame.sealed(b"{}"),
     frame.sealed(b"[" * 90)],
    ids=lambda raw: repr(raw[:12]),
)
def test_every_line_is_answered_and_none_gives_the_prompt(raw: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    said, given = answers(raw * 3, monkeypatch)
    assert [reply["error"]["data"]["fault"] for reply in said] == ["firmware_incomplete"] * 3 and not given
    assert said[0]["error"]["data"]["cause"] == "why"


def test_a_whole_frame_is_answered_by_its_id_and_one_for_maintenance_gives_the_prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    said, given = answers(frame.encode(messages.request("00000000000000ab", "status", {})) + b"\n \r\n", monkeypatch)
    assert [reply["id"] for reply in said] == ["00000000000000ab"] and not given
    said, given = answers(frame.encode(ASKED) + b"stop\n", monkeypatch)
    assert said == [{"jsonrpc": "2.0", "id": ASKED["id"], "result": {"state": "maintenance"}}] and given
    said, given = answers(frame.encode(ASKED) + b"x", monkeypatch, "linux")
    assert "error" in said[0] and not given


def test_ctrl_c_is_off_before_anything_else(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[int] = []
    stand_in = types.ModuleType("micropython")
    stand_in.kbd_intr = lambda byte: called.append(byte)
    monkeypatch.setitem(sys.modules, "micropython", stand_in)
    text = MAIN.read_text(encoding="utf-8")
    exec(text[: text.index("HALS")], {"__name__": "x"})
    assert called == [-1]
