"""Every verb with every value of every reply spoilt in every way: an exit code and a line, never a traceback or a hang."""

import contextlib
import functools
import io
import os
import random
import signal
import sys
import time
from collections import Counter

import pytest

import thecal.cli.app
from pumpcore.wire import messages
from pumpcore.wire.replies import REPLIES
from support.host.hostile_pump import BAD_VALUES, MISSING, TOKEN, WRONG_LINES, Clock, HostilePump, Stuck, paths, sane, spoilt
from support.some import some_of

RX = 'title = "t"\ndrug = "water"\nconcentration = "500 ug/mL"\nafter_power_loss = "stop"\n[basal]\nrate = "1 mL/h"\n'
RX += '[line]\ntubing = "140 uL"\ncatheter = "199 uL"\nmeasured = 2026-01-31\n'
WHOLE = os.environ.get("THECAL_HYPOTHESIS") == "torture"
SAMPLE, LINES_SAMPLE, LIMIT_S = 1500, 300, 60
RUNNING, STOPPED = "running", "stopped"
VERB_OF_BOLUS = ("bolus", "0.1 mL", "--rate", "6 mL/h", "--yes")
WEIGHTS = ("--mass", "0.62 g", "--mass", "0.62 g", "--mass", "0.62 g", "--tube", "T1")
# words to type, and the pump's state
VERBS = {
    ("status",): RUNNING,
    ("status", "--json"): RUNNING,
    ("read",): RUNNING,
    ("read", "--json"): RUNNING,
    ("watch", "--count", "1"): RUNNING,
    ("watch", "--count", "1", "--json"): RUNNING,
    ("clock",): RUNNING,
    ("clock", "--set", "--set-clock"): STOPPED,
    ("find",): RUNNING,
    ("start", "--set-clock"): STOPPED,
    ("stop",): RUNNING,
    VERB_OF_BOLUS: RUNNING,
    ("bolus", "0.1 mL", "--extended", "4 h", "--yes"): RUNNING,
    ("bolus", "--demand", "--yes"): RUNNING,
    ("bolus", "--status", TOKEN): RUNNING,
    ("bolus", "--cancel", TOKEN): RUNNING,
    ("temporary", "50 %", "--for", "2 h", "--yes"): RUNNING,
    ("temporary", "--cancel", TOKEN): RUNNING,
    ("prime", "--rate", "2 mL/h", "--yes"): STOPPED,
    ("bridge", "--yes", "--set-clock"): STOPPED,
    ("refill", "--measured", "3 mL", "--filled", "16 mL", "--yes"): STOPPED,
    ("refill", "--acknowledge", "leak"): STOPPED,
    ("alarms",): RUNNING,
    ("ack", "all"): RUNNING,
    ("journal",): STOPPED,
    ("journal", "--csv", "-"): STOPPED,
    ("journal", "--raw", "-"): STOPPED,
    ("report", "--json"): STOPPED,
    ("report", "--csv", "-"): STOPPED,
    ("compare",): STOPPED,
    ("forecast", "rx.toml"): STOPPED,
    ("limits",): STOPPED,
    ("program", "rx.toml", "--yes"): STOPPED,
    ("maintenance", "--yes"): STOPPED,
    ("name", "flow-9"): STOPPED,
    ("key",): STOPPED,
    ("key", "new", "--yes"): STOPPED,
    ("key", "forget", "--yes"): STOPPED,
    ("calibrate", "--history"): STOPPED,
    ("calibrate", "--forget", "--yes"): STOPPED,
    ("calibrate", "--rotor", "--history"): STOPPED,
    ("calibrate", "--rotor", "--forget", "--yes"): STOPPED,
    ("calibrate", *WEIGHTS, "--yes"): STOPPED,
    ("calibrate", *WEIGHTS, "--verify"): STOPPED,
}
MAY_BE_REFUSED = {"program", "bridge", "forecast", "calibrate", "compare", "key"}  # judged by records, which have no one moment


@functools.cache
def recorded() -> tuple:
    return sane()


class Typed:
    """Run verbs in this process against the spoilt pump and judge the result."""

    def __init__(self, monkeypatch, folder) -> None:
        self.clock = Clock()
        self.folder, self.faults = folder, []
        self.codes: Counter = Counter()
        replies, raw = recorded()
        self.pump = HostilePump(dict(replies), raw, self.clock)
        self.status = replies["status"]
        monkeypatch.setattr("thecal.pump.exchange.Link", self.pump.link)
        monkeypatch.setattr(sys, "argv", [])
        monkeypatch.chdir(folder)
        monkeypatch.setenv("THECAL_RUNTIME", str(folder / "runtime"))
        (folder / "rx.toml").write_text(RX)
        self.monkeypatch = monkeypatch

    def run(self, words: tuple, spoil) -> tuple:
        """Return (exit code, stdout, stderr); an exception passes."""
        self.pump.spoil, self.pump.asked = spoil, []
        self.pump.replies["status"] = {**self.status, "state": VERBS[words]}
        sys.argv = ["thecal", *words, *(("--port", "socket://127.0.0.1:1"))]
        out, err = Out(), Out()
        signal.alarm(LIMIT_S)
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), self.monkeypatch.context() as patched:
            self.clock.patch(patched)
            patched.setattr("sys.stdin", io.StringIO(""))
            try:
                code = thecal.cli.app.main()
            except SystemExit as end:
                code = end.code or 0
            finally:
                signal.alarm(0)
        return code, out.text(), err.text()

    def judge(self, words: tuple, what: str, spoil) -> None:
        """Note what is wrong with the end of a command."""
        try:
            code, out, err = self.run(words, spoil)
        except BaseException as error:  # a traceback, or a hang
            if isinstance(error, KeyboardInterrupt):
                raise
            self.faults.append(f"{' '.join(words)}: {what}: {type(error).__name__}: {str(error)[:200]}")
            return
        self.codes[code] += 1
        odd = {letter for letter in out + err if not letter.isprintable() and letter != "\n"}
        if code not in (0, 1, 2, 3, 4, 5) or odd or "Traceback" in err or len(out) + len(err) > 200_000:
            self.faults.append(f"{' '.join(words)}: {what}: exit {code}, prints {odd or len(out) + len(err)}, {err[-300:]}")
        if code and "--json" not in words and code != 5 and "thecal: " not in err:
            self.faults.append(f"{' '.join(words)}: {what}: exit {code} without a word: {err[-300:]}")


class Out(io.TextIOWrapper):
    """Accept texts and bytes, like stdout."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", errors="strict", newline="\n")

    def text(self) -> str:
        self.flush()
        return self.buffer.getvalue().decode("utf-8", "replace").replace("\ufffd", "?") if not self.raw_records() else ""

    def raw_records(self) -> bool:
        """`journal --raw -` writes bytes."""
        return b"\x00" in self.buffer.getvalue()


def stuck(number, frame) -> None:
    raise Stuck(f"no end within {LIMIT_S} s")


@pytest.fixture
def typed(monkeypatch, tmp_path) -> Typed:
    before = signal.signal(signal.SIGALRM, stuck)
    yield Typed(monkeypatch, tmp_path)
    signal.signal(signal.SIGALRM, before)


def plain(method: str, reply: dict) -> dict:
    return reply


@pytest.mark.rule("R10")
def test_the_sane_pump_is_taken_by_every_verb(typed) -> None:
    for words in VERBS:
        code, _, err = typed.run(words, plain)
        assert code == 0 or words[0] in MAY_BE_REFUSED, (words, err)
        assert "not what this version expects" not in err


AGES_MS = ((1 << 32) - 1) * 1000  # the highest uptime
# cases that larger samples found
FOUND = {
    "compare, of 136 years": (("compare",), "status", ("uptime_ms",), AGES_MS, 1),
    "compare, before the start": (("compare",), "status", ("uptime_ms",), 1, 0),
    "a row a minute of 136 years": (("report", "--csv", "-"), "status", ("uptime_ms",), AGES_MS, 1),
    "a run of nothing": (("calibrate", *WEIGHTS, "--yes"), "bolus.status", ("delivered_steps",), 0, 4),
    "a bolus that begins at a text": (VERB_OF_BOLUS, "status", ("bolus", "begins_at_ms"), "x", 4),
}


@pytest.mark.rule("R10")
@pytest.mark.parametrize("name", FOUND)
def test_what_was_found_ends_with_its_exit_code(name: str, typed) -> None:
    words, method, path, value, expected = FOUND[name]
    code, _, err = typed.run(words, lambda asked, reply: spoilt(reply, path, value) if asked == method else reply)
    assert code == expected and (code == 0 or "thecal: " in err), err


def cases(typed) -> list:
    """Return (words, method, path, bad value) of every value that a verb asks for."""
    found = []
    for words in VERBS:
        typed.run(words, plain)
        for method in dict.fromkeys(typed.pump.asked):
            reply = typed.pump.replies[method]
            found += [(words, method, path, bad) for path in paths(reply) for bad in range(len(BAD_VALUES))]
    return found


@pytest.mark.rule("R10")
@pytest.mark.long
def test_no_value_of_a_reply_ends_in_a_traceback_or_a_hang(typed, record_property) -> None:
    every = cases(typed)
    chosen = every if WHOLE else random.Random(13).sample(every, SAMPLE)
    begun_s = time.perf_counter()
    for words, method, path, bad in chosen:
        value = BAD_VALUES[bad]
        shown = "missing" if value is MISSING else ascii(value)[:40]

        def spoil(asked, reply, method=method, path=path, value=value):
            return spoilt(reply, path, value) if asked == method else reply

        typed.judge(words, f"{method} {'.'.join(map(str, path))} = {shown}", spoil)
    took_s = time.perf_counter() - begun_s
    ends = ", ".join(f"{count} with {code}" for code, count in sorted(typed.codes.items()))
    record_property("figure", f"spoilt replies: {len(chosen)} of {len(every)} in {took_s:.0f} s, {len(typed.faults)} faults; ends: {ends}")
    assert not typed.faults, f"{len(typed.faults)} faults\n" + "\n".join(typed.faults[:60])


@pytest.mark.rule("R10")
def test_no_wrong_line_ends_in_a_traceback_or_a_hang(typed, record_property) -> None:
    every = []
    for words in VERBS:
        typed.run(words, plain)
        every += [(words, method, line) for method in dict.fromkeys(typed.pump.asked) for line in WRONG_LINES]
    chosen = every if WHOLE else random.Random(13).sample(every, LINES_SAMPLE)
    for words, method, line in chosen:
        typed.judge(words, f"{method} {line[:70]!r}", lambda asked, reply, method=method, line=line: line if asked == method else reply)
    record_property("figure", f"wrong lines: {len(chosen)} of {len(every)}, {len(typed.faults)} faults")
    assert not typed.faults, f"{len(typed.faults)} faults\n" + "\n".join(typed.faults[:60])


def test_every_method_has_a_row() -> None:
    assert set(REPLIES) == set(messages.METHODS)


# --- answers that never end: each loop over them has a bound


def advancing(method: str, **steps: int):
    """Let every answer advance these keys, so that only a count ends the verb."""
    seen: Counter = Counter()

    def spoil(asked, reply):
        if asked == method:
            seen[asked] += 1
            for key, step in steps.items():
                reply["result"][key] += step * seen[asked]
            if "done" in reply["result"]:
                reply["result"]["done"] = False
        return reply

    return spoil


def changed(method: str, **values):
    def spoil(asked, reply):
        if asked == method:
            reply["result"].update(values)
        return reply

    return spoil


ENDLESS = {
    "a forecast that stays where it is": (("forecast", "rx.toml"), changed("forecast.digest", second_s=0, done=False)),
    "a forecast that goes on": (("forecast", "rx.toml"), advancing("forecast.digest", second_s=1)),
    "a journal with more for ever": (("journal",), changed("journal.read", more=True)),
    "a journal that goes backwards": (("journal",), changed("journal.read", more=True, next_sequence=0)),
    "a journal that grows": (("journal",), advancing("journal.read", next_sequence=1, last_sequence=2)),
    "a journal that grows, with more": (("journal", "--raw", "-"), lambda asked, reply: grown(asked, reply)),
    "a journal of a watch": (("watch", "--count", "1"), advancing("journal.read", next_sequence=1, last_sequence=2)),
    "a run that never ends": (("calibrate", *WEIGHTS, "--yes"), changed("bolus.status", state="delivering", delivered_steps=1)),
    "a run that is forgotten": (("calibrate", *WEIGHTS, "--yes"), changed("bolus.status", state="forgotten")),
}
GROWN = advancing("journal.read", first_sequence=8, next_sequence=9, last_sequence=20)


def grown(asked: str, reply: dict) -> dict:
    GROWN(asked, reply)
    return changed("journal.read", more=True)(asked, reply)


@pytest.mark.rule("R10")
@pytest.mark.parametrize("name", some_of(ENDLESS, 3))
def test_a_pump_whose_answers_never_end_is_left(name: str, typed) -> None:
    words, spoil = ENDLESS[name]
    code, _, err = typed.run(words, spoil)
    assert (code in (1, 4)) or words[0] in ("watch", "journal"), err
    assert len(typed.pump.asked) < typed.pump.most_questions


class Flood:
    """A port on which bytes never end."""

    def __init__(self, data: bytes, clock: Clock) -> None:
        self.data, self.clock, self.timeout, self.is_open = data, clock, 0.0, True

    def read(self, count_bytes: int) -> bytes:
        self.clock.now_s += 0.001
        return (self.data * (count_bytes // len(self.data) + 1))[:count_bytes]

    def write(self, data: bytes) -> None:
        """Do nothing: nobody reads it."""

    def close(self) -> None:
        """Do nothing: nothing is open."""


@pytest.mark.parametrize("data", [b"x", b"\n", b"{}\n", b"{}*deadbeef\n", b'{"id": null}*99914b93\n', b"\xff\n"])
@pytest.mark.parametrize("verb", ["status", "stop"])
def test_a_flood_of_other_lines_ends_with_the_time_for_an_answer(data: bytes, verb: str, thecal_says, monkeypatch) -> None:
    clock = Clock()
    clock.patch(monkeypatch)
    monkeypatch.setattr("thecal.pump.transport.link.open_serial", lambda *which: (Flood(data, clock), False))
    before = signal.signal(signal.SIGALRM, stuck)
    signal.alarm(LIMIT_S)
    code, _, err = thecal_says(verb, "--port", "/dev/any")
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)
    assert code in (3, 4) and "thecal: " in err
